//! Keeps one issuer's keys fresh: pulled in the background, swapped in whole, kept on disk. A failure keeps the last good
//! set, for as long as the issuer's `max_staleness_seconds` says. Never on a check's way, and no issuer waits for another.

mod discovery;
mod location;
mod schedule;

use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use postern_decide::{IssuerRules, TrustedIssuer};
use postern_jose::{JwkSet, JwkSetError, KeySet, MAX_JWKS_BYTES, UnixTime};
use reqwest::Client;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Context;
use super::fetch::{Answer, FetchError};
use crate::clock;
use crate::disk::Record;
use crate::metrics::JWKS_FETCHES;
use crate::refetch::Wake;
use crate::status::IssuerState;
use location::{Location, LocationError};
use schedule::Schedule;

/// How long a whole fetch may take: of keys, or of the document that says where they are.
const DEADLINE: Duration = Duration::from_secs(10);
/// How old the time on disk at which keys were last confirmed may become before it is written anew, in seconds.
const KEPT_AGE_SECONDS: i64 = 300;

/// How one issuer's keys are kept fresh.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KeysPlan {
    /// What is asked of its tokens.
    pub(crate) rules: Arc<IssuerRules>,
    /// Between two pulls when nothing else happens, at most.
    pub(crate) refresh: Duration,
    /// Between two pulls that unknown keys cause, at least.
    pub(crate) cooldown: Duration,
}

/// Where an issuer's keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeysSource {
    /// Under this URL.
    Uri(String),
    /// Where the issuer's own document says (OpenID Connect Discovery).
    Discovery,
}

/// Keeps one issuer's keys fresh.
pub(crate) struct KeysPuller {
    context: Arc<Context>,
    plan: KeysPlan,
    location: Location,
    wake: Arc<Wake>,
    current: Option<Current>,
}

/// The set in force.
struct Current {
    etag: Option<String>,
    bytes: Vec<u8>,
    /// The time at which it was fetched or confirmed, as the disk has it.
    kept_at: i64,
}

#[derive(Debug, thiserror::Error)]
enum PullError {
    #[error(transparent)]
    Location(#[from] LocationError),
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("{url}: {error}")]
    KeySet { url: String, error: JwkSetError },
}

/// What a pull brought.
struct Pulled {
    outcome: &'static str,
    max_age: Option<Duration>,
}

impl KeysPuller {
    pub(crate) fn new(
        context: Arc<Context>,
        plan: KeysPlan,
        source: &KeysSource,
        client: Client,
        wake: Arc<Wake>,
    ) -> Self {
        let location = Location::new(client, &plan.rules.expectations.issuer, source);
        Self {
            context,
            plan,
            location,
            wake,
            current: None,
        }
    }

    /// The issuer with the last good set from disk, if there is one that is young enough.
    pub(crate) fn load_from_disk(&mut self) -> Option<TrustedIssuer> {
        let issuer = self.issuer().to_owned();
        let path = self.context.disk.keys(&issuer);
        let record = match Record::read(&path, &issuer, self.location.source(), MAX_JWKS_BYTES as u64) {
            Ok(None) => return None,
            Ok(Some(record)) => record,
            Err(error) => {
                self.context.drop_kept(&format!("keys of {issuer}"), &error);
                return None;
            }
        };
        let now = clock::now().seconds();
        // A clock that was ahead when this was written gives it no longer life.
        let fetched_at = UnixTime(record.fetched_at.min(now.0));
        let age = now.seconds_since(fetched_at);
        if age > i64::from(self.plan.rules.max_staleness_seconds) {
            let why = format!("they were last confirmed {age} s ago, longer than max_staleness_seconds");
            self.context.drop_kept(&format!("keys of {issuer}"), &why);
            return None;
        }
        match JwkSet::parse(&record.content) {
            Ok(set) => {
                self.current = Some(Current {
                    etag: record.etag,
                    bytes: record.content,
                    kept_at: record.fetched_at,
                });
                Some(self.trusted(&set, fetched_at))
            }
            Err(error) => {
                self.context.drop_kept(&format!("keys of {issuer}"), &error);
                None
            }
        }
    }

    /// Pulls until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut schedule = Schedule::new(self.plan.refresh, self.plan.cooldown, now());
        let wake = Arc::clone(&self.wake);
        loop {
            let unknown_key = async {
                wake.unknown_key.notified().await;
                sleep_until(schedule.after_unknown_key).await;
            };
            let hinted = async {
                wake.hinted.notified().await;
                sleep_until(schedule.after_hint).await;
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep_until(schedule.due) => {}
                () = hinted => {}
                () = unknown_key => {}
            }
            schedule.begins(now());
            wake.pull_began();
            let pulled = tokio::select! {
                () = stop.cancelled() => return,
                pulled = self.pull() => pulled,
            };
            wake.pull_ended(schedule.after_unknown_key);
            let outcome = self.settle(pulled, &mut schedule);
            let issuer = self.issuer().to_owned();
            counter!(JWKS_FETCHES, "issuer" => issuer, "outcome" => outcome).increment(1);
        }
    }

    /// Notes what came of a pull. Returns its name for the metric.
    fn settle(&mut self, pulled: Result<Pulled, PullError>, schedule: &mut Schedule) -> &'static str {
        let randomness = &self.context.randomness;
        match pulled {
            Ok(Pulled { outcome, max_age }) => {
                schedule.succeeded(max_age, now(), |period| randomness.jittered(period));
                outcome
            }
            Err(error) => {
                schedule.failed(now(), |longest| randomness.backoff(longest));
                self.location.mistrust();
                let issuer = self.issuer();
                tracing::warn!(issuer, %error, "keys could not be fetched; those in force, if any, stay");
                self.context
                    .status
                    .change_issuer(issuer, |state| state.error = Some(error.to_string()));
                "failed"
            }
        }
    }

    async fn pull(&mut self) -> Result<Pulled, PullError> {
        let (fetcher, moved) = self.location.fetcher(now()).await?;
        let current = self.current.as_ref();
        // A tag says something about the URL that it came from only.
        let etag = current
            .and_then(|current| current.etag.as_deref())
            .filter(|_| !moved);
        let changed = match fetcher.ask(etag, DEADLINE, |request| request).await? {
            Answer::Unchanged { max_age } => {
                self.confirm().await;
                return Ok(Pulled {
                    outcome: "unchanged",
                    max_age,
                });
            }
            Answer::Changed(changed) => changed,
        };
        let (etag, max_age) = (changed.etag.clone(), changed.max_age);
        let body = changed.body(MAX_JWKS_BYTES, DEADLINE).await?;
        if let Some(current) = self.current.as_mut().filter(|current| current.bytes == body) {
            current.etag = etag;
            self.confirm().await;
            return Ok(Pulled {
                outcome: "unchanged",
                max_age,
            });
        }
        let set = JwkSet::parse(&body).map_err(|error| PullError::KeySet {
            url: fetcher.url().to_owned(),
            error,
        })?;
        let now = clock::now().seconds();
        self.put_into_force(&set, now);
        self.current = Some(Current {
            etag,
            bytes: body,
            kept_at: now.0,
        });
        self.keep().await;
        Ok(Pulled {
            outcome: "changed",
            max_age,
        })
    }

    /// The issuer with the keys of this set.
    fn trusted(&self, set: &JwkSet, fetched_at: UnixTime) -> TrustedIssuer {
        let issuer = self.issuer();
        for skipped in set.skipped() {
            tracing::warn!(issuer, kid = skipped.key_id, reason = %skipped.reason, "a published key can't be used");
        }
        let keys = KeySet::from_jwks(set);
        TrustedIssuer::with_keys(Arc::clone(&self.plan.rules), Arc::new(keys), fetched_at)
    }

    fn put_into_force(&self, set: &JwkSet, fetched_at: UnixTime) {
        let trusted = Arc::new(self.trusted(set, fetched_at));
        let state = IssuerState::of(&trusted, false);
        tracing::info!(issuer = self.issuer(), keys = state.keys, "keys are in force");
        self.context
            .status
            .change_issuer(self.issuer(), |current| *current = state);
        self.context.published.swap_issuer(&trusted);
    }

    /// The issuer says that its keys are those that are in force.
    async fn confirm(&mut self) {
        let now = clock::now().seconds();
        self.context.published.confirm_issuer(self.issuer(), now);
        self.context.status.change_issuer(self.issuer(), |state| {
            state.fetched_at = Some(now.0);
            state.from_disk = false;
            state.error = None;
        });
        // After a restart they are as old as the disk says.
        if let Some(current) = &mut self.current
            && now.0.saturating_sub(current.kept_at) >= KEPT_AGE_SECONDS
        {
            current.kept_at = now.0;
            self.keep().await;
        }
    }

    /// Writes the set in force to disk.
    async fn keep(&self) {
        let Some(current) = &self.current else { return };
        let issuer = self.issuer().to_owned();
        let path = self.context.disk.keys(&issuer);
        let record = Record {
            subject: issuer,
            source: self.location.source().to_owned(),
            etag: current.etag.clone(),
            fetched_at: current.kept_at,
            content: current.bytes.clone(),
        };
        self.context.keep(record, path).await;
    }

    fn issuer(&self) -> &str {
        &self.plan.rules.expectations.issuer
    }
}

/// A moment to count from.
fn now() -> Instant {
    Instant::now()
}
