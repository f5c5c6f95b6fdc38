//! What a reader of bundles trusts: keys from its own configuration, never from where the bundle came.

use std::collections::BTreeMap;
#[cfg(feature = "builtins")]
use std::sync::Arc;

use postern_jose::{Algorithm, Jwk, JwkError};

use super::BundleError;

/// Whether, and by which keys, a bundle must be signed.
#[derive(Debug, Clone, PartialEq)]
pub enum Verification {
    /// It must be signed with one of these, by key id.
    Keys(BTreeMap<String, VerificationKey>),
    /// Signatures are not looked at. For tests, or where the archive's origin is itself trusted.
    Unsigned,
    /// As OPA does it by what its configuration says.
    #[cfg(feature = "builtins")]
    AsOpa(Arc<super::OpaVerification>),
}

/// A key that bundles may be signed with.
#[derive(Debug, Clone, PartialEq)]
pub struct VerificationKey {
    /// Its id, as signatures name it.
    pub key_id: String,
    /// The one algorithm it is good for.
    pub algorithm: Algorithm,
    /// The public key.
    pub key: Jwk,
    /// The `scope` claim that its signatures must have; empty for none.
    pub scope: String,
}

impl VerificationKey {
    /// Reads a public key from PEM (`PUBLIC KEY`, SPKI).
    ///
    /// # Errors
    /// When the PEM holds no public key, or none that fits the algorithm.
    pub fn from_pem(key_id: &str, algorithm: Algorithm, pem: &str) -> Result<Self, BundleError> {
        let refuse = |problem: String| BundleError::Key {
            key_id: key_id.to_owned(),
            problem,
        };
        let key = Jwk::from_spki_pem(pem).map_err(|e| refuse(e.to_string()))?;
        Self::new(key_id, algorithm, key)
    }

    /// A key that is already at hand.
    ///
    /// # Errors
    /// When the key doesn't fit the algorithm.
    pub fn new(key_id: &str, algorithm: Algorithm, key: Jwk) -> Result<Self, BundleError> {
        let refuse = |problem: String| BundleError::Key {
            key_id: key_id.to_owned(),
            problem,
        };
        if key_id.is_empty() {
            return Err(refuse("its id is empty".to_owned()));
        }
        let able: Vec<_> = key.algorithms().map(|able| able.to_string()).collect();
        let key = key.with_algorithm(algorithm).map_err(|error| match error {
            JwkError::AlgorithmMismatch => refuse(format!(
                "a key of its kind doesn't sign with {algorithm}; set `algorithm` to what it signs with: {}",
                able.join(", ")
            )),
            error => refuse(error.to_string()),
        })?;
        Ok(Self {
            key_id: key_id.to_owned(),
            algorithm,
            key,
            scope: String::new(),
        })
    }
}

impl Verification {
    /// Whether a delta may come, which has no signature.
    pub(super) fn takes_unsigned_deltas(&self) -> bool {
        match self {
            Self::Keys(_) => false,
            Self::Unsigned => true,
            #[cfg(feature = "builtins")]
            Self::AsOpa(opa) => !opa.is_required || opa.takes_unsigned_deltas,
        }
    }

    /// Requires a signature by one of these keys.
    ///
    /// # Errors
    /// When there is none, or two have one id.
    pub fn keys(keys: impl IntoIterator<Item = VerificationKey>) -> Result<Self, BundleError> {
        let mut by_id = BTreeMap::new();
        for key in keys {
            let key_id = key.key_id.clone();
            if by_id.insert(key_id.clone(), key).is_some() {
                return Err(BundleError::Key {
                    key_id,
                    problem: "is configured twice".to_owned(),
                });
            }
        }
        if by_id.is_empty() {
            let problem = "at least one verification key is needed".to_owned();
            return Err(BundleError::Key {
                key_id: String::new(),
                problem,
            });
        }
        Ok(Self::Keys(by_id))
    }
}
