//! The process's randomness: ChaCha seeded once from the operating system. Handed to decisions as values.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use postern_decide::Entropy;
use rand::rngs::{StdRng, SysError, SysRng};
use rand::{Rng, RngExt, SeedableRng};
use secrecy::zeroize::Zeroizing;

/// A generator that may be shared. One worker never waits for it, several hold it for some 100 ns at a time.
#[derive(Debug)]
pub(crate) struct Randomness(Mutex<StdRng>);

impl Randomness {
    /// Seeds a generator from the operating system.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub(crate) fn from_system() -> Result<Self, SysError> {
        Ok(Self(Mutex::new(StdRng::try_from_rng(&mut SysRng)?)))
    }

    /// The randomness for one decision.
    pub(crate) fn entropy(&self) -> Entropy {
        let mut generator = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Entropy::draw(|bytes| generator.fill_bytes(bytes))
    }

    /// A secret.
    pub(crate) fn secret(&self) -> Zeroizing<[u8; 32]> {
        let mut secret = Zeroizing::new([0; 32]);
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fill_bytes(&mut *secret);
        secret
    }

    /// `period` within ten percent to either side, so that a fleet doesn't knock all at once.
    pub(crate) fn jittered(&self, period: Duration) -> Duration {
        self.scaled(period, 0.9, 1.1)
    }

    /// Between half of `longest` and all of it.
    pub(crate) fn backoff(&self, longest: Duration) -> Duration {
        self.scaled(longest, 0.5, 1.0)
    }

    /// Somewhere between two lengths of time.
    pub(crate) fn between(&self, shortest: Duration, longest: Duration) -> Duration {
        shortest + self.scaled(longest.saturating_sub(shortest), 0.0, 1.0)
    }

    fn scaled(&self, period: Duration, low: f64, high: f64) -> Duration {
        let mut generator = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        period.mul_f64(generator.random_range(low..high))
    }
}
