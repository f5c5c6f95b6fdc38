//! What waits is bounded, and whoever hands over never waits.

use std::sync::mpsc::{Receiver, Sender, channel};

use postern_decide::{Entropy, Record, RequestView, Snapshot};
use postern_policy::{BundleBuilder, Engine as _, Limits, PlanEngine, Verification};
use postern_telemetry::{CorrelationId, TraceParent};

use super::*;
use crate::{clock, testing};

const PLAN: &str = include_str!("../../../cli/demo/policy/plan.json");

fn policy() -> Arc<ActivePolicy> {
    let archive = BundleBuilder::new("r1").plan(PLAN).build().unwrap();
    let bundle = postern_policy::Bundle::read(&archive, &Verification::Unsigned, &Limits::default()).unwrap();
    let engine = PlanEngine::from_bundle(&bundle).unwrap();
    let entrypoint = engine.entrypoint("orders/authz/decision").unwrap();
    Arc::new(ActivePolicy::new(Arc::new(engine), entrypoint))
}

fn snapshot() -> Arc<Snapshot> {
    Arc::new(testing::snapshot().with_policy(policy()))
}

/// A decision that a policy was asked about.
fn sampled(candidates: &Candidates) -> Option<Box<Sampled>> {
    let entropy = Entropy::default();
    let record = Record {
        policy_revision: Some("r1".into()),
        ..Record::begin(
            uuid::Uuid::nil(),
            CorrelationId::from_bytes([0; 16]),
            TraceParent::generate([1; 24]),
        )
    };
    let made = Made {
        snapshot: &snapshot(),
        now: clock::now(),
        entropy: &entropy,
        resumption: None,
    };
    candidates.sample(&record, &made)
}

/// A request whose reading takes as long as somebody wants, and tells that it has begun.
struct Slow {
    begun: Sender<()>,
    end: Receiver<()>,
}

impl Again for Slow {
    fn bytes(&self) -> usize {
        1
    }

    fn with(&self, _: &mut dyn FnMut(&RequestView<'_>)) {
        let _ = self.begun.send(());
        let _ = self.end.recv();
    }
}

/// A request of this size that tells when it is looked at.
struct Sized {
    bytes: usize,
    seen: Sender<()>,
}

impl Again for Sized {
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn with(&self, _: &mut dyn FnMut(&RequestView<'_>)) {
        let _ = self.seen.send(());
    }
}

#[test]
fn without_a_candidate_nothing_is_kept() {
    let candidates = Arc::new(Candidates::default());
    assert!(sampled(&candidates).is_none());
    candidates.put(&policy(), 1_000_000).unwrap();
    assert!(sampled(&candidates).is_some());
    candidates.clear();
    assert!(sampled(&candidates).is_none());
}

#[test]
fn what_is_too_much_is_dropped_at_once_and_counted() {
    let candidates = Arc::new(Candidates::default());
    candidates.put(&policy(), 1_000_000).unwrap();
    let look = |request: Box<dyn Again>| {
        struct Boxed(Box<dyn Again>);
        impl Again for Boxed {
            fn bytes(&self) -> usize {
                self.0.bytes()
            }
            fn with(&self, look: &mut dyn FnMut(&RequestView<'_>)) {
                self.0.with(look);
            }
        }
        candidates.look(sampled(&candidates).unwrap(), Boxed(request));
    };
    let ((begun, has_begun), (end, ended), (seen, is_seen)) = (channel(), channel(), channel());
    look(Box::new(Slow { begun, end: ended }));
    has_begun.recv().unwrap();
    // The thread is busy: so many wait, and not one more.
    let small = || {
        Box::new(Sized {
            bytes: 1,
            seen: seen.clone(),
        })
    };
    for _ in 0..MAX_WAITING {
        look(small());
    }
    assert_eq!(candidates.dropped(), 0);
    look(small());
    assert_eq!(candidates.dropped(), 1);
    end.send(()).unwrap();
    for _ in 0..MAX_WAITING {
        is_seen.recv().unwrap();
    }
    // All of them together may not be larger than so much, whatever there is room for.
    look(Box::new(Sized {
        bytes: MAX_WAITING_BYTES + 1,
        seen: seen.clone(),
    }));
    assert_eq!(candidates.dropped(), 2);
    look(small());
    is_seen.recv().unwrap();
    assert_eq!(candidates.dropped(), 2);
}
