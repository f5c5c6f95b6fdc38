//! One issuer's introspection: what is remembered, else what it says, else what it said before and may still count.

use std::sync::Arc;

use metrics::{Counter, counter};
use postern_jose::UnixTime;
use postern_resilience::{CallError, MetricNames, Outgoing, Prometheus};
use serde::Deserialize;

use super::flights::Flights;
use super::remembered::{Remembered, TokenHash, hash_of};
use super::request::{CallFailed, Request};
use super::{AskError, IntrospectionPlan, Said};
use crate::metrics::{BREAKER_STATE, BREAKER_TRANSITIONS, INTROSPECTIONS, OUTGOING_REFUSED};

/// What callers are told to wait where nothing says how long.
const RETRY_AFTER_SECONDS: u32 = 1;

const METRICS: MetricNames = MetricNames {
    state: BREAKER_STATE,
    transitions: BREAKER_TRANSITIONS,
    refused: OUTGOING_REFUSED,
};

/// An issuer that can be asked.
#[derive(Debug)]
pub(super) struct Endpoint {
    issuer: Arc<str>,
    request: Request,
    outgoing: Outgoing<Arc<Prometheus>>,
    remembered: Remembered,
    /// Those that are being asked about.
    flights: Flights<Result<Said, AskError>>,
    counters: Counters,
}

impl Endpoint {
    pub(super) fn new(plan: IntrospectionPlan, client: reqwest::Client) -> Self {
        let observer = Arc::new(Prometheus::of(
            &METRICS,
            &format!("introspection {}", plan.issuer),
        ));
        Self {
            request: Request::new(client, plan.url, &plan.client_id, &plan.client_secret),
            outgoing: Outgoing::new(plan.outgoing, observer),
            remembered: Remembered::new(plan.cache, plan.stale),
            flights: Flights::default(),
            counters: Counters::of(&plan.issuer),
            issuer: Arc::from(plan.issuer),
        }
    }

    pub(super) async fn ask(&self, token: &str, now: UnixTime) -> Result<Said, AskError> {
        let hash = hash_of(token);
        if let Some(said) = self.remembered.fresh(&hash, now) {
            self.counters.cached.increment(1);
            return Ok(said);
        }
        // A client that begins with many requests at once has its token asked about once.
        let (said, shared) = self.flights.board(hash, self.call(token, hash, now)).await;
        if shared && said.is_ok() {
            self.counters.cached.increment(1);
        }
        said
    }

    async fn call(&self, token: &str, hash: TokenHash, now: UnixTime) -> Result<Said, AskError> {
        let asked = async {
            let response = self.request.send(token).await?;
            let read: Read = serde_json::from_slice(&response).map_err(|_| CallFailed::Unreadable)?;
            Ok((response, read))
        };
        match self.outgoing.call(asked, CallFailed::blames_the_issuer).await {
            Ok((response, read)) => {
                let counter = if read.active {
                    &self.counters.active
                } else {
                    &self.counters.inactive
                };
                counter.increment(1);
                let expires_at = read.expires_at(now);
                Ok(self
                    .remembered
                    .remember(hash, response.into(), read.active, expires_at, now))
            }
            Err(error) => {
                self.log(&error);
                if let Some(said) = self.remembered.stale(&hash, now) {
                    self.counters.stale.increment(1);
                    return Ok(said);
                }
                self.counters.failed.increment(1);
                Err(AskError::Unavailable {
                    retry_after_seconds: retry_after(&error),
                })
            }
        }
    }

    fn log(&self, error: &CallError<CallFailed>) {
        let issuer = self.issuer.as_ref();
        match error {
            // Said once for each call that failed; those that weren't made are in the metrics.
            CallError::Open(_) | CallError::Full => {
                tracing::debug!(issuer, %error, "introspection was not asked for");
            }
            CallError::Deadline(_) | CallError::Failed(_) => {
                let breaker = self.outgoing.state().as_str();
                tracing::warn!(issuer, %error, breaker, "introspection failed");
            }
        }
    }
}

/// As much of the answer as caching needs; all of it is read where it is judged.
#[derive(Deserialize)]
struct Read {
    active: bool,
    #[serde(default)]
    exp: Option<serde_json::Value>,
}

impl Read {
    /// When the token ends by its issuer's word, in whole seconds (RFC 7519 §2 has fractions, too). With an `exp` that can't
    /// be read it has ended, so that the answer isn't kept; what it is worth is judged elsewhere.
    fn expires_at(&self, now: UnixTime) -> Option<UnixTime> {
        let exp = self.exp.as_ref()?;
        let seconds = exp.as_i64().or_else(|| {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "`as` saturates, which is what a time beyond the range should do"
            )]
            exp.as_f64().map(|seconds| seconds.ceil() as i64)
        });
        Some(seconds.map_or(now, UnixTime))
    }
}

/// When another try makes sense: when the breaker lets one through, or soon.
fn retry_after(error: &CallError<CallFailed>) -> u32 {
    match error {
        CallError::Open(refused) => {
            let seconds = refused.retry_after.as_millis().div_ceil(1_000);
            u32::try_from(seconds)
                .unwrap_or(u32::MAX)
                .max(RETRY_AFTER_SECONDS)
        }
        CallError::Full | CallError::Deadline(_) | CallError::Failed(_) => RETRY_AFTER_SECONDS,
    }
}

/// What came of asking, by where the answer is from.
#[derive(Debug)]
struct Counters {
    active: Counter,
    inactive: Counter,
    cached: Counter,
    stale: Counter,
    failed: Counter,
}

impl Counters {
    fn of(issuer: &str) -> Self {
        let counter = |outcome: &'static str| counter!(INTROSPECTIONS, "issuer" => issuer.to_owned(), "outcome" => outcome);
        Self {
            active: counter("active"),
            inactive: counter("inactive"),
            cached: counter("cached"),
            stale: counter("stale"),
            failed: counter("failed"),
        }
    }
}
