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
