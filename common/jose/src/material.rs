//! What a public key is made of, and the checks that make it a sound one. Holds nothing private.

use aws_lc_rs::digest;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{self as lc, ParsedPublicKey, RsaParameters, VerificationAlgorithm};

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::jwk::JwkError;
use crate::verifier::Verifier;

/// The curves of RFC 7518 §6.2.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::P256, Self::P384, Self::P521]
            .into_iter()
            .find(|curve| curve.name() == name)
    }

    pub(crate) const fn coordinate_bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

/// The numbers of a public key, big-endian.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    Ec { curve: Curve, x: Vec<u8>, y: Vec<u8> },
    Ed25519 { x: Vec<u8> },
}

impl Material {
    /// What this kind of key can do when its `alg` says nothing narrower. Never depends on the token.
    pub(crate) const fn algorithms(&self) -> &'static [Algorithm] {
        use Algorithm::{ES256, ES384, ES512, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        match self {
            Self::Rsa { .. } => &[RS256, RS384, RS512, PS256, PS384, PS512],
            Self::Ec {
                curve: Curve::P256, ..
            } => &[ES256],
            Self::Ec {
                curve: Curve::P384, ..
            } => &[ES384],
            Self::Ec {
                curve: Curve::P521, ..
            } => &[ES512],
            Self::Ed25519 { .. } => &[EdDSA],
        }
    }

    /// The members that make the key, in the order of RFC 7638 §3.2 and RFC 8037 §2.
    pub(crate) fn members(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Rsa { n, e } => {
                vec![
                    ("e", base64url::encode(e)),
                    ("kty", "RSA".to_owned()),
                    ("n", base64url::encode(n)),
                ]
            }
            Self::Ec { curve, x, y } => vec![
                ("crv", curve.name().to_owned()),
                ("kty", "EC".to_owned()),
                ("x", base64url::encode(x)),
                ("y", base64url::encode(y)),
            ],
            Self::Ed25519 { x } => {
                vec![
                    ("crv", "Ed25519".to_owned()),
                    ("kty", "OKP".to_owned()),
                    ("x", base64url::encode(x)),
                ]
            }
        }
    }

    /// A key ready to verify `algorithm`, or why this is no sound key for it.
    pub(crate) fn verifier(&self, algorithm: Algorithm) -> Result<Verifier, JwkError> {
        match self {
            Self::Rsa { n, e } => {
                check_rsa(n, e)?;
                let parameters = rsa_parameters(algorithm).ok_or(JwkError::AlgorithmMismatch)?;
                PublicKeyComponents { n, e }
                    .to_parsed_public_key(parameters)
                    .map(Verifier::AsItIs)
                    .map_err(|_| JwkError::UnsoundKey)
            }
            Self::Ec { curve, x, y } => {
                if [x.len(), y.len()] != [curve.coordinate_bytes(); 2] {
                    return Err(JwkError::UnsoundKey);
                }
                let (verification, digest): (&'static dyn VerificationAlgorithm, _) = match (curve, algorithm)
                {
                    (Curve::P256, Algorithm::ES256) => (&lc::ECDSA_P256_SHA256_ASN1, &digest::SHA256),
                    (Curve::P384, Algorithm::ES384) => (&lc::ECDSA_P384_SHA384_ASN1, &digest::SHA384),
                    (Curve::P521, Algorithm::ES512) => (&lc::ECDSA_P521_SHA512_ASN1, &digest::SHA512),
                    _ => return Err(JwkError::AlgorithmMismatch),
                };
                // Refuses a point that isn't on the curve.
                let key = ParsedPublicKey::new(verification, uncompressed(x, y));
                Ok(Verifier::Ecdsa {
                    key: key.map_err(|_| JwkError::UnsoundKey)?,
                    digest,
                    coordinate_bytes: curve.coordinate_bytes(),
                })
            }
            Self::Ed25519 { x } => {
                if algorithm != Algorithm::EdDSA {
                    return Err(JwkError::AlgorithmMismatch);
                }
                // The length first: given anything but 32 bytes, aws-lc would try to read it as X.509.
                if x.len() != lc::ED25519_PUBLIC_KEY_LEN {
                    return Err(JwkError::UnsoundKey);
                }
                ParsedPublicKey::new(&lc::ED25519, x)
                    .map(Verifier::AsItIs)
                    .map_err(|_| JwkError::UnsoundKey)
            }
        }
    }

    /// DER `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7).
    pub(crate) fn to_spki(&self) -> Result<Vec<u8>, JwkError> {
        let algorithm = self.algorithms().first().copied().ok_or(JwkError::UnsoundKey)?;
        let der = self
            .verifier(algorithm)?
            .key()
            .as_der()
            .map_err(|_| JwkError::UnsoundKey)?;
        Ok(der.as_ref().to_vec())
    }
}

/// 2048 to 8192 bits, odd modulus, odd exponent from 3 to 2^33 (what aws-lc will use), no leading zeros
/// (RFC 7518 §6.3.1: minimal octets).
fn check_rsa(n: &[u8], e: &[u8]) -> Result<(), JwkError> {
    let odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
    let minimal = |number: &[u8]| number.first().is_some_and(|byte| *byte != 0);
    if !(minimal(n) && minimal(e) && odd(n) && odd(e)) {
        return Err(JwkError::UnsoundKey);
    }
    let bits = |number: &[u8]| {
        let leading = number.first().map_or(0, |byte| byte.leading_zeros() as usize);
        number.len().saturating_mul(8).saturating_sub(leading)
    };
    if !(2048..=8192).contains(&bits(n)) {
        return Err(JwkError::RsaSize);
    }
    if !(2..=33).contains(&bits(e)) {
        return Err(JwkError::UnsoundKey);
    }
    Ok(())
}

const fn rsa_parameters(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        Algorithm::RS256 => Some(&lc::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Some(&lc::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Some(&lc::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Some(&lc::RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Some(&lc::RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Some(&lc::RSA_PSS_2048_8192_SHA512),
        Algorithm::ES256 | Algorithm::ES384 | Algorithm::ES512 | Algorithm::EdDSA => None,
    }
}

fn uncompressed(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[4], x, y].concat()
}
