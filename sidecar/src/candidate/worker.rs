//! The thread that compares: one decision after the other, with what processor time nobody else wants. Limits of time are
//! those of the time that it runs, so that one that has to give way finds no difference in it.

use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;

use postern_decide::candidate::{Kind, NotComparable, compare};
use rustix::process::setpriority_process;

use super::differences::Difference;
use super::sample::{Again, Sampled};
use super::{Candidates, UNANSWERED};
use crate::clock;

/// The least that Linux has (`setpriority(2)`, of this thread alone).
const LOWEST_PRIORITY: i32 = 19;

/// A decision that waits.
pub(super) struct Job {
    pub(super) sampled: Box<Sampled>,
    pub(super) request: Box<dyn Again>,
    pub(super) bytes: usize,
}

/// The thread's own.
pub(super) struct Worker {
    candidates: Weak<Candidates>,
}

impl Worker {
    pub(super) fn new(candidates: Weak<Candidates>) -> Self {
        Self { candidates }
    }

    /// Runs until nobody hands over anything any more.
    pub(super) fn run(self, jobs: &Receiver<Job>) {
        if let Err(error) = setpriority_process(None, LOWEST_PRIORITY) {
            tracing::warn!(%error, "the candidate policy is evaluated with the priority of everything else");
        }
        while let Ok(job) = jobs.recv() {
            let Some(candidates) = self.candidates.upgrade() else {
                return;
            };
            let bytes = job.bytes;
            compared(&candidates, &job);
            // What it holds is let go of before others may wait in its place.
            drop(job);
            candidates.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
    }
}

fn compared(candidates: &Candidates, job: &Job) {
    // None any more: it has been taken away meanwhile.
    let Some(policy) = candidates.policy.load_full() else {
        return;
    };
    let Sampled { asked, snapshot, .. } = &*job.sampled;
    job.request.with(
        &mut |request| match compare(snapshot, &policy, request, asked, clock::this_thread) {
            Ok(comparison) => {
                candidates.count(comparison.kind.map_or("same", Kind::as_str));
                if let Some(difference) = Difference::of(&comparison, &job.sampled, &policy, request) {
                    candidates.differences().keep(difference);
                }
            }
            Err(NotComparable::Request) => candidates.count(UNANSWERED),
            Err(error @ NotComparable::OtherSnapshot) => {
                tracing::error!(%error, "a decision isn't compared with the candidate policy's");
            }
        },
    );
}
