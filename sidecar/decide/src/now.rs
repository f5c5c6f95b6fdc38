//! The moment a decision is made at, as the host's clock gave it. Never reads a clock.

use postern_jose::UnixTime;

/// A moment: tokens are judged by its seconds, policy (`time.now_ns`) sees all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now {
    /// Nanoseconds since the epoch; good until the year 2262.
    pub unix_ns: i64,
}

impl Now {
    /// The beginning of a second.
    pub const fn at_second(time: UnixTime) -> Self {
        Self {
            unix_ns: time.0.saturating_mul(1_000_000_000),
        }
    }

    /// The whole seconds.
    pub const fn seconds(self) -> UnixTime {
        UnixTime(self.unix_ns.div_euclid(1_000_000_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rounded_down_before_the_epoch_too() {
        assert_eq!(
            Now {
                unix_ns: 1_999_999_999
            }
            .seconds(),
            UnixTime(1)
        );
        assert_eq!(Now { unix_ns: -1 }.seconds(), UnixTime(-1));
        assert_eq!(Now::at_second(UnixTime(7)).seconds(), UnixTime(7));
    }
}
