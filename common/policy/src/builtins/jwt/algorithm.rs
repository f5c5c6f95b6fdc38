//! The algorithms of JWS (RFC 7518, RFC 8037), and whether a signature is a key's by one of them.

use aws_lc_rs::hmac;
use postern_rego::{BuiltinError, Context};

use super::super::keys::{Hash, Material, Padding, verify_ecdsa, verify_ed25519, verify_rsa};

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Hmac(Hash),
    Rsa(Padding, Hash),
    Ecdsa(Hash),
    EdDsa,
}

impl Algorithm {
    /// One that OPA signs with and takes from a key's `alg`.
    pub(super) fn of(name: &str) -> Option<Self> {
        use Hash::{Sha256, Sha384, Sha512};
        Some(match name {
            "HS256" => Self::Hmac(Sha256),
            "HS384" => Self::Hmac(Sha384),
            "HS512" => Self::Hmac(Sha512),
            "RS256" => Self::Rsa(Padding::Pkcs1, Sha256),
            "RS384" => Self::Rsa(Padding::Pkcs1, Sha384),
            "RS512" => Self::Rsa(Padding::Pkcs1, Sha512),
            "PS256" => Self::Rsa(Padding::Pss, Sha256),
            "PS384" => Self::Rsa(Padding::Pss, Sha384),
            "PS512" => Self::Rsa(Padding::Pss, Sha512),
            "ES256" => Self::Ecdsa(Sha256),
            "ES384" => Self::Ecdsa(Sha384),
            "ES512" => Self::Ecdsa(Sha512),
            "EdDSA" => Self::EdDsa,
            _ => return None,
        })
    }

    /// One that OPA's library verifies when a token's header names it: it has names of its own, too.
    pub(super) fn of_token(name: &str) -> Option<Self> {
        let standard = match name {
            "HMAC_WITH_SHA256" => "HS256",
            "HMAC_WITH_SHA384" => "HS384",
            "HMAC_WITH_SHA512" => "HS512",
            "RSA_PKCS1v15_WITH_SHA256" => "RS256",
            "RSA_PKCS1v15_WITH_SHA384" => "RS384",
            "RSA_PKCS1v15_WITH_SHA512" => "RS512",
            "RSA_PSS_WITH_SHA256" => "PS256",
            "RSA_PSS_WITH_SHA384" => "PS384",
            "RSA_PSS_WITH_SHA512" => "PS512",
            "ECDSA_WITH_P256_AND_SHA256" => "ES256",
            "ECDSA_WITH_P384_AND_SHA384" => "ES384",
            "ECDSA_WITH_P521_AND_SHA512" => "ES512",
            "Ed25519" => "EdDSA",
            other => other,
        };
        Self::of(standard)
    }

    /// Whether `signature`, in the form of JWS, is one of `message` by the key. Another kind of key made none.
    pub(super) fn verify(
        self,
        context: &mut Context<'_>,
        key: &Material,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, BuiltinError> {
        spend(context, key, message)?;
        self.is_signature(key, message, signature)
    }

    /// As [`Algorithm::verify`], where no evaluation pays for it.
    pub(super) fn is_signature(
        self,
        key: &Material,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, BuiltinError> {
        match (self, key) {
            (Self::Hmac(hash), Material::Secret(secret)) => {
                let key = hmac::Key::new(hmac_algorithm(hash), secret);
                Ok(hmac::verify(&key, message, signature).is_ok())
            }
            (Self::Rsa(padding, hash), Material::Rsa { n, e }) => {
                verify_rsa((n, e), (padding, hash), message, signature)
            }
            (Self::Ecdsa(hash), Material::Ec { curve, point }) => {
                if signature.len() != 2 * curve.bytes() {
                    return Ok(false);
                }
                let halves = signature.split_at(curve.bytes());
                verify_ecdsa((*curve, point), hash, message, halves)
            }
            (Self::EdDsa, Material::Ed25519(key)) => Ok(verify_ed25519(key, message, signature)),
            _ => Ok(false),
        }
    }
}

/// Takes what a signature costs: the square of an RSA key's length, some tens of microseconds at least.
pub(super) fn spend(context: &mut Context<'_>, key: &Material, message: &[u8]) -> Result<(), BuiltinError> {
    let arithmetic = match key {
        Material::Rsa { n, .. } => n.len().saturating_mul(n.len()) / 4,
        Material::Ec { .. } | Material::Ed25519(_) => 16 * 1024,
        // A long secret is hashed first.
        Material::Secret(secret) => secret.len().saturating_add(256),
        Material::Other => 256,
    };
    context.spend(arithmetic.saturating_add(message.len()))
}

pub(super) fn hmac_algorithm(hash: Hash) -> hmac::Algorithm {
    match hash {
        Hash::Sha256 => hmac::HMAC_SHA256,
        Hash::Sha384 => hmac::HMAC_SHA384,
        Hash::Sha512 => hmac::HMAC_SHA512,
    }
}
