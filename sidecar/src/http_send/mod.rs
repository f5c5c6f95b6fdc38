//! Requests that a policy asks for (`http.send`), made for it: to hosts that the configuration lists and no others, each
//! through a bounded pool behind a circuit breaker, all of one decision under one deadline. Never judges an answer.
//!
//! | file | job |
//! |---|---|
//! | `hosts` | which hosts may be asked |
//! | `kept` | answers that serve other decisions, too, in a drop-in for opa-envoy-plugin |
//! | `addresses` | names to addresses that anybody may reach |
//! | `call` | one request, its redirects and retries |
//! | `hop` | one exchange of a call, and whose failure it is |
//! | `location` | where a redirect leads |
//! | `go` | an answer's head as Go's client shows it |

mod addresses;
mod call;
mod go;
mod hop;
mod hosts;
mod kept;
mod location;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use postern_decide::Now;
use postern_policy::http::{HttpFailure, HttpRequest, HttpResponse};
use postern_resilience::{BreakerSettings, CallError, MetricNames, Outgoing, OutgoingSettings, Prometheus};
use reqwest::{Certificate, Client, redirect};
use tokio::time::{Instant, timeout_at};

use crate::http_error::causes;
use crate::metrics::{BREAKER_STATE, BREAKER_TRANSITIONS, OUTGOING_REFUSED};
use crate::opa::Proxies;
use call::{Call, Retry};
use hop::{Arrived, CallFailed};
use kept::Kept;

pub(crate) use hosts::{HostPattern, Scheme};

const METRICS: MetricNames = MetricNames {
    state: BREAKER_STATE,
    transitions: BREAKER_TRANSITIONS,
    refused: OUTGOING_REFUSED,
};

/// Calls at once to the hosts of one entry, and calls that may wait for one to end.
const MAX_IN_FLIGHT: usize = 64;
const MAX_WAITING: usize = 64;

/// The same where anybody may be asked.
const MOST_IN_FLIGHT: usize = 4096;
/// How long the requests of one decision may take together there, and how large an answer may be. OPA has no such bounds.
const LONGEST: Duration = Duration::from_secs(30);
const LARGEST: usize = 16 << 20;

/// What may be asked, and what it may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HttpSendPlan {
    /// The first that means a host counts.
    pub(crate) hosts: Vec<AllowedHost>,
    /// All requests of one decision together take so long at most.
    pub(crate) timeout: Duration,
    /// The largest body, in bytes.
    pub(crate) max_response: usize,
    /// Certificates (PEM) of authorities that count besides the system's.
    pub(crate) authorities: Option<(PathBuf, Vec<u8>)>,
}

/// A host that may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AllowedHost {
    /// Which.
    pub(crate) pattern: HostPattern,
    /// Whether its address may be one that isn't everybody's.
    pub(crate) allow_private: bool,
}

/// Makes requests.
#[derive(Debug, Default)]
pub(crate) struct HttpSender {
    hosts: Vec<Host>,
    timeout: Duration,
    max_response: usize,
    kept: Option<Kept>,
}

#[derive(Debug)]
struct Host {
    /// Any, if it isn't there.
    pattern: Option<HostPattern>,
    allow_private: bool,
    client: Client,
    outgoing: Outgoing<Arc<Prometheus>>,
}

/// Requests can't be made as configured.
#[derive(Debug, thiserror::Error)]
#[error("policy.http_send: {0}")]
pub(crate) struct SetUpError(String);

impl HttpSender {
    /// Makes requests by this plan, or none; the metrics recorder must be installed before.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub(crate) fn new(plan: Option<&HttpSendPlan>) -> Result<Self, SetUpError> {
        let Some(plan) = plan else {
            return Ok(Self::default());
        };
        let anywhere = client(plan, true, None, false)?;
        let public = client(plan, false, None, false)?;
        let host = |allowed: &AllowedHost| {
            let observer = Prometheus::of(&METRICS, &format!("http.send {}", allowed.pattern));
            let settings = OutgoingSettings {
                max_in_flight: MAX_IN_FLIGHT,
                max_waiting: MAX_WAITING,
                deadline: plan.timeout,
                breaker: BreakerSettings::default(),
            };
            Host {
                pattern: Some(allowed.pattern.clone()),
                allow_private: allowed.allow_private,
                client: if allowed.allow_private { &anywhere } else { &public }.clone(),
                outgoing: Outgoing::new(settings, Arc::new(observer)),
            }
        };
        Ok(Self {
            hosts: plan.hosts.iter().map(host).collect(),
            timeout: plan.timeout,
            max_response: plan.max_response,
            kept: None,
        })
    }

    /// Makes requests to anybody, as OPA does: through the proxies of the environment, with no breaker, and with a memory of
    /// answers for other decisions of at most so many bytes.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub(crate) fn to_anybody(proxies: Proxies, kept_bytes: Option<u64>) -> Result<Self, SetUpError> {
        let plan = HttpSendPlan {
            hosts: Vec::new(),
            timeout: LONGEST,
            max_response: LARGEST,
            authorities: None,
        };
        let settings = OutgoingSettings {
            max_in_flight: MOST_IN_FLIGHT,
            max_waiting: MOST_IN_FLIGHT,
            deadline: LONGEST,
            breaker: BreakerSettings {
                // OPA asks however often it failed.
                failures_to_open: std::num::NonZeroU32::MAX,
                ..BreakerSettings::default()
            },
        };
        let anybody = Host {
            pattern: None,
            allow_private: true,
            client: client(&plan, true, Some(proxies.clone()), false).or_else(|error| {
                // Plain HTTP needs no authority.
                tracing::warn!(%error, "the system's authorities can't be read, so that none is trusted");
                client(&plan, true, Some(proxies), true)
            })?,
            outgoing: Outgoing::new(settings, Arc::new(Prometheus::of(&METRICS, "http.send"))),
        };
        Ok(Self {
            hosts: vec![anybody],
            timeout: plan.timeout,
            max_response: plan.max_response,
            kept: Some(Kept::new(kept_bytes)),
        })
    }

    /// As [`Self::send`], unless there is an answer that was kept and still holds at the moment of the decision.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub(crate) async fn kept_or_sent(
        &self,
        request: &HttpRequest,
        now: Now,
        until: Instant,
    ) -> Result<HttpResponse, HttpFailure> {
        match (&self.kept, request.keep) {
            (Some(kept), Some(keep)) => kept.or_sent(request, keep, now, (self, until)).await,
            _ => self.send(request, until).await,
        }
    }

    /// Until when the requests of a decision may take that makes its first one now.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline_within(None)
    }

    /// The same, of a caller who waits no longer than `left`.
    pub(crate) fn deadline_within(&self, left: Option<Duration>) -> Instant {
        let timeout = left.map_or(self.timeout, |left| left.min(self.timeout));
        Instant::now() + timeout
    }

    /// Makes a request, its redirects and its retries, until then at most.
    ///
    /// # Errors
    /// As OPA fails, or by a bound that OPA hasn't.
    pub(crate) async fn send(
        &self,
        request: &HttpRequest,
        until: Instant,
    ) -> Result<HttpResponse, HttpFailure> {
        let mut call = Call::new(request, self.max_response).map_err(HttpFailure::Refused)?;
        let answered = timeout_at(until, self.follow(&mut call)).await;
        let answer = answered.unwrap_or_else(|_| Err(self.too_late(request)));
        if let Err(failure) = &answer {
            tracing::warn!(%request, ?failure, "http.send failed");
        }
        answer
    }

    /// Each hop is a host that may be asked.
    async fn follow(&self, call: &mut Call<'_>) -> Result<HttpResponse, HttpFailure> {
        loop {
            let host = self.host(call)?;
            let sent = call.hop().send(&host.client, call.bounds());
            match host.outgoing.call(sent, CallFailed::blames_the_host).await {
                Ok(Arrived::Answer(response)) => return Ok(response),
                Ok(Arrived::Elsewhere {
                    keeps_method,
                    location,
                }) => call
                    .redirected(keeps_method, &location)
                    .map_err(HttpFailure::Refused)?,
                Err(CallError::Failed(CallFailed::Unanswered { why, unsent })) => {
                    again(call, why, unsent).await?;
                }
                Err(CallError::Failed(CallFailed::Broken(why))) => return Err(HttpFailure::Broken(why)),
                Err(CallError::Failed(CallFailed::Refused(why))) => return Err(HttpFailure::Refused(why)),
                // It has been failing: as good as a call that fails.
                Err(CallError::Open(_)) => {
                    let why = "not asked, since it has failed several times in a row just now";
                    return Err(HttpFailure::Network(format!("{}: {why}", call.hop().name())));
                }
                Err(error @ CallError::Full) => {
                    return Err(HttpFailure::Refused(format!("{}: {error}", call.hop().name())));
                }
                Err(CallError::Deadline(_)) => return Err(self.too_late(call.request())),
            }
        }
    }

    fn host(&self, call: &Call<'_>) -> Result<&Host, HttpFailure> {
        let found = self.hosts.iter().find(|host| {
            host.pattern
                .as_ref()
                .is_none_or(|pattern| pattern.means(&call.hop().url))
        });
        let refused = |why: &str| HttpFailure::Refused(format!("{}: {why}", call.hop().name()));
        let Some(host) = found else {
            return Err(refused("the host isn't listed under `policy.http_send.hosts`"));
        };
        // A name is looked up by `addresses`.
        match hosts::address(&call.hop().url) {
            Some(address) if !host.allow_private && !addresses::is_public(address) => Err(refused(
                "the address is private; the host's entry can say `allow_private: true`",
            )),
            _ => Ok(host),
        }
    }

    fn too_late(&self, request: &HttpRequest) -> HttpFailure {
        HttpFailure::Refused(format!("{request}: no answer within {:?}", self.timeout))
    }
}

/// Waits for another try, if there is one.
async fn again(call: &mut Call<'_>, why: String, unsent: bool) -> Result<(), HttpFailure> {
    match call.retry(unsent) {
        Retry::After(wait) => tokio::time::sleep(wait).await,
        Retry::Never => return Err(HttpFailure::Network(why)),
        Retry::Unclear => {
            let why = format!("{why}; whether a body is sent again is unclear (`max_retry_attempts`)");
            return Err(HttpFailure::Refused(why));
        }
    }
    call.again();
    Ok(())
}

fn client(
    plan: &HttpSendPlan,
    allow_private: bool,
    proxies: Option<Proxies>,
    trusts_nobody: bool,
) -> Result<Client, SetUpError> {
    let failed = |error: reqwest::Error| SetUpError(causes(&error));
    let mut builder = Client::builder()
        // Each hop is checked first.
        .redirect(redirect::Policy::none())
        // A proxy would look names up itself, so that there is one only where any address may be asked.
        .no_proxy()
        // Nothing is unpacked: what is packed is small, and what it holds needn't be.
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd()
        .retry(reqwest::retry::never())
        .pool_max_idle_per_host(MAX_IN_FLIGHT)
        .user_agent(concat!("postern-sidecar/", env!("CARGO_PKG_VERSION")))
        .dns_resolver(addresses::Resolver { allow_private });
    if trusts_nobody {
        builder = builder.tls_certs_only([]);
    }
    if let Some(proxies) = proxies {
        builder = builder.proxy(reqwest::Proxy::custom(move |url| proxies.of_url(url)));
    }
    if let Some((file, pem)) = &plan.authorities {
        let authorities = Certificate::from_pem_bundle(pem)
            .map_err(|error| SetUpError(format!("{}: {}", file.display(), causes(&error))))?;
        builder = builder.tls_certs_merge(authorities);
    }
    builder.build().map_err(failed)
}
