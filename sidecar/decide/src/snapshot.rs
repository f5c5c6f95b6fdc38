//! Everything that decisions are made from, immutable: a change is another snapshot. Never filled in here; the host pulls,
//! verifies and publishes.

use std::fmt;
use std::sync::Arc;

use postern_jose::{Expectations, KeySet};
use postern_policy::{Engine, Entrypoint};

use crate::settings::Settings;

/// What one check sees, from its beginning to its end.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// What the operator configured for answers.
    pub settings: Arc<Settings>,
    /// The issuers whose tokens are accepted; no two of one name.
    pub issuers: Arc<[Arc<TrustedIssuer>]>,
    /// The policy in force; `None` until one has been activated.
    pub policy: Option<Arc<ActivePolicy>>,
}

impl Snapshot {
    /// The trusted issuer called `name`.
    pub fn issuer(&self, name: &str) -> Option<&Arc<TrustedIssuer>> {
        self.issuers.iter().find(|issuer| issuer.name().as_ref() == name)
    }

    /// The snapshot with the one issuer of that name replaced: its keys changed.
    #[must_use]
    pub fn with_issuer(&self, replacement: &Arc<TrustedIssuer>) -> Self {
        let issuers = self
            .issuers
            .iter()
            .map(|issuer| {
                if issuer.name() == replacement.name() {
                    replacement
                } else {
                    issuer
                }
            })
            .map(Arc::clone)
            .collect();
        Self {
            issuers,
            ..self.clone()
        }
    }

    /// The snapshot under another policy.
    #[must_use]
    pub fn with_policy(&self, policy: Arc<ActivePolicy>) -> Self {
        Self {
            policy: Some(policy),
            ..self.clone()
        }
    }
}

/// One issuer: what is expected of its tokens, and the keys that prove them. The two never change apart: other keys make
/// another `TrustedIssuer`, which is what ties a remembered token to the keys it was verified with.
#[derive(Debug)]
pub struct TrustedIssuer {
    name: Arc<str>,
    expectations: Expectations,
    keys: Option<KeySet>,
}

impl TrustedIssuer {
    /// An issuer with the key set that it publishes; `None` while none was ever had.
    pub fn new(expectations: Expectations, keys: Option<KeySet>) -> Self {
        Self {
            name: Arc::from(expectations.issuer.as_str()),
            expectations,
            keys,
        }
    }

    /// Its `iss`.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What is expected of its tokens.
    pub fn expectations(&self) -> &Expectations {
        &self.expectations
    }

    /// Its keys.
    pub fn keys(&self) -> Option<&KeySet> {
        self.keys.as_ref()
    }
}

/// A policy in force: an engine and the rule of it that is asked.
pub struct ActivePolicy {
    engine: Arc<dyn Engine>,
    entrypoint: Entrypoint,
    revision: Arc<str>,
}

impl ActivePolicy {
    /// Pairs an engine with one of its entrypoints.
    pub fn new(engine: Arc<dyn Engine>, entrypoint: Entrypoint) -> Self {
        let revision = Arc::from(engine.revision());
        Self {
            engine,
            entrypoint,
            revision,
        }
    }

    /// The engine.
    pub fn engine(&self) -> &dyn Engine {
        self.engine.as_ref()
    }

    /// The rule that is asked.
    pub fn entrypoint(&self) -> Entrypoint {
        self.entrypoint
    }

    /// The revision, as the bundle's manifest names it; may be empty.
    pub fn revision(&self) -> &Arc<str> {
        &self.revision
    }
}

impl fmt::Debug for ActivePolicy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ActivePolicy")
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}
