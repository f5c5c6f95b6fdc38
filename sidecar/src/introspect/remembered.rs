//! An issuer's answers by the hash of their token. Bounded in number; correct since an entry says until when it counts, and
//! is of one issuer only.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use postern_jose::UnixTime;
use quick_cache::sync::Cache;

use super::Said;

/// How many answers of one issuer are remembered.
const ENTRIES: usize = 4096;
/// The longest that a "no" is remembered: enough to stop a client that asks in a loop.
const NO_FOR: Duration = Duration::from_secs(10);

/// Where an answer is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// The issuer, just now.
    Issuer,
    /// The issuer before, and it still counts.
    Cache,
    /// The issuer before; it is gone by since the issuer can't be asked.
    Stale,
}

/// SHA-256 of a whole token.
pub(super) type TokenHash = [u8; 32];

/// The hash of `token`.
pub(super) fn hash_of(token: &str) -> TokenHash {
    let mut hash = TokenHash::default();
    // SHA-256 gives exactly that many bytes.
    hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    hash
}

/// The answers.
#[derive(Debug)]
pub(super) struct Remembered {
    entries: Cache<TokenHash, Entry>,
    cache: Duration,
    stale: Duration,
}

#[derive(Debug, Clone)]
struct Entry {
    response: Arc<[u8]>,
    from: UnixTime,
    /// It counts until then…
    fresh_until: UnixTime,
    /// …and if need be until then.
    stale_until: UnixTime,
}

impl Remembered {
    /// Remembers answers for `cache`, and "active" ones for `stale` longer.
    pub(super) fn new(cache: Duration, stale: Duration) -> Self {
        Self {
            entries: Cache::new(ENTRIES),
            cache,
            stale,
        }
    }

    /// What was said and counts still.
    pub(super) fn fresh(&self, hash: &TokenHash, now: UnixTime) -> Option<Said> {
        let entry = self.entries.get(hash)?;
        entry.said(now, entry.fresh_until, From::Cache)
    }

    /// What was said and is all there is.
    pub(super) fn stale(&self, hash: &TokenHash, now: UnixTime) -> Option<Said> {
        let entry = self.entries.get(hash)?;
        entry.said(now, entry.stale_until, From::Stale)
    }

    /// Remembers what the issuer said just now. `active` and `expires_at` are what it says of the token; they only shorten.
    pub(super) fn remember(
        &self,
        hash: TokenHash,
        response: Arc<[u8]>,
        active: bool,
        expires_at: Option<UnixTime>,
        now: UnixTime,
    ) -> Said {
        let (fresh, stale) = if active {
            (self.cache, self.stale)
        } else {
            (self.cache.min(NO_FOR), Duration::ZERO)
        };
        let at_most = |span: Duration| {
            let until = now.plus_seconds(i64::try_from(span.as_secs()).unwrap_or(i64::MAX));
            expires_at.map_or(until, |expires_at| until.min(expires_at))
        };
        let entry = Entry {
            response,
            from: now,
            fresh_until: at_most(fresh),
            stale_until: at_most(fresh.saturating_add(stale)),
        };
        self.entries.insert(hash, entry.clone());
        Said {
            for_seconds: seconds_between(now, entry.fresh_until),
            response: entry.response,
            from: From::Issuer,
        }
    }
}

impl Entry {
    fn said(&self, now: UnixTime, until: UnixTime, from: From) -> Option<Said> {
        // A clock that was set back makes it as good as forgotten.
        (self.from <= now && now < until).then(|| Said {
            response: Arc::clone(&self.response),
            // What isn't fresh is asked about again soon.
            for_seconds: match from {
                From::Stale => 1,
                From::Issuer | From::Cache => seconds_between(now, until),
            },
            from,
        })
    }
}

fn seconds_between(now: UnixTime, until: UnixTime) -> u32 {
    u32::try_from(until.seconds_since(now).max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_000_000);

    fn at(seconds: i64) -> UnixTime {
        NOW.plus_seconds(seconds)
    }

    fn remembered() -> (Remembered, TokenHash) {
        let remembered = Remembered::new(Duration::from_secs(60), Duration::from_secs(300));
        (remembered, hash_of("token"))
    }

    fn remember(remembered: &Remembered, hash: TokenHash, active: bool, expires_at: Option<UnixTime>) {
        remembered.remember(hash, Arc::from(b"{}".as_slice()), active, expires_at, NOW);
    }

    #[test]
    fn a_yes_counts_for_its_time_and_in_need_for_longer() {
        let (remembered, hash) = remembered();
        remember(&remembered, hash, true, None);
        assert_eq!(remembered.fresh(&hash, at(59)).unwrap().from, From::Cache);
        assert!(remembered.fresh(&hash, at(60)).is_none());
        assert_eq!(remembered.stale(&hash, at(359)).unwrap().from, From::Stale);
        assert!(remembered.stale(&hash, at(360)).is_none());
    }

    #[test]
    fn a_no_counts_briefly_and_never_in_need() {
        let (remembered, hash) = remembered();
        remember(&remembered, hash, false, None);
        assert!(remembered.fresh(&hash, at(9)).is_some());
        assert!(remembered.fresh(&hash, at(10)).is_none());
        assert!(remembered.stale(&hash, at(10)).is_none());
    }

    #[test]
    fn nothing_counts_beyond_the_tokens_end() {
        let (remembered, hash) = remembered();
        remember(&remembered, hash, true, Some(at(30)));
        assert_eq!(remembered.fresh(&hash, at(10)).unwrap().for_seconds, 20);
        assert!(remembered.fresh(&hash, at(30)).is_none());
        assert!(remembered.stale(&hash, at(30)).is_none());
    }

    #[test]
    fn a_clock_that_was_set_back_forgets() {
        let (remembered, hash) = remembered();
        remember(&remembered, hash, true, None);
        assert!(remembered.fresh(&hash, at(-1)).is_none());
    }
}
