//! For how long an answer holds, as far as the clock has a part in it.

/// The instants at which an evaluation of the same input and data would have the same answer, as far as its builtins looked
/// at the clock: one that never did always has it; one that asked for the time has it at that very instant alone; one
/// that asked whether a token is in time, until that changes. Says nothing of randomness and of what is asked
/// elsewhere ([`Effects`](super::Effects)). In nanoseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first of them.
    pub from_ns: i64,
    /// The last of them.
    pub to_ns: i64,
}

impl Span {
    /// Whatever the time is.
    pub const ALWAYS: Self = Self {
        from_ns: i64::MIN,
        to_ns: i64::MAX,
    };

    /// At this instant, for all that is known.
    #[must_use]
    pub const fn instant(now_ns: i64) -> Self {
        Self {
            from_ns: now_ns,
            to_ns: now_ns,
        }
    }

    /// Whether it holds then.
    #[must_use]
    pub const fn contains(self, now_ns: i64) -> bool {
        self.from_ns <= now_ns && now_ns <= self.to_ns
    }

    /// When both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            from_ns: self.from_ns.max(other.from_ns),
            to_ns: self.to_ns.min(other.to_ns),
        }
    }
}
