//! How much is taken on at once, and what is said beyond: nothing queues here (R1, "Overload"). Counts; never waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What bounds the work, all over all connections but where it says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OverloadPlan {
    /// Checks whose answer hasn't been given; one more is denied at once.
    pub(crate) max_in_flight: usize,
    /// Connections; one more waits to be accepted, and makes idle ones leave.
    pub(crate) max_connections: usize,
    /// Requests at once on one connection (RFC 9113 §5.1.2); Envoy opens another one beyond.
    pub(crate) max_streams: u32,
    /// One message, in bytes.
    pub(crate) max_message_bytes: usize,
    /// Messages that come in parts, while they aren't whole, in bytes.
    pub(crate) max_partial_bytes: usize,
    /// How long a message may take to come.
    pub(crate) message_deadline: Duration,
    /// How long what is under way may take to end once the process is told to.
    pub(crate) drain: Duration,
}

/// How much is under way, of what there is a bound for.
#[derive(Debug)]
pub(crate) struct Load {
    used: AtomicUsize,
    most: usize,
}

impl Load {
    /// At most `most` at once.
    pub(crate) fn up_to(most: usize) -> Arc<Self> {
        Arc::new(Self {
            used: AtomicUsize::new(0),
            most,
        })
    }

    /// A part of it, if there is that much left.
    pub(crate) fn take(self: &Arc<Self>, amount: usize) -> Option<Taken> {
        let before = self.used.fetch_add(amount, Ordering::Relaxed);
        // From here on it is given back whatever happens.
        let taken = Taken {
            load: Arc::clone(self),
            amount,
        };
        (before.saturating_add(amount) <= self.most).then_some(taken)
    }

    /// How much is under way.
    #[cfg(test)]
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

/// A part of a [`Load`], until dropped.
#[derive(Debug)]
pub(crate) struct Taken {
    load: Arc<Load>,
    amount: usize,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.load.used.fetch_sub(self.amount, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_bound_is_refused_and_takes_nothing() {
        let load = Load::up_to(3);
        let first = load.take(2);
        assert!(first.is_some() && load.take(2).is_none());
        assert_eq!(load.used(), 2, "a refusal gives back what it tried");
        let second = load.take(1);
        assert!(second.is_some() && load.take(1).is_none());
        drop(first);
        assert!(load.take(2).is_some());
    }
}
