//! Public keys as Go holds them, and whether a signature is theirs: aws-lc's verdict where it has the combination, and
//! the evaluation's end where it hasn't.

use aws_lc_rs::digest::{self, digest};
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    self as lc, EcdsaVerificationAlgorithm, ParsedPublicKey, RsaParameters, RsaPssSaltLength,
    UnparsedPublicKey,
};
use postern_rego::BuiltinError;

use super::pss;
use super::refuse;

/// The curves that Go's `crypto/ecdsa` has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    P224,
    P256,
    P384,
    P521,
}

impl Curve {
    /// Of a coordinate.
    pub(super) const fn bytes(self) -> usize {
        match self {
            Self::P224 => 28,
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

/// The digests of JWS and of the certificates that Go still believes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    pub(super) fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }
}

/// How an RSA signature is padded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Padding {
    Pkcs1,
    /// With a salt as long as the digest.
    Pss,
    /// With a salt of any length.
    PssOfAnyLength,
}

/// What a key is made of; numbers are big-endian, without leading zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// An uncompressed point (SEC 1, 2.3.3) that lies on the curve.
    Ec {
        curve: Curve,
        point: Vec<u8>,
    },
    Ed25519(Vec<u8>),
    Secret(Vec<u8>),
    /// One that verifies nothing here, such as X25519 or DSA.
    Other,
}

/// Without the zeros that a number needn't have.
pub(super) fn trim(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// How many bits a trimmed number has.
pub(super) fn bits(number: &[u8]) -> usize {
    let leading = number.first().map_or(0, |byte| byte.leading_zeros() as usize);
    number.len().saturating_mul(8).saturating_sub(leading)
}

/// Whether the coordinates, each as long as the curve's, are a point of it. A curve that aws-lc lacks can't tell.
pub(super) fn is_on_curve(curve: Curve, point: &[u8]) -> Result<bool, BuiltinError> {
    let Some(algorithm) = ecdsa(curve, Hash::Sha256) else {
        return refuse("a key on P-224");
    };
    let is_uncompressed = point.first() == Some(&4) && point.len() == 1 + 2 * curve.bytes();
    Ok(is_uncompressed && ParsedPublicKey::new(algorithm, point).is_ok())
}

/// Whether `signature` is one of `message` by the RSA key.
pub(super) fn verify_rsa(
    (n, e): (&[u8], &[u8]),
    (padding, hash): (Padding, Hash),
    message: &[u8],
    signature: &[u8],
) -> Result<bool, BuiltinError> {
    let size = bits(n);
    let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
    // Go refuses such keys whatever the signature is.
    if size < 1024 || !is_odd(n) || !is_odd(e) || e == [1] || bits(e) > 31 {
        return Ok(false);
    }
    if size > 8192 {
        return refuse("an RSA key of more than 8192 bits");
    }
    let key = PublicKeyComponents { n, e };
    let verified = |parameters: &RsaParameters| key.verify(parameters, message, signature).is_ok();
    let parameters = match (padding, hash) {
        (Padding::Pkcs1, Hash::Sha256) => lc::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        (Padding::Pkcs1, Hash::Sha512) => lc::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        _ if size < 2048 => return refuse("an RSA key of less than 2048 bits with this algorithm"),
        (Padding::Pkcs1, Hash::Sha384) => lc::RSA_PKCS1_2048_8192_SHA384,
        (_, hash) => pss_parameters(hash),
    };
    if verified(&parameters) {
        return Ok(true);
    }
    if padding != Padding::PssOfAnyLength {
        return Ok(false);
    }
    // aws-lc has to be told how long the salt is.
    let salt = pss::salt_length((n, e), hash.algorithm(), signature);
    let salt = salt.and_then(|length| u16::try_from(length).ok());
    Ok(salt.is_some_and(|length| {
        verified(&pss_parameters(hash).with_pss_salt_length(RsaPssSaltLength::Custom(length)))
    }))
}

const fn pss_parameters(hash: Hash) -> RsaParameters {
    match hash {
        Hash::Sha256 => lc::RSA_PSS_2048_8192_SHA256,
        Hash::Sha384 => lc::RSA_PSS_2048_8192_SHA384,
        Hash::Sha512 => lc::RSA_PSS_2048_8192_SHA512,
    }
}

/// Whether the numbers `r` and `s`, big-endian, are a signature of `message` by the key.
pub(super) fn verify_ecdsa(
    (curve, point): (Curve, &[u8]),
    hash: Hash,
    message: &[u8],
    (r, s): (&[u8], &[u8]),
) -> Result<bool, BuiltinError> {
    let Some(algorithm) = ecdsa(curve, hash) else {
        return refuse("a key on P-224");
    };
    let (r, s) = (trim(r), trim(s));
    if r.is_empty() || s.is_empty() || r.len() > curve.bytes() || s.len() > curve.bytes() {
        return Ok(false);
    }
    let key = ParsedPublicKey::new(algorithm, point);
    Ok(key.is_ok_and(|key| {
        key.verify_digest_sig(&digest(hash.algorithm(), message), &der_signature(r, s))
            .is_ok()
    }))
}

/// Whether the DER signature is one of `message` by the key.
pub(super) fn verify_ecdsa_der(
    (curve, point): (Curve, &[u8]),
    hash: Hash,
    message: &[u8],
    signature: &[u8],
) -> Result<bool, BuiltinError> {
    let Some(algorithm) = ecdsa(curve, hash) else {
        return refuse("a key on P-224");
    };
    Ok(UnparsedPublicKey::new(algorithm, point)
        .verify(message, signature)
        .is_ok())
}

pub(super) fn verify_ed25519(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    // Given anything but 32 bytes, aws-lc would try to read the key as X.509.
    key.len() == lc::ED25519_PUBLIC_KEY_LEN
        && UnparsedPublicKey::new(&lc::ED25519, key)
            .verify(message, signature)
            .is_ok()
}

fn ecdsa(curve: Curve, hash: Hash) -> Option<&'static EcdsaVerificationAlgorithm> {
    Some(match (curve, hash) {
        (Curve::P224, _) => return None,
        (Curve::P256, Hash::Sha256) => &lc::ECDSA_P256_SHA256_ASN1,
        (Curve::P256, Hash::Sha384) => &lc::ECDSA_P256_SHA384_ASN1,
        (Curve::P256, Hash::Sha512) => &lc::ECDSA_P256_SHA512_ASN1,
        (Curve::P384, Hash::Sha256) => &lc::ECDSA_P384_SHA256_ASN1,
        (Curve::P384, Hash::Sha384) => &lc::ECDSA_P384_SHA384_ASN1,
        (Curve::P384, Hash::Sha512) => &lc::ECDSA_P384_SHA512_ASN1,
        (Curve::P521, Hash::Sha256) => &lc::ECDSA_P521_SHA256_ASN1,
        (Curve::P521, Hash::Sha384) => &lc::ECDSA_P521_SHA384_ASN1,
        (Curve::P521, Hash::Sha512) => &lc::ECDSA_P521_SHA512_ASN1,
    })
}

/// `Ecdsa-Sig-Value` (RFC 3279, 2.2.3) in DER, of trimmed numbers of at most 66 bytes.
fn der_signature(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        // A zero goes before what would look negative.
        let sign = number.first().is_none_or(|first| *first >= 0x80);
        let length = u8::try_from(number.len())
            .unwrap_or(u8::MAX)
            .saturating_add(u8::from(sign));
        let mut der = vec![2, length];
        der.extend(sign.then_some(0));
        der.extend_from_slice(number);
        der
    };
    let contents = [integer(r), integer(s)].concat();
    let length = u8::try_from(contents.len()).unwrap_or(u8::MAX);
    let mut der = vec![0x30];
    der.extend((length >= 0x80).then_some(0x81));
    der.push(length);
    der.extend(contents);
    der
}
