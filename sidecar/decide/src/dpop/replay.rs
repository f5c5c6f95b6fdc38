//! The proofs that were used, while their `iat` would still let them count. One for a process. Bounded, and refuses when it
//! can't remember: a proof that isn't remembered could be used twice.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use postern_jose::{DpopProof, UnixTime};

use super::MAX_IAT_WINDOW_SECONDS;

/// Proofs are forgotten together with all that were made in the same so many seconds.
const GENERATION_SECONDS: u32 = 8;
/// From the oldest `iat` that can count to the newest, both ways from now, and the ones begun at either end.
const MAX_GENERATIONS: usize = (2 * MAX_IAT_WINDOW_SECONDS / GENERATION_SECONDS + 2) as usize;
const MAX_SHARDS: usize = 64;
/// So many that no shard is full long before the others.
const MIN_SHARD_ENTRIES: usize = 4096;

/// 128 bits of a SHA-256: nobody finds a proof of their own that is taken for somebody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ProofId([u8; 16]);

impl ProofId {
    /// `jti` is unique for one client and one URI (RFC 9449 §4.2, §11.1); `htu` is that of the proof in normal form.
    pub(super) fn of(proof: &DpopProof, htu: &str) -> Self {
        let mut context = Context::new(&SHA256);
        for part in [proof.thumbprint(), proof.jti(), htu] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip(context.finish().as_ref()) {
            *to = *from;
        }
        Self(id)
    }

    #[cfg(test)]
    pub(super) const fn test(id: [u8; 16]) -> Self {
        Self(id)
    }
}

/// Why a proof is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplayRefusal {
    /// It was used.
    #[error("the DPoP proof was used before")]
    Seen,
    /// As many proofs are remembered as may be, and all of them could still be used.
    #[error(
        "no more DPoP proofs can be remembered now; raise `dpop.replay_cache_entries`, or narrow the iat window"
    )]
    Full,
    /// It is from a time whose proofs are no longer remembered: the window was made wider just now, or the clock was set
    /// back, and then nothing counts until it has caught up.
    #[error("the DPoP proof is from a time whose proofs are no longer remembered")]
    Forgotten,
}

/// Which proofs were used. Its shards' locks are held for one lookup and one insertion.
#[derive(Debug)]
pub struct ReplayCache {
    shards: Box<[Mutex<Shard>]>,
    shard_entries: usize,
}

impl ReplayCache {
    /// Remembers about `entries` proofs at once, for routes whose windows for `iat` are at most `window_seconds` wide. A
    /// wider one that comes later is learnt of when its first proof does.
    #[must_use]
    pub fn new(entries: usize, window_seconds: u32) -> Self {
        let shards = (entries / MIN_SHARD_ENTRIES).clamp(1, MAX_SHARDS);
        let shard = || Mutex::new(Shard::new(window_seconds.min(MAX_IAT_WINDOW_SECONDS)));
        Self {
            shards: (0..shards).map(|_| shard()).collect(),
            shard_entries: entries.div_ceil(shards),
        }
    }

    /// Remembers a proof made at `iat` that a window of `window_seconds` lets count, if it isn't remembered yet. Of any
    /// number of callers with the same proof, one succeeds.
    ///
    /// # Errors
    /// [`ReplayRefusal`]; the proof must not count then.
    pub(super) fn insert(
        &self,
        id: ProofId,
        iat: UnixTime,
        window_seconds: u32,
        now: UnixTime,
    ) -> Result<(), ReplayRefusal> {
        let [first, second, ..] = id.0;
        let place = usize::from(u16::from_be_bytes([first, second])) % self.shards.len();
        let shard = self.shards.get(place).ok_or(ReplayRefusal::Full)?;
        // Nothing under the lock panics, and a set with one insertion half done would still only refuse.
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        shard.advance(window_seconds, now);
        shard.insert(id, iat, self.shard_entries)
    }

    /// How many proofs are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        let len = |shard: &Mutex<Shard>| shard.lock().unwrap_or_else(PoisonError::into_inner).len;
        self.shards.iter().map(len).sum()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many can be remembered at most.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.shard_entries.saturating_mul(self.shards.len())
    }
}

/// Proofs by when they were made. What is older than the first generation is refused, so that forgetting is always safe.
#[derive(Debug)]
struct Shard {
    first: i64,
    generations: VecDeque<HashSet<ProofId>>,
    len: usize,
    window_seconds: u32,
}

impl Shard {
    const fn new(window_seconds: u32) -> Self {
        Self {
            first: i64::MIN,
            generations: VecDeque::new(),
            len: 0,
            window_seconds,
        }
    }

    /// Forgets the generations of which no proof can count any more: each in one step, whatever its size.
    fn advance(&mut self, window_seconds: u32, now: UnixTime) {
        self.window_seconds = self.window_seconds.max(window_seconds);
        let live = generation(now.plus_seconds(-i64::from(self.window_seconds)));
        while self.first < live {
            match self.generations.pop_front() {
                Some(dead) => {
                    self.len -= dead.len();
                    self.first += 1;
                }
                None => self.first = live,
            }
        }
    }

    fn insert(&mut self, id: ProofId, iat: UnixTime, most: usize) -> Result<(), ReplayRefusal> {
        let place = usize::try_from(generation(iat).saturating_sub(self.first))
            .ok()
            .filter(|place| *place < MAX_GENERATIONS)
            .ok_or(ReplayRefusal::Forgotten)?;
        if self.generations.len() <= place {
            self.generations.resize_with(place + 1, HashSet::new);
        }
        let made_then = self.generations.get_mut(place).ok_or(ReplayRefusal::Full)?;
        if made_then.contains(&id) {
            return Err(ReplayRefusal::Seen);
        }
        if self.len >= most {
            return Err(ReplayRefusal::Full);
        }
        made_then.insert(id);
        self.len += 1;
        Ok(())
    }
}

const fn generation(time: UnixTime) -> i64 {
    time.0.div_euclid(GENERATION_SECONDS as i64)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use proptest::prelude::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);
    const WINDOW: u32 = 60;

    fn id(n: u64) -> ProofId {
        let hash = aws_lc_rs::digest::digest(&SHA256, &n.to_be_bytes());
        ProofId::test(hash.as_ref()[..16].try_into().unwrap())
    }

    #[test]
    fn a_proof_is_remembered_as_long_as_it_could_count_and_then_forgotten() {
        let cache = ReplayCache::new(10, WINDOW);
        let insert = |n, iat, now| cache.insert(id(n), NOW.plus_seconds(iat), WINDOW, NOW.plus_seconds(now));
        assert_eq!(insert(1, 60, 0), Ok(()));
        for now in [0, 60, 119, 120] {
            assert_eq!(insert(1, 60, now), Err(ReplayRefusal::Seen), "{now}");
        }
        assert_eq!(cache.len(), 1);
        assert_eq!(insert(2, 200, 200), Ok(()));
        assert_eq!(cache.len(), 1);
    }

    #[test]
    fn what_is_forgotten_does_not_count_again_even_if_the_clock_goes_back() {
        let cache = ReplayCache::new(10, WINDOW);
        assert_eq!(cache.insert(id(1), NOW, WINDOW, NOW), Ok(()));
        let later = NOW.plus_seconds(1_000);
        assert_eq!(cache.insert(id(2), later, WINDOW, later), Ok(()));
        for n in [1, 3] {
            assert_eq!(
                cache.insert(id(n), NOW, WINDOW, NOW),
                Err(ReplayRefusal::Forgotten)
            );
        }
    }

    #[test]
    fn a_window_made_wider_refuses_what_was_forgotten_and_remembers_from_then_on() {
        let cache = ReplayCache::new(10, 10);
        let at = |seconds| NOW.plus_seconds(seconds);
        assert_eq!(cache.insert(id(1), at(0), 10, at(0)), Ok(()));
        assert_eq!(cache.insert(id(2), at(50), 10, at(50)), Ok(()));
        assert_eq!(
            cache.insert(id(1), at(0), 60, at(50)),
            Err(ReplayRefusal::Forgotten)
        );
        assert_eq!(cache.insert(id(2), at(50), 60, at(110)), Err(ReplayRefusal::Seen));
        // The narrow route doesn't make the wide one forget.
        assert_eq!(cache.insert(id(3), at(110), 10, at(110)), Ok(()));
        assert_eq!(cache.insert(id(2), at(50), 60, at(110)), Err(ReplayRefusal::Seen));
    }

    #[test]
    fn full_of_live_proofs_it_refuses_until_some_are_over() {
        let cache = ReplayCache::new(100, WINDOW);
        assert_eq!(cache.capacity(), 100);
        for n in 0..100 {
            assert_eq!(cache.insert(id(n), NOW, WINDOW, NOW), Ok(()));
        }
        assert_eq!(cache.insert(id(100), NOW, WINDOW, NOW), Err(ReplayRefusal::Full));
        assert_eq!(cache.insert(id(1), NOW, WINDOW, NOW), Err(ReplayRefusal::Seen));
        assert_eq!(cache.len(), 100);
        let later = NOW.plus_seconds(60 + i64::from(GENERATION_SECONDS));
        assert_eq!(cache.insert(id(100), later, WINDOW, later), Ok(()));
        assert_eq!(cache.len(), 1);
    }

    #[test]
    fn many_clients_spread_over_the_shards() {
        let cache = ReplayCache::new(100_000, WINDOW);
        let taken = (0..95_000).filter(|n| cache.insert(id(*n), NOW, WINDOW, NOW).is_ok());
        assert_eq!(taken.count(), 95_000, "a shard is full long before the others");
        assert_eq!(cache.len(), 95_000);
    }

    #[test]
    fn no_time_makes_it_grow_or_panic() {
        let cache = ReplayCache::new(10, u32::MAX);
        for now in [i64::MIN, -1, 0, i64::MAX, i64::MIN] {
            for iat in [i64::MIN, -1, 0, i64::MAX] {
                let _either = cache.insert(id(1), UnixTime(iat), WINDOW, UnixTime(now));
            }
        }
        assert!(cache.len() <= 10);
    }

    proptest! {
        /// Against the slow and obvious way: everything remembered for ever.
        #[test]
        fn a_proof_counts_once_and_a_new_one_does(
            steps in prop::collection::vec((0..20_u64, 0..30_i64, -60..=60_i64), 1..200),
        ) {
            let cache = ReplayCache::new(1_000, WINDOW);
            let mut seen: HashMap<u64, i64> = HashMap::new();
            let mut now = 0;
            for (n, pause, age) in steps {
                now += pause;
                // A proof says one `iat`; replayed, it says the same.
                let iat = *seen.get(&n).unwrap_or(&(now - age));
                if (now - iat).abs() > i64::from(WINDOW) {
                    continue;
                }
                let result = cache.insert(id(n), UnixTime(iat), WINDOW, UnixTime(now));
                prop_assert_eq!(result.is_ok(), !seen.contains_key(&n), "{} at {}", n, now);
                seen.insert(n, iat);
            }
        }
    }
}
