//! A candidate for the policy, beside the one in force: what a share of the decisions would have been under it, found out when
//! their answers are gone. A worker hands over what it has at hand and never waits; a thread of its own, which gives way to
//! everything else, compares ([`postern_decide::candidate`]).
//!
//! | file | job |
//! |---|---|
//! | `sample` | which decisions, and what is kept of them |
//! | `worker` | the thread |
//! | `differences` | the last ones in which the two differed |

mod differences;
mod sample;
mod worker;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use arc_swap::ArcSwapOption;
use postern_decide::ActivePolicy;
use postern_decide::candidate::Kind;

pub(crate) use differences::Differences;
pub(crate) use sample::{Again, Made, Sampled};
use worker::{Job, Worker};

/// Decisions that wait to be compared; further ones are dropped.
const MAX_WAITING: usize = 256;
/// Their requests together, in bytes.
const MAX_WAITING_BYTES: usize = 4 << 20;
/// Differences that are kept.
const MAX_KEPT: usize = 100;

/// The candidate, if there is one, and what came of it so far.
#[derive(Debug)]
pub(crate) struct Candidates {
    /// Which share of decisions is compared, of 2^32; 0 while there is no candidate. All that a worker looks at.
    share: AtomicU64,
    policy: ArcSwapOption<ActivePolicy>,
    queue: OnceLock<SyncSender<Job>>,
    waiting_bytes: Arc<AtomicUsize>,
    counts: Counts,
    differences: Mutex<Differences>,
}

/// How often what came of a sampled decision.
#[derive(Debug, Default)]
struct Counts {
    compared: [AtomicU64; OUTCOMES.len()],
    dropped: AtomicU64,
}

/// What may come of comparing: the same, in which way not, or that the candidate asks for a request that isn't made.
const OUTCOMES: [&str; 6] = [
    "same",
    Kind::WouldAllow.as_str(),
    Kind::WouldDeny.as_str(),
    Kind::Other.as_str(),
    Kind::Error.as_str(),
    UNANSWERED,
];
const UNANSWERED: &str = "unanswered";

impl Default for Candidates {
    fn default() -> Self {
        Self {
            share: AtomicU64::new(0),
            policy: ArcSwapOption::empty(),
            queue: OnceLock::new(),
            waiting_bytes: Arc::default(),
            counts: Counts::default(),
            differences: Mutex::new(Differences::up_to(MAX_KEPT)),
        }
    }
}

impl Candidates {
    /// From now on this is the candidate, for so many of a million decisions. Starts the thread where there is none yet.
    ///
    /// # Errors
    /// When the system has no thread to give; there is no candidate then.
    pub(crate) fn put(self: &Arc<Self>, policy: &Arc<ActivePolicy>, per_million: u64) -> std::io::Result<()> {
        if self.queue.get().is_none() {
            let (sender, jobs) = sync_channel(MAX_WAITING);
            let worker = Worker::new(Arc::downgrade(self));
            std::thread::Builder::new()
                .name("candidate".to_owned())
                .spawn(move || worker.run(&jobs))?;
            // Where another was quicker, that one's thread is the one that stays.
            let _ = self.queue.set(sender);
        }
        self.policy.store(Some(Arc::clone(policy)));
        self.share
            .store((per_million << 32) / 1_000_000, Ordering::Relaxed);
        Ok(())
    }

    /// Of how many in a million decisions it is asked; 0 where there is none.
    pub(crate) fn sample_per_million(&self) -> u64 {
        // What was rounded down when it was put.
        (self.share.load(Ordering::Relaxed) * 1_000_000).div_ceil(1 << 32)
    }

    /// There is no candidate any more. What was found of it stays to be read.
    pub(crate) fn clear(&self) {
        self.share.store(0, Ordering::Relaxed);
        self.policy.store(None);
    }

    /// Hands over a decision whose answer is made, with its request. Never waits: where too many are there already, it is
    /// dropped, and counted.
    pub(crate) fn look(&self, sampled: Box<Sampled>, request: impl Again + 'static) {
        let bytes = request.bytes();
        let waiting = self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        let fits = waiting.saturating_add(bytes) <= MAX_WAITING_BYTES;
        let sent = self.queue.get().filter(|_| fits).is_some_and(|queue| {
            let request = Box::new(request);
            let job = Job {
                sampled,
                request,
                bytes,
            };
            queue.try_send(job).is_ok()
        });
        if !sent {
            self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often decisions were compared, by what came of it.
    pub(crate) fn compared(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.counts.compared.iter();
        OUTCOMES
            .into_iter()
            .zip(counts.map(|count| count.load(Ordering::Relaxed)))
    }

    /// How many were dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.counts.dropped.load(Ordering::Relaxed)
    }

    /// The last differences.
    pub(crate) fn differences(&self) -> MutexGuard<'_, Differences> {
        self.differences.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, outcome: &'static str) {
        let place = OUTCOMES.iter().position(|name| *name == outcome);
        if let Some(count) = place.and_then(|place| self.counts.compared.get(place)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests;
