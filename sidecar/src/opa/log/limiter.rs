//! `max_decisions_per_second`: a bucket of tokens that holds a second's worth, one at least. Time comes in.

use std::time::Duration;

/// The bucket.
#[derive(Debug)]
pub(super) struct Limiter {
    per_second: f64,
    tokens: f64,
    /// When they were counted.
    at: Duration,
}

impl Limiter {
    /// A full one.
    pub(super) fn new(per_second: f64, now: Duration) -> Self {
        Self {
            per_second,
            tokens: Self::most(per_second),
            at: now,
        }
    }

    fn most(per_second: f64) -> f64 {
        per_second.floor().max(1.0)
    }

    /// Whether one more may pass at `now`, by a clock that never goes back.
    pub(super) fn allows(&mut self, now: Duration) -> bool {
        let since = now.saturating_sub(self.at).as_secs_f64();
        self.at = now;
        self.tokens = (self.tokens + since * self.per_second).min(Self::most(self.per_second));
        let allows = self.tokens >= 1.0;
        if allows {
            self.tokens -= 1.0;
        }
        allows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seconds_worth_passes_at_once_and_then_as_many_as_time_allows() {
        let at = |ms: u64| Duration::from_millis(ms);
        let mut limiter = Limiter::new(2.5, at(0));
        let passed: Vec<bool> = (0..3).map(|_| limiter.allows(at(0))).collect();
        assert_eq!(passed, [true, true, false]);
        assert!(!limiter.allows(at(399)));
        assert!(limiter.allows(at(401)));
        assert!(!limiter.allows(at(402)));
        let later = (0..10).filter(|_| limiter.allows(at(60_000))).count();
        assert_eq!(later, 2, "what isn't used isn't kept beyond a second's worth");
    }

    #[test]
    fn less_than_one_a_second_is_one_now_and_then() {
        let mut limiter = Limiter::new(0.5, Duration::ZERO);
        assert!(limiter.allows(Duration::ZERO));
        assert!(!limiter.allows(Duration::from_millis(1900)));
        assert!(limiter.allows(Duration::from_millis(2001)));
    }
}
