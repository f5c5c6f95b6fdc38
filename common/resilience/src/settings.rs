//! The numbers of a circuit breaker. Each is at least one; what they mean is told here and nowhere else.

use std::num::NonZeroU32;
use std::time::Duration;

/// How a circuit breaker behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// So many failures in a row, without a success between them, open it.
    pub failures_to_open: NonZeroU32,
    /// So many successes while half-open close it.
    pub successes_to_close: NonZeroU32,
    /// How long it stays open before it lets probes through.
    pub open: Duration,
    /// How many probes may be under way at once while it is half-open.
    pub half_open_probes: NonZeroU32,
}

/// A number that can't be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}: expected at least 1")]
pub struct SettingsError(
    /// The name of the setting.
    pub &'static str,
);

impl BreakerSettings {
    /// Settings from plain numbers.
    ///
    /// # Errors
    /// Names the number that is zero.
    pub fn new(
        failures_to_open: u32,
        successes_to_close: u32,
        open: Duration,
        half_open_probes: u32,
    ) -> Result<Self, SettingsError> {
        let count = |name, number| NonZeroU32::new(number).ok_or(SettingsError(name));
        if open.is_zero() {
            return Err(SettingsError("open_seconds"));
        }
        Ok(Self {
            failures_to_open: count("failures_to_open", failures_to_open)?,
            successes_to_close: count("successes_to_close", successes_to_close)?,
            open,
            half_open_probes: count("half_open_probes", half_open_probes)?,
        })
    }
}

impl Default for BreakerSettings {
    /// 5 failures open it for 10 s; then one probe at a time, of which 2 must succeed.
    fn default() -> Self {
        const fn count(number: u32) -> NonZeroU32 {
            NonZeroU32::MIN.saturating_add(number - 1)
        }
        Self {
            failures_to_open: count(5),
            successes_to_close: count(2),
            open: Duration::from_secs(10),
            half_open_probes: count(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_would_never_open_or_never_close_is_refused_by_name() {
        let second = Duration::from_secs(1);
        for (settings, name) in [
            (BreakerSettings::new(0, 1, second, 1), "failures_to_open"),
            (BreakerSettings::new(1, 0, second, 1), "successes_to_close"),
            (BreakerSettings::new(1, 1, Duration::ZERO, 1), "open_seconds"),
            (BreakerSettings::new(1, 1, second, 0), "half_open_probes"),
        ] {
            assert_eq!(settings, Err(SettingsError(name)));
        }
        let defaults = BreakerSettings::new(5, 2, Duration::from_secs(10), 1);
        assert_eq!(defaults, Ok(BreakerSettings::default()));
    }
}
