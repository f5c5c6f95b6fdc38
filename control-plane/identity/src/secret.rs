//! Client secrets: how they come in, and the hash that is kept of each. A secret is never shown but once, to whoever
//! registered the client.

use std::fmt;

use aws_lc_rs::digest;
use postern_store::{Entropy, random_token};
use secrecy::{ExposeSecret, SecretString};
use subtle::{Choice, ConstantTimeEq};

/// A client's secret, wiped from memory when dropped.
#[derive(Debug, Clone)]
pub struct ClientSecret(SecretString);

impl ClientSecret {
    /// What a secret has to be that somebody brings along, in words.
    pub const EXPECTED: &str = "32 to 256 printable ASCII characters, or nothing to have one generated";

    /// A new secret of 256 random bits.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(SecretString::from(random_token(entropy).as_str()))
    }

    /// The secret itself, for the one answer that shows it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }

    /// Whether it may be registered (RFC 6749 appendix A.2 has the characters).
    pub(crate) fn is_acceptable(&self) -> bool {
        (32..=256).contains(&self.expose().len())
            && self.expose().bytes().all(|byte| (0x20..=0x7e).contains(&byte))
    }

    pub(crate) fn hash(&self) -> SecretHash {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, self.expose().as_bytes()).as_ref());
        SecretHash(hash)
    }
}

impl From<String> for ClientSecret {
    fn from(secret: String) -> Self {
        Self(SecretString::from(secret))
    }
}

/// SHA-256 of a secret: what is kept. The crate's documentation says why that is enough.
#[derive(Clone, Copy)]
pub(crate) struct SecretHash(pub(crate) [u8; 32]);

impl SecretHash {
    /// Stands in for the hash of a client that doesn't exist. Nobody knows a secret with this hash.
    pub(crate) const NOBODY: Self = Self([0; 32]);

    /// Compares in a time that doesn't depend on either.
    pub(crate) fn is(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use postern_store::SystemEntropy;

    use super::*;

    #[test]
    fn a_secret_shows_in_no_debug_output() {
        let secret = ClientSecret::generate(&SystemEntropy);
        let shown = format!("{secret:?} {:?}", secret.hash());
        assert!(!shown.contains(secret.expose()));
    }

    #[test]
    fn generated_secrets_are_acceptable_and_short_ones_are_not() {
        assert!(ClientSecret::generate(&SystemEntropy).is_acceptable());
        assert!(!ClientSecret::from("x".repeat(31)).is_acceptable());
        assert!(ClientSecret::from("x".repeat(32)).is_acceptable());
        assert!(!ClientSecret::from("x".repeat(257)).is_acceptable());
        assert!(!ClientSecret::from("é".repeat(32)).is_acceptable());
    }

    #[test]
    fn hashes_compare_by_value() {
        let (one, two) = (
            ClientSecret::from("one".to_owned()),
            ClientSecret::from("two".to_owned()),
        );
        assert!(bool::from(one.hash().is(&one.hash())));
        assert!(!bool::from(one.hash().is(&two.hash())));
    }
}
