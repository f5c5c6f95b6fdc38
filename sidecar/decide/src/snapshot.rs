//! Everything that decisions are made from, immutable: a change is another snapshot. Never filled in here; the host pulls,
//! verifies and publishes.

use std::fmt;
use std::sync::Arc;

use postern_policy::{Engine, Entrypoint, Env, EvaluationLimits, TimeLimit, Value};

use crate::api_keys::ApiKeys;
use crate::decision_cache::{DecisionCache, DecisionCacheLimits, DecisionCacheUse, PlantedMistakes};
use crate::dpop::NonceKeys;
use crate::issuer::{Issuers, TrustedIssuer};
use crate::now::Now;
use crate::revocation::Revocations;
use crate::routes::Routes;
use crate::settings::Settings;

/// What one check sees, from its beginning to its end.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// What the operator configured for answers.
    pub settings: Arc<Settings>,
    /// What is asked of which requests.
    pub routes: Arc<Routes>,
    /// The issuers whose tokens are accepted.
    pub issuers: Issuers,
    /// The policy in force; `None` until one has been activated.
    pub policy: Option<Arc<ActivePolicy>>,
    /// What has been revoked.
    pub revocations: Arc<Revocations>,
    /// The API keys that count.
    pub api_keys: Arc<ApiKeys>,
    /// The keys that DPoP nonces are made with.
    pub nonce_keys: Arc<NonceKeys>,
}

impl Snapshot {
    /// What is known before anything has been fetched: an operator's choices, and issuers without keys.
    pub fn initial(
        settings: Settings,
        routes: Arc<Routes>,
        issuers: Issuers,
        revocations: Revocations,
    ) -> Self {
        Self {
            settings: Arc::new(settings),
            routes,
            issuers,
            policy: None,
            revocations: Arc::new(revocations),
            api_keys: Arc::default(),
            nonce_keys: Arc::default(),
        }
    }

    /// The snapshot with the one issuer of that name replaced: its keys changed.
    #[must_use]
    pub fn with_issuer(&self, replacement: &Arc<TrustedIssuer>) -> Self {
        Self {
            issuers: self.issuers.with(replacement),
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

    /// The snapshot with other revocations.
    #[must_use]
    pub fn with_revocations(&self, revocations: Arc<Revocations>) -> Self {
        Self {
            revocations,
            ..self.clone()
        }
    }

    /// The snapshot with other keys for DPoP nonces.
    #[must_use]
    pub fn with_nonce_keys(&self, nonce_keys: Arc<NonceKeys>) -> Self {
        Self {
            nonce_keys,
            ..self.clone()
        }
    }

    /// The snapshot with other API keys.
    #[must_use]
    pub fn with_api_keys(&self, api_keys: Arc<ApiKeys>) -> Self {
        Self {
            api_keys,
            ..self.clone()
        }
    }
}

/// A policy in force: an engine and the rule of it that is asked.
pub struct ActivePolicy {
    engine: Arc<dyn Engine>,
    entrypoint: Entrypoint,
    revision: Arc<str>,
    bundles: Arc<[(String, String)]>,
    limits: PolicyLimits,
    /// What it is told of where it runs (`opa.runtime`); where it is nothing, what everybody may know.
    runtime: Option<Value>,
    /// What it has answered so far: it goes with the policy.
    cache: Option<DecisionCache>,
    cache_use: DecisionCacheUse,
}

/// How much one evaluation of policy may take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PolicyLimits {
    /// Of work and memory.
    pub evaluation: EvaluationLimits,
    /// Of time, with the host's clock; none where no host has one.
    pub time: Option<TimeLimit>,
}

impl PolicyLimits {
    /// What an evaluation within these limits is given.
    pub fn env(&self, now: Now, seed: [u8; 32]) -> Env {
        let mut env = Env::new(now.unix_ns, seed);
        env.limits = self.evaluation;
        env.time_limit = self.time;
        env
    }
}

impl ActivePolicy {
    /// Pairs an engine with one of its entrypoints.
    pub fn new(engine: Arc<dyn Engine>, entrypoint: Entrypoint) -> Self {
        let revision = Arc::from(engine.revision());
        Self {
            engine,
            entrypoint,
            revision,
            bundles: Arc::default(),
            limits: PolicyLimits::default(),
            runtime: None,
            cache: None,
            cache_use: DecisionCacheUse::Off {
                why: "nobody asked for it".to_owned(),
            },
        }
    }

    /// The same, with other limits for each evaluation.
    #[must_use]
    pub fn with_limits(self, limits: PolicyLimits) -> Self {
        Self { limits, ..self }
    }

    /// The same, told this of where it runs (`opa.runtime`).
    #[must_use]
    pub fn with_runtime(self, runtime: Option<Value>) -> Self {
        Self { runtime, ..self }
    }

    /// What one evaluation is given, at that time and with that randomness.
    pub fn env(&self, now: Now, seed: [u8; 32]) -> Env {
        let mut env = self.limits.env(now, seed);
        env.runtime.clone_from(&self.runtime);
        env
    }

    /// The same, with a memory of its own for what it answers, as far as that may be remembered. `secret` must be random,
    /// and nobody else's: what answers are remembered by is hashed with it.
    #[must_use]
    pub fn with_cache(self, limits: DecisionCacheLimits, secret: [u8; 16]) -> Self {
        self.with_mistaken_cache(limits, secret, &PlantedMistakes::default())
    }

    /// The same, with mistakes, for tests that must see them.
    #[doc(hidden)]
    #[must_use]
    pub fn with_mistaken_cache(
        self,
        limits: DecisionCacheLimits,
        secret: [u8; 16],
        mistakes: &PlantedMistakes,
    ) -> Self {
        let (cache, cache_use) =
            DecisionCache::of(self.engine.as_ref(), self.entrypoint, limits, secret, mistakes);
        Self {
            cache,
            cache_use,
            ..self
        }
    }

    /// The same, made of these bundles, each with its revision.
    #[must_use]
    pub fn with_bundles(self, bundles: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            bundles: bundles.into_iter().collect(),
            ..self
        }
    }

    /// What it has answered so far, where that is remembered.
    pub fn cache(&self) -> Option<&DecisionCache> {
        self.cache.as_ref()
    }

    /// What runs: as [`Engine::kind`].
    pub fn engine_kind(&self) -> &'static str {
        self.engine.kind()
    }

    /// Whether its answers are remembered, and why not.
    pub fn cache_use(&self) -> &DecisionCacheUse {
        &self.cache_use
    }

    /// The bundles that it was made of, each with its revision, as OPA's decision logs name them.
    pub fn bundles(&self) -> &[(String, String)] {
        &self.bundles
    }

    /// How much one evaluation may take.
    pub fn limits(&self) -> &PolicyLimits {
        &self.limits
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
