//! How long is waited after failures, where OPA waits (its `util.DefaultBackoff`).

use std::time::Duration;

use crate::random::Randomness;

/// Where waiting begins (OPA's `minRetryDelay`), and how it grows.
const FIRST: Duration = Duration::from_millis(100);
const FACTOR: f64 = 1.6;

/// After so many failures in a row, the last one not counted: not at all, then longer and longer, up to `most`, a fifth more
/// or less.
pub(super) fn backoff(failures: u32, most: Duration, randomness: &Randomness) -> Duration {
    let delay = without_jitter(failures, most);
    randomness.between(delay.mul_f64(0.8), delay.mul_f64(1.2))
}

fn without_jitter(failures: u32, most: Duration) -> Duration {
    if failures == 0 {
        return Duration::ZERO;
    }
    let grown = FIRST.as_secs_f64() * FACTOR.powi(failures.min(64).cast_signed());
    Duration::from_secs_f64(grown.min(most.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_waited_out_longer_and_longer_up_to_a_bound() {
        let most = Duration::from_secs(10);
        let waits: Vec<u128> = (0..12)
            .map(|failures| without_jitter(failures, most).as_millis())
            .collect();
        assert_eq!(waits[..4], [0, 160, 256, 409]);
        assert_eq!(waits[11], 10_000);
        assert_eq!(without_jitter(u32::MAX, most), most);
    }
}
