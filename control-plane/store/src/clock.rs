//! Time as an argument: the trait, and the one place of the control plane that reads the system's clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time. Services hold an `Arc<dyn Clock>`; tests hand in one that they move themselves.
pub trait Clock: Send + Sync {
    /// Nanoseconds since the Unix epoch; never negative.
    fn unix_nanos(&self) -> i64;

    /// Whole seconds since the Unix epoch, rounded down.
    fn unix_seconds(&self) -> i64 {
        self.unix_nanos() / 1_000_000_000
    }
}

/// The system's real-time clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the control plane reads the clock"
    )]
    fn unix_nanos(&self) -> i64 {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX)
    }
}
