//! A JWK set (RFC 7517 §5) as an issuer publishes it. Keys that can't be used are left out and said so; a set that
//! leaks a private key is refused whole.

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::jwk::{Jwk, JwkError};
use crate::strict_json;

/// Longest set read, 1 MiB.
pub const MAX_JWKS_BYTES: usize = 1024 * 1024;
/// Most keys in one set, skipped ones included.
pub const MAX_JWKS_KEYS: usize = 2_000;

/// Why a whole set is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwkSetError {
    /// More than [`MAX_JWKS_BYTES`].
    #[error("the key set is longer than 1 MiB")]
    TooLarge,
    /// More than [`MAX_JWKS_KEYS`].
    #[error("the key set has more than 2000 keys")]
    TooManyKeys,
    /// Not a JSON object with an array `keys` of objects, or an ambiguous one.
    #[error("not a JWK set: expected one JSON object with an array `keys` of objects, each member once")]
    NotAKeySet,
    /// The key at this place (from 0) holds private members: the issuer has lost it, so nothing of the set is used.
    #[error(
        "keys[{0}] holds private key material; the issuer must replace that key and publish public keys only"
    )]
    PrivateMaterial(usize),
}

/// A key of a set that was left out, as RFC 7517 §5 asks for keys that aren't understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedKey {
    /// Its place in `keys`, from 0.
    pub index: usize,
    /// Its `kid`, when it has one.
    pub key_id: Option<String>,
    /// Why it can't be used.
    pub reason: JwkError,
}

/// Sound public keys, in the order of the set. May be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JwkSet {
    keys: Vec<Jwk>,
    skipped: Vec<SkippedKey>,
}

impl JwkSet {
    /// A set of these keys.
    pub fn new(keys: impl IntoIterator<Item = Jwk>) -> Self {
        Self {
            keys: keys.into_iter().collect(),
            skipped: Vec::new(),
        }
    }

    /// Reads a set from JSON.
    ///
    /// # Errors
    /// [`JwkSetError`] when the set as a whole can't be trusted; a single unusable key is only [skipped](Self::skipped).
    pub fn parse(json: &[u8]) -> Result<Self, JwkSetError> {
        if json.len() > MAX_JWKS_BYTES {
            return Err(JwkSetError::TooLarge);
        }
        let text = std::str::from_utf8(json).map_err(|_| JwkSetError::NotAKeySet)?;
        let object = strict_json::parse_object(text).ok_or(JwkSetError::NotAKeySet)?;
        let Some(Value::Array(entries)) = object.get("keys") else {
            return Err(JwkSetError::NotAKeySet);
        };
        if entries.len() > MAX_JWKS_KEYS {
            return Err(JwkSetError::TooManyKeys);
        }
        let mut set = Self::default();
        for (index, entry) in entries.iter().enumerate() {
            let entry = entry.as_object().ok_or(JwkSetError::NotAKeySet)?;
            match Jwk::from_object(entry) {
                Ok(key) => set.keys.push(key),
                Err(JwkError::PrivateMaterial) => return Err(JwkSetError::PrivateMaterial(index)),
                Err(reason) => {
                    let key_id = entry.get("kid").and_then(Value::as_str).map(str::to_owned);
                    set.skipped.push(SkippedKey {
                        index,
                        key_id,
                        reason,
                    });
                }
            }
        }
        Ok(set)
    }

    /// The usable keys.
    #[must_use]
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// The keys that were left out, and why.
    #[must_use]
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    /// The usable keys as JSON text. Public by construction.
    #[must_use]
    pub fn to_json(&self) -> String {
        json!({ "keys": self.keys.iter().map(Jwk::to_object).collect::<Vec<_>>() }).to_string()
    }
}

impl Serialize for JwkSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json!({ "keys": self.keys }).serialize(serializer)
    }
}
