//! Which decisions are put to the candidate, and what is kept of them: by the decision's id, so that it is chance.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use postern_decide::candidate::Asked;
use postern_decide::{Entropy, Now, Record, RequestView, Resumption, Snapshot};
use postern_telemetry::CorrelationId;
use uuid::Uuid;

use super::Candidates;

/// What a decision was made with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Made<'a> {
    pub(crate) snapshot: &'a Arc<Snapshot>,
    pub(crate) now: Now,
    pub(crate) entropy: &'a Entropy,
    /// Where a request of the policy's interrupted it.
    pub(crate) resumption: Option<&'a Resumption>,
}

/// A decision that is to be put to the candidate.
#[derive(Debug)]
pub(crate) struct Sampled {
    pub(super) asked: Asked,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) decision_id: Uuid,
    pub(super) correlation_id: CorrelationId,
    pub(super) at: Now,
}

/// A request that can be looked at once more.
pub(crate) trait Again: Send {
    /// How much memory it takes, about.
    fn bytes(&self) -> usize;
    /// Calls `look` with it, unless it can't be read.
    fn with(&self, look: &mut dyn FnMut(&RequestView<'_>));
}

impl Candidates {
    /// What is to be kept of a decision, where it is one of those that are compared.
    #[inline]
    pub(crate) fn sample(&self, record: &Record, made: &Made<'_>) -> Option<Box<Sampled>> {
        match self.share.load(Ordering::Relaxed) {
            0 => None,
            share => sampled(share, record, made),
        }
    }
}

#[cold]
fn sampled(share: u64, record: &Record, made: &Made<'_>) -> Option<Box<Sampled>> {
    let [a, b, c, d, ..] = *record.decision_id.as_bytes();
    if u64::from(u32::from_be_bytes([a, b, c, d])) >= share {
        return None;
    }
    Some(Box::new(Sampled {
        asked: Asked::of(record, made.now, made.entropy, made.resumption)?,
        snapshot: Arc::clone(made.snapshot),
        decision_id: record.decision_id,
        correlation_id: record.correlation_id.clone(),
        at: made.now,
    }))
}
