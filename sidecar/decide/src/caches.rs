//! What is remembered between checks. Bounded, shared by all workers, correct on its own terms: a cache may forget anything
//! at any time, and never makes an answer differ from what evaluation without it would give.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use postern_jose::UnixTime;
use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Lifecycle, Weighter};

use crate::dpop::ReplayCache;
use crate::grounds::Standing;
use crate::introspection::InactiveTokens;
use crate::issuer::Issuers;
use crate::peer::PeerCertificates;
use crate::routes::DpopRule;
use crate::verified_caller::VerifiedCaller;

/// SHA-256 of a whole token.
pub(crate) type TokenHash = [u8; 32];

/// How much is remembered.
#[derive(Debug, Clone, Copy)]
pub struct CacheLimits {
    /// About so many bytes of verified tokens.
    pub token_bytes: u64,
    /// So many DPoP proofs that were used; when they are all still good, further ones are refused.
    pub dpop_proofs: usize,
    /// The widest window that a route has for the `iat` of proofs, in seconds.
    pub dpop_window_seconds: u32,
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self {
            token_bytes: 8 << 20,
            dpop_proofs: 100_000,
            dpop_window_seconds: DpopRule::DEFAULT_IAT_WINDOW_SECONDS,
        }
    }
}

/// All caches of a process.
#[derive(Debug)]
pub struct Caches {
    pub(crate) tokens: TokenCache,
    pub(crate) inactive: InactiveTokens,
    pub(crate) certificates: PeerCertificates,
    pub(crate) proofs: ReplayCache,
}

impl Caches {
    /// Empty caches within these limits.
    pub fn new(limits: CacheLimits) -> Self {
        Self {
            tokens: TokenCache::new(limits.token_bytes),
            inactive: InactiveTokens::new(),
            certificates: PeerCertificates::new(),
            proofs: ReplayCache::new(limits.dpop_proofs, limits.dpop_window_seconds),
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

    /// How many were forgotten so far to make room for others.
    pub fn token_evictions(&self) -> u64 {
        self.tokens.evictions.0.load(Ordering::Relaxed)
    }

    /// How many DPoP proofs are remembered.
    pub fn proof_count(&self) -> usize {
        self.proofs.len()
    }
}

/// Verified tokens by the SHA-256 of the whole token, signature included.
///
/// Why a hit is as good as verifying again:
/// - **It is the same token**: only the same bytes have the same SHA-256, and only tokens that verified are stored.
/// - **Its keys still stand**: an entry holds the very issuer (keys and rules, immutable) that it was verified with, and
///   counts only while the snapshot at hand holds the same rules, and the same key under the name that the token means it
///   by. A token whose key was removed is verified again, and refused, by the first check after the swap; so is one whose
///   issuer's keys have not been confirmed for too long.
/// - **It is still in time**: an entry counts from the moment it was verified at until `exp`. Time only moves a token
///   past its `nbf`, and outside that span (the leeway after `exp`, a clock set back) it is verified again.
///
/// Why it can't be filled by an attacker: only tokens that verified get in, the weight is bounded, and admission
/// (S3-FIFO) lets entries that were never asked for again go first: a million of them, a hundred for each use of a
/// token that is in use, push none of those out. What it can't tell from use is use: who has an issuer sign more tokens
/// than there is room for, and shows each of them again and again, makes others verify theirs anew.
#[derive(Debug)]
pub(crate) struct TokenCache {
    entries: Cache<TokenHash, Arc<VerifiedCaller>, ByWeight, DefaultHashBuilder, Evictions>,
    evictions: Evictions,
}

/// Counts what is forgotten to make room.
#[derive(Debug, Clone, Default)]
struct Evictions(Arc<AtomicU64>);

impl Lifecycle<TokenHash, Arc<VerifiedCaller>> for Evictions {
    type RequestState = ();

    fn on_evict(&self, _state: &mut (), _hash: TokenHash, _caller: Arc<VerifiedCaller>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// What one entry is taken to need on average; only how many slots to begin with depends on it.
const TYPICAL_ENTRY_BYTES: u64 = 4096;

impl TokenCache {
    fn new(bytes: u64) -> Self {
        let typical = usize::try_from(bytes / TYPICAL_ENTRY_BYTES)
            .unwrap_or(usize::MAX)
            .max(1);
        let evictions = Evictions::default();
        let hashing = DefaultHashBuilder::default();
        Self {
            entries: Cache::with(typical, bytes, ByWeight, hashing, evictions.clone()),
            evictions,
        }
    }

    /// Who the token of this hash is, if it would verify with `issuers` at `now`.
    pub(crate) fn find(
        &self,
        hash: &TokenHash,
        issuers: &Issuers,
        now: UnixTime,
    ) -> Option<Arc<VerifiedCaller>> {
        let caller = self.entries.get(hash)?;
        match caller.grounds().standing(issuers, now) {
            Standing::AsItIs => Some(caller),
            Standing::WithOtherKeys(found) => {
                let caller = Arc::new(caller.with(found));
                self.remember(*hash, &caller);
                Some(caller)
            }
            Standing::Fallen => None,
        }
    }

    /// Remembers a token that verified.
    pub(crate) fn remember(&self, hash: TokenHash, caller: &Arc<VerifiedCaller>) {
        self.entries.insert(hash, Arc::clone(caller));
    }
}

#[derive(Debug, Clone)]
struct ByWeight;

impl Weighter<TokenHash, Arc<VerifiedCaller>> for ByWeight {
    fn weight(&self, _hash: &TokenHash, caller: &Arc<VerifiedCaller>) -> u64 {
        caller.weight()
    }
}

#[cfg(test)]
mod tests;
