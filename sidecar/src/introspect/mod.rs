//! What an issuer says of a token that it alone can read (RFC 7662): asked once, remembered for a while, and asked through a
//! bounded pool behind a circuit breaker, so that an issuer that is slow or down costs its callers little and its neighbours
//! nothing. Never judges an answer: `decide` does.
//!
//! | file | job |
//! |---|---|
//! | `endpoint` | one issuer: from cache, from the issuer, or from what it said before |
//! | `flights` | one call for all who ask about one token at once |
//! | `request` | the HTTP call |
//! | `remembered` | answers by the hash of their token |

mod endpoint;
mod flights;
mod remembered;
mod request;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use postern_jose::UnixTime;
use postern_resilience::OutgoingSettings;
use secrecy::{ExposeSecret, SecretString};

use crate::sync::FetchError;
use endpoint::Endpoint;

pub(crate) use remembered::From;

/// How one issuer is asked.
#[derive(Debug, Clone)]
pub(crate) struct IntrospectionPlan {
    /// `iss`.
    pub(crate) issuer: String,
    /// Its introspection endpoint.
    pub(crate) url: String,
    /// As whom.
    pub(crate) client_id: String,
    /// With which secret (`client_secret_basic`, RFC 6749 §2.3.1).
    pub(crate) client_secret: SecretString,
    /// How long an answer counts, at most until the token's `exp`.
    pub(crate) cache: Duration,
    /// How long an answer "active" counts beyond that while the issuer can't be asked; never beyond the token's `exp`.
    pub(crate) stale: Duration,
    /// The bounds of the calls.
    pub(crate) outgoing: OutgoingSettings,
}

impl PartialEq for IntrospectionPlan {
    /// Whether both ask alike; of the two secrets only that is told.
    fn eq(&self, other: &Self) -> bool {
        self.issuer == other.issuer
            && self.url == other.url
            && self.client_id == other.client_id
            && self.client_secret.expose_secret() == other.client_secret.expose_secret()
            && (self.cache, self.stale) == (other.cache, other.stale)
            && self.outgoing == other.outgoing
    }
}

/// All issuers that can be asked.
#[derive(Debug, Default)]
pub(crate) struct Introspector {
    endpoints: HashMap<Arc<str>, Endpoint>,
}

/// An answer of an issuer about a token.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    /// As the issuer wrote it.
    pub(crate) response: Arc<[u8]>,
    /// For how long it may be gone by, in seconds.
    pub(crate) for_seconds: u32,
    /// Where it is from.
    pub(crate) from: From,
}

/// Why there is no answer. What is wrong exactly stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AskError {
    /// No issuer of this name can be asked.
    #[error("the issuer has no introspection endpoint here")]
    NoEndpoint,
    /// It can't be asked now.
    #[error("the issuer can't be asked now")]
    Unavailable {
        /// After how many seconds another try makes sense.
        retry_after_seconds: u32,
    },
}

impl Introspector {
    /// Asks by `plans`; the metrics recorder must be installed before.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub(crate) fn new(plans: Vec<IntrospectionPlan>) -> Result<Self, FetchError> {
        if plans.is_empty() {
            return Ok(Self::default());
        }
        // A client of its own: its connections belong to the runtime that checks run on.
        let client = crate::sync::client()?;
        let endpoints = plans
            .into_iter()
            .map(|plan| {
                (
                    Arc::from(plan.issuer.as_str()),
                    Endpoint::new(plan, client.clone()),
                )
            })
            .collect();
        Ok(Self { endpoints })
    }

    /// What `issuer` says of `token`.
    ///
    /// # Errors
    /// When it can't be asked, and nothing is remembered that still counts.
    pub(crate) async fn ask(&self, issuer: &str, token: &str, now: UnixTime) -> Result<Said, AskError> {
        let endpoint = self.endpoints.get(issuer).ok_or(AskError::NoEndpoint)?;
        endpoint.ask(token, now).await
    }

    /// The issuers that can be asked.
    pub(crate) fn issuers(&self) -> impl Iterator<Item = &Arc<str>> {
        self.endpoints.keys()
    }
}
