//! How long to wait before a look that failed in passing is repeated: longer each time, never very long. Waits nothing
//! itself.

use std::time::Duration;

use super::publisher::Look;

/// Before the first repetition.
const FIRST: Duration = Duration::from_millis(500);
/// A control plane that is back is served soon, also after a long time.
const LONGEST: Duration = Duration::from_secs(5);

/// The pause before the next repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry(Duration);

impl Default for Retry {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Retry {
    /// How long to wait.
    pub fn pause(self) -> Duration {
        self.0
    }

    /// Takes note of how a look ended.
    pub fn after(&mut self, look: &Look) {
        self.0 = if look.is_passing() {
            LONGEST.min(self.0.saturating_mul(2))
        } else {
            FIRST
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dev::policy::status::PolicyState;

    #[test]
    fn the_pause_grows_to_its_bound_and_starts_over_when_it_went_well() {
        let failed = Look::Failed {
            state: PolicyState::Refused,
            error: String::new(),
            passing: true,
        };
        let mut retry = Retry::default();
        for _ in 0..100 {
            let before = retry.pause();
            retry.after(&failed);
            assert!(retry.pause() > before || retry.pause() == LONGEST);
        }
        assert_eq!(retry.pause(), LONGEST);
        retry.after(&Look::Torn);
        assert_eq!(retry.pause(), FIRST);
    }
}
