//! Signature algorithms of certificates: which there are, and whether a signature is a key's.

use postern_rego::{BuiltinError, Context};

use super::super::keys::{Hash, Padding, trim, verify_ecdsa_der, verify_ed25519, verify_rsa};
use super::super::refuse;
use super::der::{Der, SEQUENCE, constructed};
use super::public_key::{AlgorithmIdentifier, PublicKey, algorithm_identifier};

/// Go's number for an algorithm, 0 for one that it doesn't know.
pub(super) fn number(algorithm: &AlgorithmIdentifier<'_>) -> Result<i64, BuiltinError> {
    Ok(match algorithm.oid.as_slice() {
        [1, 2, 840, 113_549, 1, 1, 4] => 2,
        [1, 2, 840, 113_549, 1, 1, 5] | [1, 3, 14, 3, 2, 29] => 3,
        [1, 2, 840, 113_549, 1, 1, 11] => 4,
        [1, 2, 840, 113_549, 1, 1, 12] => 5,
        [1, 2, 840, 113_549, 1, 1, 13] => 6,
        [1, 2, 840, 10_040, 4, 3] => 7,
        [2, 16, 840, 1, 101, 3, 4, 3, 2] => 8,
        [1, 2, 840, 10_045, 4, 1] => 9,
        [1, 2, 840, 10_045, 4, 3, 2] => 10,
        [1, 2, 840, 10_045, 4, 3, 3] => 11,
        [1, 2, 840, 10_045, 4, 3, 4] => 12,
        [1, 2, 840, 113_549, 1, 1, 10] => match pss(algorithm.parameters) {
            Some(number) => number,
            None => return refuse("a certificate with other parameters of RSASSA-PSS than the common ones"),
        },
        [1, 3, 101, 112] if algorithm.parameters.is_empty() => 16,
        _ => 0,
    })
}

/// With the parameters that are in use: one digest for all, a salt as long as it.
fn pss(parameters: &[u8]) -> Option<i64> {
    const MGF1: &[u32] = &[1, 2, 840, 113_549, 1, 1, 8];
    let mut parameters = Der(parameters).read(SEQUENCE)?;
    let plain = |algorithm: AlgorithmIdentifier<'_>| {
        let is_plain = algorithm.parameters.is_empty() || algorithm.parameters == [5, 0];
        is_plain.then_some(algorithm.oid)
    };
    let hash = parameters.read(constructed(0))?.read(SEQUENCE)?;
    let hash = plain(algorithm_identifier(hash).ok()?)?;
    let mask = parameters.read(constructed(1))?.read(SEQUENCE)?;
    let mask = algorithm_identifier(mask).ok()?;
    let of_mask = Der(mask.parameters).read(SEQUENCE)?;
    let salt = parameters.read(constructed(2))?.small_with(super::der::INTEGER)?;
    let trailer = match parameters.optional(constructed(3))? {
        Some(mut trailer) => trailer.small_with(super::der::INTEGER)?,
        None => 1,
    };
    if mask.oid != MGF1
        || plain(algorithm_identifier(of_mask).ok()?)? != hash
        || trailer != 1
        || !parameters.is_empty()
    {
        return None;
    }
    match (hash.as_slice(), salt) {
        ([2, 16, 840, 1, 101, 3, 4, 2, 1], 32) => Some(13),
        ([2, 16, 840, 1, 101, 3, 4, 2, 2], 48) => Some(14),
        ([2, 16, 840, 1, 101, 3, 4, 2, 3], 64) => Some(15),
        _ => None,
    }
}

/// Whether `signature` is one of `message` by the key; what rests on MD5 or SHA-1 is none.
pub(super) fn is_good(
    context: &mut Context<'_>,
    algorithm: i64,
    message: &[u8],
    signature: &[u8],
    key: &PublicKey,
) -> Result<bool, BuiltinError> {
    let length = match key {
        PublicKey::Rsa { n, .. } => n.len(),
        _ => 256,
    };
    context.spend(length.saturating_mul(length) / 4 + message.len())?;
    let hash = match algorithm {
        4 | 10 | 13 => Hash::Sha256,
        5 | 11 | 14 => Hash::Sha384,
        6 | 12 | 15 => Hash::Sha512,
        16 => {
            return Ok(matches!(key, PublicKey::Ed25519(key) if verify_ed25519(key, message, signature)));
        }
        _ => return Ok(false),
    };
    match (key, algorithm) {
        (PublicKey::Rsa { n, e }, 4..=6 | 13..=15) => {
            let padding = if algorithm < 10 {
                Padding::Pkcs1
            } else {
                Padding::Pss
            };
            let e = e.to_be_bytes();
            verify_rsa((n, trim(&e)), (padding, hash), message, signature)
        }
        (PublicKey::Ec { curve, point }, 10..=12) => {
            verify_ecdsa_der((*curve, point), hash, message, signature)
        }
        _ => Ok(false),
    }
}
