//! What is remembered between checks. Bounded, shared by all workers, correct on its own terms: a cache may forget anything
//! at any time, and never makes an answer differ from what evaluation without it would give.

use std::sync::Arc;

use postern_jose::UnixTime;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::issuer::{Issuers, TrustedIssuer};
use crate::token::VerifiedCaller;

/// SHA-256 of a whole token.
pub(crate) type TokenHash = [u8; 32];

/// All caches of a process.
#[derive(Debug)]
pub struct Caches {
    pub(crate) tokens: TokenCache,
}

impl Caches {
    /// Caches that together hold about `token_bytes` bytes of verified tokens.
    pub fn new(token_bytes: u64) -> Self {
        Self {
            tokens: TokenCache::new(token_bytes),
        }
    }

    /// How many verified tokens are remembered.
    pub fn token_count(&self) -> usize {
        self.tokens.entries.len()
    }

    /// About how many bytes they take.
    pub fn token_bytes(&self) -> u64 {
        self.tokens.entries.weight()
    }
}

/// Verified tokens by the SHA-256 of the whole token, signature included.
///
/// Why a hit is as good as verifying again:
/// - **It is the same token**: only the same bytes have the same SHA-256, and only tokens that verified are stored.
/// - **Its keys still stand**: an entry holds the very issuer (keys and rules, immutable) that it was verified with, and
///   counts only while the snapshot at hand holds those same ones. New keys make a new issuer, so a token whose key was
///   removed is verified again, and refused, by the first check after the swap; so is one whose issuer's keys have not
///   been confirmed for too long.
/// - **It is still in time**: an entry counts from the moment it was verified at until `exp`. Time only moves a token
///   past its `nbf`, and outside that span (the leeway after `exp`, a clock set back) it is verified again.
///
/// Why it can't be filled by an attacker: only tokens that an issuer really signed get in, the weight is bounded, and
/// admission (S3-FIFO) lets entries that were never asked for again go first.
#[derive(Debug)]
pub(crate) struct TokenCache {
    entries: Cache<TokenHash, Arc<Entry>, ByWeight>,
}

/// A token that verified.
#[derive(Debug)]
struct Entry {
    verified_with: Arc<TrustedIssuer>,
    /// Where that issuer is among the snapshot's.
    place: usize,
    from: UnixTime,
    until: UnixTime,
    caller: Arc<VerifiedCaller>,
}

/// What one entry is taken to need on average; only how many slots to begin with depends on it.
const TYPICAL_ENTRY_BYTES: u64 = 4096;

impl TokenCache {
    fn new(bytes: u64) -> Self {
        let typical = usize::try_from(bytes / TYPICAL_ENTRY_BYTES)
            .unwrap_or(usize::MAX)
            .max(1);
        Self {
            entries: Cache::with_weighter(typical, bytes, ByWeight),
        }
    }

    /// Who the token of this hash is, if it would verify with `issuers` at `now`.
    pub(crate) fn find(
        &self,
        hash: &TokenHash,
        issuers: &Issuers,
        now: UnixTime,
    ) -> Option<Arc<VerifiedCaller>> {
        let entry = self.entries.get(hash)?;
        let stands = issuers.at(entry.place).is_some_and(|issuer| {
            issuer.verifies_as(&entry.verified_with) && issuer.usable_keys(now).is_some()
        });
        (stands && entry.from <= now && now < entry.until).then(|| Arc::clone(&entry.caller))
    }

    /// Remembers a token that verified at `now` with the issuer at `place`.
    pub(crate) fn remember(
        &self,
        hash: TokenHash,
        (place, issuer): (usize, &Arc<TrustedIssuer>),
        now: UnixTime,
        caller: &Arc<VerifiedCaller>,
    ) {
        let entry = Entry {
            verified_with: Arc::clone(issuer),
            place,
            from: now,
            until: caller.expires_at(),
            caller: Arc::clone(caller),
        };
        self.entries.insert(hash, Arc::new(entry));
    }
}

#[derive(Debug, Clone)]
struct ByWeight;

impl Weighter<TokenHash, Arc<Entry>> for ByWeight {
    fn weight(&self, _hash: &TokenHash, entry: &Arc<Entry>) -> u64 {
        entry.caller.weight()
    }
}
