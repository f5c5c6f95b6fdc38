//! What tests hand in for the ambient: a clock that they move, a generator that they seed. Never built into the
//! product: the feature `testing` is for dev-dependencies.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::{Clock, Entropy};

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock {
    nanos: AtomicI64,
}

impl ManualClock {
    /// A clock that shows `seconds` since the epoch.
    pub fn at(seconds: i64) -> Self {
        Self {
            nanos: AtomicI64::new(seconds * 1_000_000_000),
        }
    }

    /// Moves it on.
    pub fn advance(&self, seconds: i64) {
        self.nanos.fetch_add(seconds * 1_000_000_000, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn unix_nanos(&self) -> i64 {
        self.nanos.load(Ordering::SeqCst)
    }
}

/// A predictable sequence (SplitMix64), the same for the same seed. Not secure, which is why it lives here.
#[derive(Debug)]
pub struct SeededEntropy {
    state: AtomicU64,
}

impl SeededEntropy {
    /// The sequence of `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            state: AtomicU64::new(seed),
        }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, destination: &mut [u8]) {
        for chunk in destination.chunks_mut(8) {
            let step = 0x9e37_79b9_7f4a_7c15_u64;
            let mut word = self.state.fetch_add(step, Ordering::SeqCst).wrapping_add(step);
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            for (byte, random) in chunk.iter_mut().zip((word ^ (word >> 31)).to_le_bytes()) {
                *byte = random;
            }
        }
    }
}
