//! The closed loop: a fixed number of requests in flight, each followed at once by the next. For cost per request, never
//! for latencies at a rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::{Outcome, Target};

/// Keeps `in_flight` requests under way for `duration`.
pub async fn closed_loop<T: Target>(target: Arc<T>, in_flight: usize, duration: Duration) -> Outcome {
    closed(target, in_flight, duration, u64::MAX).await
}

/// Keeps `in_flight` requests under way until `count` have been sent, each once.
pub async fn closed_loop_of<T: Target>(target: Arc<T>, in_flight: usize, count: u64) -> Outcome {
    closed(target, in_flight, Duration::MAX, count).await
}

async fn closed<T: Target>(target: Arc<T>, in_flight: usize, duration: Duration, count: u64) -> Outcome {
    let counter = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..in_flight {
        let (target, counter) = (Arc::clone(&target), Arc::clone(&counter));
        workers.spawn(async move {
            let mut outcome = Outcome::empty();
            while start.elapsed() < duration {
                let turn = counter.fetch_add(1, Ordering::Relaxed);
                if turn >= count {
                    break;
                }
                let sent = Instant::now();
                let wanted = Arc::clone(&target).ask(turn).await;
                outcome.record(sent.elapsed(), wanted);
            }
            outcome
        });
    }
    let mut whole = Outcome::empty();
    while let Some(worker) = workers.join_next().await {
        match worker {
            Ok(part) => whole.absorb(&part),
            Err(_) => whole.failed += 1,
        }
    }
    whole.elapsed = start.elapsed();
    whole
}
