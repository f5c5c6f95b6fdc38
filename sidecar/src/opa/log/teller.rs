//! Hands decisions from the workers to the log's own thread. Never waits: where there is no room the event is dropped and
//! counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvError, SyncSender, sync_channel};
use std::time::Duration;

use bytes::Bytes;
use postern_decide::opa_envoy::Failure;
use postern_decide::{ActivePolicy, Now, OpaEnvoySettings, Resumption};
use postern_policy::Value;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::counters::{Counter, Counters};

/// Decisions that wait.
const MAX_WAITING: usize = 8192;
/// Of their messages and results, bytes, about.
const MAX_WAITING_BYTES: usize = 32 << 20;

/// A decision.
#[derive(Debug)]
pub(crate) struct Told {
    /// The request's message, in its gRPC frame.
    pub(crate) body: Bytes,
    pub(crate) decision_id: Uuid,
    /// What the policy answered.
    pub(crate) result: Option<Value>,
    /// Why there is no decision.
    pub(crate) failure: Option<Failure>,
    /// Whether an input could be made of the message.
    pub(crate) has_input: bool,
    /// How its body was read.
    pub(crate) settings: OpaEnvoySettings,
    /// The policy that decided.
    pub(crate) policy: Option<Arc<ActivePolicy>>,
    /// What it was made with, where the log tells of calls.
    pub(crate) made_with: Option<Resumption>,
    /// When it was decided.
    pub(crate) at: Now,
    /// How long that took.
    pub(crate) took: Duration,
}

impl Told {
    /// About how much memory it holds.
    fn bytes(&self) -> usize {
        let result = self.result.as_ref().map_or(0, Value::weight).saturating_mul(64);
        self.body
            .len()
            .saturating_add(usize::try_from(result).unwrap_or(usize::MAX))
    }
}

/// What the log's thread is told.
pub(super) enum Message {
    Decided(Box<Told>),
    /// That it was the last; to be answered once all before it are done.
    End(oneshot::Sender<()>),
}

/// The workers' end.
#[derive(Debug, Clone)]
pub(crate) struct Teller {
    sender: SyncSender<Message>,
    bytes: Arc<AtomicUsize>,
    counters: Arc<Counters>,
    tells_calls: bool,
}

/// The thread's end.
pub(super) struct Listener {
    receiver: Receiver<Message>,
    bytes: Arc<AtomicUsize>,
}

/// Both ends. `tells_calls` is whether events have the calls of builtins that don't answer alike each time.
pub(super) fn queue(counters: Arc<Counters>, tells_calls: bool) -> (Teller, Listener) {
    let (sender, receiver) = sync_channel(MAX_WAITING);
    let bytes = Arc::new(AtomicUsize::new(0));
    let teller = Teller {
        sender,
        bytes: Arc::clone(&bytes),
        counters,
        tells_calls,
    };
    (teller, Listener { receiver, bytes })
}

impl Teller {
    /// Whether it is told what decisions were made with.
    pub(crate) fn tells_calls(&self) -> bool {
        self.tells_calls
    }

    /// Tells of a decision.
    pub(crate) fn tell(&self, told: Told) {
        // What doesn't fit at all goes through alone, and is refused where it would be written.
        let bytes = told.bytes().min(MAX_WAITING_BYTES);
        if self.bytes.fetch_add(bytes, Ordering::Relaxed) > MAX_WAITING_BYTES
            || self.sender.try_send(Message::Decided(Box::new(told))).is_err()
        {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.counters.add(Counter::NoRoom, 1);
        }
    }

    /// Tells the thread to end once it has done what waits; the answer says that it has. Waits while the queue is full.
    pub(super) fn end(&self) -> oneshot::Receiver<()> {
        let (done, is_done) = oneshot::channel();
        // A thread that has ended answers by being gone.
        let _ = self.sender.send(Message::End(done));
        is_done
    }
}

impl Listener {
    /// Waits for the next.
    pub(super) fn next(&self) -> Result<Message, RecvError> {
        let message = self.receiver.recv()?;
        if let Message::Decided(told) = &message {
            let bytes = told.bytes().min(MAX_WAITING_BYTES);
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        Ok(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bytes: usize) -> Told {
        Told {
            body: vec![0; bytes].into(),
            decision_id: Uuid::nil(),
            result: None,
            failure: None,
            has_input: false,
            settings: OpaEnvoySettings::default(),
            policy: None,
            made_with: None,
            at: Now { unix_ns: 0 },
            took: Duration::ZERO,
        }
    }

    #[test]
    fn a_full_queue_drops_and_counts_rather_than_waits() {
        let counters = Arc::new(Counters::default());
        let (teller, listener) = queue(Arc::clone(&counters), false);
        (0..MAX_WAITING + 5).for_each(|_| teller.tell(told(1)));
        assert_eq!(counters.of(Counter::NoRoom), 5);
        assert!(listener.next().is_ok());
        teller.tell(told(1));
        assert_eq!(counters.of(Counter::NoRoom), 5);
    }

    #[test]
    fn messages_that_wait_have_a_bound_in_bytes() {
        let counters = Arc::new(Counters::default());
        let (teller, listener) = queue(Arc::clone(&counters), false);
        (0..20).for_each(|_| teller.tell(told(4 << 20)));
        let kept = (0..20 - counters.of(Counter::NoRoom))
            .filter(|_| listener.next().is_ok())
            .count();
        assert_eq!(kept, 9, "32 MiB and the one that went over it");
        teller.tell(told(4 << 20));
        assert_eq!(counters.of(Counter::NoRoom), 11);
    }
}
