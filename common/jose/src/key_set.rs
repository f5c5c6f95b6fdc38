//! Keys compiled for verification: found by `kid` and algorithm in constant time, parsed once. Immutable; a new JWK set
//! makes a new `KeySet`, so a check sees the whole old or the whole new one (R1.5).
//!
//! Which key a token means:
//! - with a `kid`: the key of that `kid` for the token's algorithm. A `kid` that no key has is unknown (a refetch may
//!   help); one whose key isn't for that algorithm is an algorithm refused (a refetch won't).
//! - without: the one key of the set for that algorithm. Where several would do, nothing is guessed or tried in turn.
//! - the same `kid` on two entries: the same key twice (as for RS256 and PS256) is one key; two keys for one algorithm
//!   make that `kid` ambiguous and its tokens refused, while the set's other keys work on.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::algorithm::Algorithm;
use crate::jwk::Jwk;
use crate::jwk_set::JwkSet;
use crate::token_error::TokenError;
use crate::verifier::Verifier;

/// The keys of one issuer, ready to verify. Cheap to look up in, whatever its size.
#[derive(Default)]
pub struct KeySet {
    by_key_id: HashMap<String, Slots>,
    by_algorithm: Slots,
    len: usize,
}

/// At most one entry for an algorithm.
type Slots = Vec<(Algorithm, Choice)>;

enum Choice {
    One(Arc<HeldKey>),
    Several,
}

/// A key with the one algorithm that it is held for.
pub(crate) struct HeldKey {
    jwk: Jwk,
    /// Shared with each token that this key verified.
    key_id: Option<Arc<str>>,
    verifier: Verifier,
}

impl HeldKey {
    pub(crate) const fn key_id(&self) -> Option<&Arc<str>> {
        self.key_id.as_ref()
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), TokenError> {
        self.verifier
            .verify(message, signature)
            .map_err(|_| TokenError::BadSignature)
    }
}

impl KeySet {
    /// Compiles the keys of a set.
    #[must_use]
    pub fn from_jwks(jwks: &JwkSet) -> Self {
        let mut set = Self {
            len: jwks.keys().len(),
            ..Self::default()
        };
        for jwk in jwks.keys() {
            for (algorithm, verifier) in jwk.verifiers() {
                let held = Arc::new(HeldKey {
                    jwk: jwk.clone(),
                    key_id: jwk.key_id().map(Arc::from),
                    verifier: verifier.clone(),
                });
                if let Some(key_id) = jwk.key_id() {
                    put(
                        set.by_key_id.entry(key_id.to_owned()).or_default(),
                        *algorithm,
                        &held,
                    );
                }
                put(&mut set.by_algorithm, *algorithm, &held);
            }
        }
        set
    }

    /// How many keys the set has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing can be verified with this set.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether a key with this `kid` is here: an unknown one may be worth a refetch.
    #[must_use]
    pub fn contains(&self, key_id: &str) -> bool {
        self.by_key_id.contains_key(key_id)
    }

    /// The `kid`s of the set, in no order.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.by_key_id.keys().map(String::as_str)
    }

    /// Whether a token with this `kid` and algorithm means one and the same key here and in `other`: a signature that was
    /// verified with one set then needn't be verified again with the other.
    #[must_use]
    pub fn agrees_with(&self, other: &Self, key_id: Option<&str>, algorithm: Algorithm) -> bool {
        match (self.choose(key_id, algorithm), other.choose(key_id, algorithm)) {
            (Ok(here), Ok(there)) => here.jwk.same_key(&there.jwk),
            (Err(_), _) | (_, Err(_)) => false,
        }
    }

    /// The one key that a token with this `kid` and algorithm means, by the rules above.
    pub(crate) fn choose(&self, key_id: Option<&str>, algorithm: Algorithm) -> Result<&HeldKey, TokenError> {
        let (slots, otherwise) = match key_id {
            Some(key_id) => (
                self.by_key_id.get(key_id).ok_or(TokenError::KeyUnknown)?,
                TokenError::AlgorithmRefused,
            ),
            None => (&self.by_algorithm, TokenError::KeyUnknown),
        };
        match slots.iter().find(|(held_for, _)| *held_for == algorithm) {
            Some((_, Choice::One(key))) => Ok(key),
            Some((_, Choice::Several)) => Err(TokenError::KeyAmbiguous),
            None => Err(otherwise),
        }
    }
}

impl From<&JwkSet> for KeySet {
    fn from(jwks: &JwkSet) -> Self {
        Self::from_jwks(jwks)
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet")
            .field("len", &self.len)
            .field("key_ids", &self.by_key_id.keys())
            .finish()
    }
}

fn put(slots: &mut Slots, algorithm: Algorithm, key: &Arc<HeldKey>) {
    match slots.iter_mut().find(|(held_for, _)| *held_for == algorithm) {
        None => slots.push((algorithm, Choice::One(Arc::clone(key)))),
        Some((_, choice)) => {
            let same = matches!(choice, Choice::One(held) if held.jwk.same_key(&key.jwk));
            if !same {
                *choice = Choice::Several;
            }
        }
    }
}
