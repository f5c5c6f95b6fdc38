//! Which of the bundles of one name is the newer: by the sequence that their signer gave them, and by nothing else. A bundle
//! without one, and one that nobody has proved the signer of, is neither newer nor older than any other.

use super::refusal::Reason;
use crate::{Bundle, BundleError};

/// The highest sequence of the bundles that were in force.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Order {
    highest: Option<u64>,
}

/// A bundle is older than one that was in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the bundle is an older one: its sequence is {sequence}, and {highest} was in force already; to go back to what it holds, \
     give that a higher sequence (`postern bundle sign BUNDLE --signing-key FILE`, which takes the time) and push it again"
)]
pub struct OlderBundle {
    /// Its sequence.
    pub sequence: u64,
    /// The highest of those that were in force.
    pub highest: u64,
}

/// Why a bundle doesn't follow those before it.
#[derive(Debug)]
pub(super) enum NotInOrder {
    Older(OlderBundle),
    /// What it says of its place is ill-formed.
    IllFormed(BundleError),
}

impl From<BundleError> for NotInOrder {
    fn from(error: BundleError) -> Self {
        Self::IllFormed(error)
    }
}

impl From<NotInOrder> for Reason {
    fn from(error: NotInOrder) -> Self {
        match error {
            NotInOrder::Older(older) => older.into(),
            NotInOrder::IllFormed(error) => error.into(),
        }
    }
}

impl Order {
    pub(super) fn after(highest: Option<u64>) -> Self {
        Self { highest }
    }

    pub(super) fn highest(&self) -> Option<u64> {
        self.highest
    }

    /// Whether it may come into force. The same sequence again may: it is the one that is there, or one that its signer put
    /// beside it.
    pub(super) fn check(&self, bundle: &Bundle) -> Result<(), NotInOrder> {
        match (bundle.sequence()?, self.highest) {
            (Some(sequence), Some(highest)) if sequence < highest => {
                Err(NotInOrder::Older(OlderBundle { sequence, highest }))
            }
            _ => Ok(()),
        }
    }

    /// It came into force.
    pub(super) fn follow(&mut self, bundle: &Bundle) {
        let sequence = bundle.sequence().ok().flatten();
        self.highest = self.highest.max(sequence);
    }
}
