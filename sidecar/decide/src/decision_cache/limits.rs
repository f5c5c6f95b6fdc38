//! How much is remembered, and for how long.

/// The bounds of a policy's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecisionCacheLimits {
    /// So many answers at most; 0 for none.
    pub entries: usize,
    /// About so many bytes at most.
    pub bytes: u64,
    /// For so long, in seconds, where the policy's answer doesn't say otherwise.
    pub ttl_seconds: u32,
}

impl Default for DecisionCacheLimits {
    /// Ten thousand answers, 4 MiB, five minutes.
    fn default() -> Self {
        Self {
            entries: 10_000,
            bytes: 4 << 20,
            ttl_seconds: 300,
        }
    }
}

impl DecisionCacheLimits {
    /// Nothing is remembered.
    pub const NONE: Self = Self {
        entries: 0,
        bytes: 0,
        ttl_seconds: 0,
    };

    /// How many there are if they are as most are; only how many slots to begin with depends on it.
    pub(super) fn typical_entries(self) -> usize {
        const TYPICAL_BYTES: u64 = 512;
        let typical = usize::try_from(self.bytes / TYPICAL_BYTES).unwrap_or(usize::MAX);
        typical.min(self.entries).max(1)
    }

    /// A larger answer isn't remembered: it would push many others out.
    pub(super) fn most_of_one(self) -> u64 {
        (self.bytes / 64).clamp(4096, 1 << 20)
    }
}
