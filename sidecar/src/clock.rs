//! The only place where this process asks what time it is. Everything else is handed the time.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use postern_decide::Now;

/// The wall clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the host's clock, read once for each check or fetch"
)]
pub(crate) fn now() -> Now {
    // A clock set before 1970 reads as 1970: tokens are then not valid yet, which is the safe side.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now {
        unix_ns: i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
    }
}

/// The time since this was first asked, by a clock that never goes back.
#[expect(clippy::disallowed_methods, reason = "what long evaluations are measured by")]
pub(crate) fn monotonic() -> Duration {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    BEGAN.elapsed()
}

/// The time that this thread has run: it stands still while others do.
pub(crate) fn this_thread() -> Duration {
    let ran = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(ran).unwrap_or_default()
}

/// A moment to measure from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    #[expect(
        clippy::disallowed_methods,
        reason = "measures how long a check or a fetch took"
    )]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// How long it has been.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// What time it is, and a stopwatch that has run since. Where one check follows the other, the end of the first is the
/// beginning of the next, and one reading does for both.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    now: Now,
    began: Stopwatch,
}

impl Moment {
    /// Reads both clocks.
    pub(crate) fn read() -> Self {
        Self {
            now: now(),
            began: Stopwatch::start(),
        }
    }

    /// What time it was.
    pub(crate) fn now(self) -> Now {
        self.now
    }

    /// How long it has been. From now on it is later by that much.
    pub(crate) fn lap(&mut self) -> Duration {
        let took = self.began.elapsed();
        let ns = i64::try_from(took.as_nanos()).unwrap_or(i64::MAX);
        *self = Self {
            now: Now {
                unix_ns: self.now.unix_ns.saturating_add(ns),
            },
            began: Stopwatch(self.began.0 + took),
        };
        took
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lap_moves_both_clocks_by_as_much() {
        let began = Moment::read();
        let mut moment = began;
        let took = moment.lap() + moment.lap();
        let passed = moment.now().unix_ns - began.now().unix_ns;
        assert_eq!(passed, i64::try_from(took.as_nanos()).unwrap());
        assert_eq!(moment.began.0 - began.began.0, took);
    }
}
