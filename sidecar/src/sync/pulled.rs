//! What comes of pulling a bundle: a policy that isn't in force yet, or why there is none.

use std::sync::Arc;

use postern_decide::ActivePolicy;

use super::activation::{Activation, ActivationError};
use super::fetch::FetchError;

/// What becomes of a policy that was pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It decides.
    InForce,
    /// It is put beside the one that decides, for so many of a million decisions.
    Candidate {
        /// How many.
        per_million: u64,
    },
}

/// A bundle that passed, and where it came from.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(super) activation: Activation,
    pub(super) etag: Option<String>,
    pub(super) from_disk: bool,
}

impl Loaded {
    /// The policy.
    pub(crate) fn policy(&self) -> &Arc<ActivePolicy> {
        &self.activation.policy
    }
}

/// Why there is no new policy.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PullError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Refused(#[from] ActivationError),
    #[error("the server says that nothing changed, to one who has nothing")]
    Nothing,
}

impl PullError {
    /// Whether it is the bundle's fault, so that the same bundle would fail again.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Self::Refused(error) => error.is_refusal(),
            Self::Fetch(FetchError::TooLarge { .. }) => true,
            Self::Fetch(_) | Self::Nothing => false,
        }
    }

    /// The step of an activation at which it happened.
    pub(super) fn step(&self) -> Option<&'static str> {
        match self {
            Self::Refused(error) => Some(error.step()),
            Self::Fetch(_) | Self::Nothing => None,
        }
    }
}
