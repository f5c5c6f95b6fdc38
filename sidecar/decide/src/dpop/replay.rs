//! The proofs that were used, while their `iat` would still let them count. One for a process. Bounded, and refuses when it
//! can't remember: a proof that isn't remembered could be used twice.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use postern_jose::{DpopProof, UnixTime};

use super::MAX_IAT_WINDOW_SECONDS;

/// Proofs are forgotten together with all that were made in the same so many seconds.
const GENERATION_SECONDS: i64 = 8;
/// From the oldest `iat` that can count to the newest, both ways from now, and the ones begun at either end.
const MAX_GENERATIONS: usize = (2 * MAX_IAT_WINDOW_SECONDS as usize) / (GENERATION_SECONDS as usize) + 2;
const MAX_SHARDS: usize = 64;
/// Fewer entries than that aren't worth a shard.
const MIN_SHARD_ENTRIES: usize = 1024;

/// 128 bits of a SHA-256: nobody finds a proof of their own that is taken for somebody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProofId([u8; 16]);

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
    time.0.div_euclid(GENERATION_SECONDS)
}
