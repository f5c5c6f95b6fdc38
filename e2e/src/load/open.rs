//! The open loop: requests leave when they are due, whether or not earlier ones were answered, and a latency runs from
//! the instant a request was *due*. A server that stalls is charged for every request that came due meanwhile
//! (coordinated omission corrected).

use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::task::JoinSet;

use super::{Pacer, Target};

/// More than this under way means that the target has stopped answering; further requests count as failed.
const MOST_UNDER_WAY: usize = 20_000;

/// What a run of load saw.
pub struct Outcome {
    /// Latencies of wanted answers, nanoseconds.
    pub latency: Histogram<u64>,
    /// Requests that were answered as wanted.
    pub answered: u64,
    /// Requests that failed, were answered otherwise or could not be sent.
    pub failed: u64,
    /// How long it took.
    pub elapsed: Duration,
}

impl Outcome {
    /// Nothing seen so far.
    #[must_use]
    pub fn empty() -> Self {
        // One minute at three digits: a bound far above any deadline in use, so that creation can't fail.
        let latency = Histogram::new_with_bounds(1, 60_000_000_000, 3)
            .unwrap_or_else(|_| unreachable!("the bounds are constants"));
        Self {
            latency,
            answered: 0,
            failed: 0,
            elapsed: Duration::ZERO,
        }
    }

    /// Counts one answer.
    pub fn record(&mut self, latency: Duration, wanted: bool) {
        if wanted {
            self.answered += 1;
            self.latency
                .saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
        } else {
            self.failed += 1;
        }
    }

    /// Takes over what another run, or another part of this one, saw.
    pub fn absorb(&mut self, other: &Self) {
        self.answered += other.answered;
        self.failed += other.failed;
        self.elapsed = self.elapsed.max(other.elapsed);
        // All histograms here have the same bounds, so that adding can't fail.
        let _ = self.latency.add(&other.latency);
    }

    /// A percentile of the latencies in microseconds.
    #[must_use]
    pub fn percentile_us(&self, percentile: f64) -> f64 {
        self.latency.value_at_percentile(percentile) as f64 / 1000.0
    }
}

/// Runs `target` at the pacer's rate until the pacer ends and every request was answered.
pub async fn open_loop<T: Target>(target: Arc<T>, mut pacer: impl Pacer) -> Outcome {
    let mut outcome = Outcome::empty();
    let mut under_way = JoinSet::new();
    let start = Instant::now();
    let mut i = 0;
    loop {
        tokio::select! {
            biased;
            due = pacer.next() => {
                let Some(due) = due else { break };
                if under_way.len() >= MOST_UNDER_WAY {
                    outcome.failed += 1;
                } else {
                    let target = Arc::clone(&target);
                    under_way.spawn(async move {
                        let wanted = target.ask(i).await;
                        (due.elapsed(), wanted)
                    });
                }
                i += 1;
            }
            Some(done) = under_way.join_next(), if !under_way.is_empty() => record(&mut outcome, &done),
        }
    }
    while let Some(done) = under_way.join_next().await {
        record(&mut outcome, &done);
    }
    outcome.elapsed = start.elapsed();
    outcome
}

fn record(outcome: &mut Outcome, done: &Result<(Duration, bool), tokio::task::JoinError>) {
    match done {
        Ok((latency, wanted)) => outcome.record(*latency, *wanted),
        Err(_) => outcome.failed += 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything was due some time ago, as it is for whoever comes after a stall.
    struct Overdue(Vec<Instant>);

    impl Pacer for Overdue {
        async fn next(&mut self) -> Option<Instant> {
            self.0.pop()
        }
    }

    struct Instantly;

    impl Target for Instantly {
        async fn ask(self: Arc<Self>, i: u64) -> bool {
            i != 3
        }
    }

    #[tokio::test]
    async fn a_request_that_waited_is_charged_from_when_it_was_due() {
        let stall = Duration::from_secs(2);
        let due = Instant::now().checked_sub(stall).unwrap();
        let outcome = open_loop(Arc::new(Instantly), Overdue(vec![due; 10])).await;
        assert!(
            outcome.latency.min() >= 1_990_000_000,
            "an instant answer to an overdue request took the wait"
        );
    }

    #[tokio::test]
    async fn a_wrong_answer_counts_as_failed_and_leaves_no_latency() {
        let outcome = open_loop(Arc::new(Instantly), Overdue(vec![Instant::now(); 10])).await;
        assert_eq!(
            (outcome.answered, outcome.failed, outcome.latency.len()),
            (9, 1, 9)
        );
    }

    #[tokio::test]
    async fn the_pacer_gives_every_request_of_its_rate_in_order() {
        let mut pacer = crate::load::ThreadPacer::start(2_000, Duration::from_millis(50));
        let mut all = Vec::new();
        while let Some(due) = pacer.next().await {
            assert!(Instant::now() >= due, "never ahead of time");
            all.push(due);
        }
        assert_eq!(all.len(), 100);
        assert!(all.is_sorted());
    }
}
