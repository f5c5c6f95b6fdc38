//! From an archive to a policy that may be asked: verified, loaded, its entrypoint found and tried. A pure function: where
//! the archive came from, and what serves meanwhile, is the puller's business. Any failure refuses the whole.

use std::sync::Arc;

use postern_decide::{ActivePolicy, Entropy, Now, PolicyLimits};
use postern_policy::{Bundle, BundleError, Engine, EngineError, HttpSend, Limits, PlanEngine, Verification};

/// What a bundle must be to be activated.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Requirements {
    /// The keys of which one must have signed it.
    pub(crate) verification: Verification,
    /// What will be asked.
    pub(crate) entrypoint: String,
    /// How large it may be.
    pub(crate) limits: Limits,
    /// Whether it may call `http.send`.
    pub(crate) http_send: HttpSend,
    /// How much one evaluation may take, when it is tried and afterwards.
    pub(crate) evaluation: PolicyLimits,
}

/// A bundle that passed.
#[derive(Debug)]
pub(crate) struct Activation {
    /// The policy.
    pub(crate) policy: Arc<ActivePolicy>,
    /// What it can be asked.
    pub(crate) entrypoints: Vec<String>,
}

/// Why a bundle is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActivationError {
    /// The archive, or its signature.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The policy in it.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Makes a policy of `archive`. Takes as long as the bundle is large: never call it on a runtime's thread.
///
/// # Errors
/// The first thing that is wrong with it.
pub(crate) fn activate(
    archive: &[u8],
    requirements: &Requirements,
    now: Now,
    entropy: &Entropy,
) -> Result<Activation, ActivationError> {
    let bundle = Bundle::read(archive, &requirements.verification, &requirements.limits)?;
    let engine = PlanEngine::from_bundle_with(&bundle, requirements.http_send)?;
    let entrypoint = engine.require(&requirements.entrypoint)?;
    let evaluation = requirements.evaluation;
    engine.smoke_check(entrypoint, &evaluation.env(now, entropy.policy_seed))?;
    let entrypoints = engine.entrypoints();
    Ok(Activation {
        policy: Arc::new(ActivePolicy::new(Arc::new(engine), entrypoint).with_limits(evaluation)),
        entrypoints,
    })
}
