//! A small generator (xorshift), so that every run sees the same calls.

pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).expect("64 bits") % bound.max(1)
    }

    pub(crate) fn number(&mut self, bound: usize) -> i64 {
        i64::try_from(self.below(bound)).expect("53 bits")
    }

    pub(crate) fn of<'t>(&mut self, parts: &[&'t str]) -> &'t str {
        parts[self.below(parts.len())]
    }

    /// Up to `most` of the parts, one after the other.
    pub(crate) fn several(&mut self, parts: &[&str], most: usize) -> String {
        let count = self.below(most + 1);
        (0..count).map(|_| self.of(parts)).collect()
    }
}
