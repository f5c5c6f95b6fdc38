//! When an issuer's keys are pulled next. Pure: time comes in, nothing is waited for.

use std::time::Duration;

use tokio::time::Instant;

use crate::sync::backoff;

/// However short a server says that its keys are good for.
const SHORTEST: Duration = Duration::from_secs(15);
/// Between two pulls that hints cause: a control plane gone wild is heeded once a second.
const BETWEEN_HINTS: Duration = Duration::from_secs(1);

/// When keys are pulled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    refresh: Duration,
    cooldown: Duration,
    failures: u32,
    /// The next pull when nothing else happens.
    pub(super) due: Instant,
    /// Unknown keys cause none before this.
    pub(super) after_unknown_key: Instant,
    /// Hints cause none before this.
    pub(super) after_hint: Instant,
}

impl Schedule {
    /// The first pull is due at once.
    pub(super) fn new(refresh: Duration, cooldown: Duration, now: Instant) -> Self {
        Self {
            refresh,
            cooldown,
            failures: 0,
            due: now,
            after_unknown_key: now,
            after_hint: now,
        }
    }

    /// A pull begins.
    pub(super) fn begins(&mut self, now: Instant) {
        self.after_unknown_key = now + self.cooldown;
        self.after_hint = now + BETWEEN_HINTS;
    }

    /// A pull succeeded, and the server said that its answer is good for `max_age`: then it is asked again after that, but
    /// never later than configured. `jittered` takes a little off or puts it on.
    pub(super) fn succeeded(
        &mut self,
        max_age: Option<Duration>,
        now: Instant,
        jittered: impl FnOnce(Duration) -> Duration,
    ) {
        self.failures = 0;
        let period = match max_age {
            // None, and "don't cache": as configured.
            None | Some(Duration::ZERO) => self.refresh,
            Some(max_age) => max_age.clamp(SHORTEST.min(self.refresh), self.refresh),
        };
        // A removed key stops counting within one refresh, jitter included.
        self.due = now + jittered(period.mul_f64(0.9)).min(self.refresh);
    }

    /// A pull failed: the next one comes sooner than usual, later after each failure. `within` takes a part off.
    pub(super) fn failed(&mut self, now: Instant, within: impl FnOnce(Duration) -> Duration) {
        self.failures = self.failures.saturating_add(1);
        self.due = now + within(backoff(self.failures).min(self.refresh));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn after_success(refresh: u64, max_age: Option<u64>) -> f64 {
        let now = Instant::now();
        let mut schedule = Schedule::new(seconds(refresh), seconds(5), now);
        schedule.succeeded(max_age.map(seconds), now, |period| period);
        (schedule.due - now).as_secs_f64()
    }

    #[test]
    fn a_servers_max_age_counts_within_bounds() {
        for (refresh, max_age, next) in [
            (60, None, 54.0),
            (60, Some(0), 54.0),
            (60, Some(30), 27.0),
            (60, Some(1), 13.5),
            (60, Some(100_000), 54.0),
            (5, Some(1), 4.5),
        ] {
            assert!(
                (after_success(refresh, max_age) - next).abs() < 1e-6,
                "{refresh} {max_age:?}"
            );
        }
    }

    #[test]
    fn jitter_never_takes_a_pull_beyond_the_refresh() {
        let now = Instant::now();
        let mut schedule = Schedule::new(seconds(60), seconds(5), now);
        schedule.succeeded(None, now, |period| period * 2);
        assert_eq!(schedule.due, now + seconds(60));
    }

    #[test]
    fn failures_are_retried_sooner_and_ever_later_up_to_the_refresh() {
        let now = Instant::now();
        let mut schedule = Schedule::new(seconds(10), seconds(5), now);
        let mut next = || {
            schedule.failed(now, |longest| longest);
            (schedule.due - now).as_secs()
        };
        assert_eq!(
            [next(), next(), next(), next(), next(), next()],
            [1, 2, 4, 8, 10, 10]
        );
        schedule.succeeded(None, now, |period| period);
        schedule.failed(now, |longest| longest);
        assert_eq!(schedule.due - now, seconds(1));
    }

    #[test]
    fn unknown_keys_wait_for_the_cooldown_after_any_pull() {
        let now = Instant::now();
        let mut schedule = Schedule::new(seconds(60), seconds(5), now);
        assert_eq!(schedule.after_unknown_key, now);
        schedule.begins(now);
        assert_eq!(schedule.after_unknown_key, now + seconds(5));
        assert_eq!(schedule.after_hint, now + seconds(1));
    }
}
