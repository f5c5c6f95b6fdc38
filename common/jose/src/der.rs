//! Just enough DER to take a `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7) apart. Total, and never more lenient than DER:
//! the caller compares what it understood, encoded again, with what it read.

use crate::material::{Curve, Material};

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
const BIT_STRING: u8 = 0x03;
const INTEGER: u8 = 0x02;

/// 1.2.840.113549.1.1.1, RFC 3279 §2.3.1.
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// 1.2.840.10045.2.1, RFC 5480 §2.1.1.
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// 1.3.101.112, RFC 8410 §3.
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// The key in a DER `SubjectPublicKeyInfo`, or `None` when it isn't one of a kind that we know. Not yet checked to be
/// a sound key.
pub(crate) fn public_key(der: &[u8]) -> Option<Material> {
    let info = only(der, SEQUENCE)?;
    let (algorithm, info) = read(info, SEQUENCE)?;
    let [0, key @ ..] = only(info, BIT_STRING)? else {
        return None;
    };
    let (algorithm, parameters) = read(algorithm, OBJECT_IDENTIFIER)?;
    match algorithm {
        RSA_ENCRYPTION => rsa(key),
        EC_PUBLIC_KEY => point(named_curve(only(parameters, OBJECT_IDENTIFIER)?)?, key),
        ED25519 => Some(Material::Ed25519 { x: key.to_vec() }),
        _ => None,
    }
}

/// An uncompressed point (SEC 1 §2.3.3) on `curve`.
pub(crate) fn point(curve: Curve, octets: &[u8]) -> Option<Material> {
    let [4, coordinates @ ..] = octets else {
        return None;
    };
    let (x, y) = coordinates.split_at_checked(curve.coordinate_bytes())?;
    Some(Material::Ec {
        curve,
        x: x.to_vec(),
        y: y.to_vec(),
    })
}

fn rsa(key: &[u8]) -> Option<Material> {
    let (n, rest) = read(only(key, SEQUENCE)?, INTEGER)?;
    let e = only(rest, INTEGER)?;
    Some(Material::Rsa {
        n: unsigned(n)?,
        e: unsigned(e)?,
    })
}

/// RFC 5480 §2.1.1.1.
fn named_curve(identifier: &[u8]) -> Option<Curve> {
    match identifier {
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07] => Some(Curve::P256),
        [0x2b, 0x81, 0x04, 0x00, 0x22] => Some(Curve::P384),
        [0x2b, 0x81, 0x04, 0x00, 0x23] => Some(Curve::P521),
        _ => None,
    }
}

fn unsigned(integer: &[u8]) -> Option<Vec<u8>> {
    match integer {
        [0, magnitude @ ..] if !magnitude.is_empty() => Some(magnitude.to_vec()),
        [first, ..] if *first < 0x80 => Some(integer.to_vec()),
        _ => None,
    }
}

/// The contents of the one element with `tag` that `input` consists of.
fn only(input: &[u8], tag: u8) -> Option<&[u8]> {
    read(input, tag)
        .filter(|(_, rest)| rest.is_empty())
        .map(|(contents, _)| contents)
}

/// The contents of the first element, which must have `tag`, and what follows it.
fn read(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match input {
        [found, length @ 0..=0x7f, rest @ ..] if *found == tag => (usize::from(*length), rest),
        [found, 0x81, length, rest @ ..] if *found == tag => (usize::from(*length), rest),
        [found, 0x82, high, low, rest @ ..] if *found == tag => {
            (usize::from(u16::from_be_bytes([*high, *low])), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}
