//! The clock and the randomness of this process, in one place: what needs them is handed what they say.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use postern_jose::UnixTime;
use rand::{TryRng as _, rngs::SysRng};

/// The time now.
pub fn now() -> UnixTime {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the command line asks the clock"
    )]
    let now = std::time::SystemTime::now();
    let since = now
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    UnixTime(i64::try_from(since).unwrap_or(i64::MAX))
}

/// The time now, in milliseconds since the Unix epoch.
pub fn now_ms() -> u64 {
    u64::try_from(now_ns() / 1_000_000).unwrap_or_default()
}

/// The time now, in nanoseconds since the Unix epoch, as policy sees it.
pub fn now_ns() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "as above")]
    let now = std::time::SystemTime::now();
    let since = now
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    i64::try_from(since).unwrap_or(i64::MAX)
}

/// An instant to measure from.
pub fn monotonic() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "what measures asks the clock")]
    Instant::now()
}

/// The time since this was first asked.
pub fn running() -> Duration {
    static BEGAN: LazyLock<Instant> = LazyLock::new(monotonic);
    BEGAN.elapsed()
}

/// `N` bytes that nobody can guess, from the system.
///
/// # Errors
/// When the system has none to give.
pub fn entropy<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    SysRng
        .try_fill_bytes(&mut bytes)
        .map_err(|error| anyhow::anyhow!("the system gave no randomness: {error}"))?;
    Ok(bytes)
}
