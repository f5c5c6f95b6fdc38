//! The key in a `SubjectPublicKeyInfo` (RFC 5280, 4.1.2.7).

use postern_rego::BuiltinError;

use super::super::fail;
use super::super::keys::{Curve, Material, is_on_curve, trim};
use super::der::{Der, NULL, SEQUENCE};

/// A key of a kind that Go knows; numbers are big-endian, without leading zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum PublicKey {
    Rsa {
        n: Vec<u8>,
        e: i64,
    },
    Ec {
        curve: Curve,
        /// Uncompressed.
        point: Vec<u8>,
    },
    Ed25519(Vec<u8>),
    X25519,
    Dsa {
        y: Vec<u8>,
        p: Vec<u8>,
        q: Vec<u8>,
        g: Vec<u8>,
    },
    /// Of another kind: Go leaves it out.
    Unknown,
}

impl PublicKey {
    /// To verify with.
    pub(in super::super) fn into_material(self) -> Material {
        match self {
            Self::Rsa { n, e } => Material::Rsa {
                n,
                e: trim(&e.to_be_bytes()).to_vec(),
            },
            Self::Ec { curve, point } => Material::Ec { curve, point },
            Self::Ed25519(key) => Material::Ed25519(key),
            Self::X25519 | Self::Dsa { .. } | Self::Unknown => Material::Other,
        }
    }
}

pub(super) const RSA: &[u32] = &[1, 2, 840, 113_549, 1, 1, 1];
pub(super) const DSA: &[u32] = &[1, 2, 840, 10_040, 4, 1];
pub(super) const ECDSA: &[u32] = &[1, 2, 840, 10_045, 2, 1];
pub(super) const X25519: &[u32] = &[1, 3, 101, 110];
pub(super) const ED25519: &[u32] = &[1, 3, 101, 112];

/// Go's number for the kind of key.
pub(super) fn algorithm_number(oid: &[u32]) -> i64 {
    match oid {
        RSA => 1,
        DSA => 2,
        ECDSA => 3,
        ED25519 => 4,
        _ => 0,
    }
}

/// The curve of that name (RFC 5480, 2.1.1.1).
pub(super) fn curve(oid: &[u32]) -> Option<Curve> {
    match oid {
        [1, 3, 132, 0, 33] => Some(Curve::P224),
        [1, 2, 840, 10_045, 3, 1, 7] => Some(Curve::P256),
        [1, 3, 132, 0, 34] => Some(Curve::P384),
        [1, 3, 132, 0, 35] => Some(Curve::P521),
        _ => None,
    }
}

/// An algorithm with its parameters, which are an element or nothing.
pub(super) struct AlgorithmIdentifier<'a> {
    pub(super) oid: Vec<u32>,
    pub(super) parameters: &'a [u8],
}

pub(super) fn algorithm_identifier(mut der: Der<'_>) -> Result<AlgorithmIdentifier<'_>, BuiltinError> {
    let Some(oid) = der.oid() else {
        return fail("x509: malformed OID");
    };
    let parameters = if der.is_empty() {
        &[][..]
    } else {
        match der.any() {
            Some(element) => element.whole,
            None => return fail("x509: malformed parameters"),
        }
    };
    Ok(AlgorithmIdentifier { oid, parameters })
}

/// The one key that the bytes are.
pub(in super::super) fn parse_public_key(bytes: &[u8]) -> Result<PublicKey, BuiltinError> {
    let mut der = Der(bytes);
    let Some(mut info) = der.read(SEQUENCE) else {
        return fail("asn1: structure error: tags don't match");
    };
    if !der.is_empty() {
        return fail("x509: trailing data after ASN.1 of public-key");
    }
    let (Some(algorithm), Some((unused, key))) = (info.read(SEQUENCE), info.bits()) else {
        return fail("asn1: structure error: not a public key");
    };
    let algorithm = algorithm_identifier(algorithm)?;
    match public_key(&algorithm, &right_aligned(unused, key))? {
        PublicKey::Unknown => fail("x509: unknown public key algorithm"),
        known => Ok(known),
    }
}

/// The one RSA key that the bytes are, in PKCS #1 (RFC 8017, A.1.1).
pub(in super::super) fn parse_rsa_public_key(bytes: &[u8]) -> Result<PublicKey, BuiltinError> {
    rsa(bytes)
}

/// Bits with those that aren't used taken from the right.
pub(super) fn right_aligned(unused: u8, bytes: &[u8]) -> Vec<u8> {
    let unused = u32::from(unused);
    let mut carry = 0;
    let mut aligned = Vec::with_capacity(bytes.len());
    for byte in bytes {
        aligned.push(carry | byte.checked_shr(unused).unwrap_or(0));
        carry = byte.checked_shl(8 - unused.min(8)).unwrap_or(0);
    }
    aligned
}

pub(super) fn public_key(algorithm: &AlgorithmIdentifier<'_>, key: &[u8]) -> Result<PublicKey, BuiltinError> {
    let mut parameters = Der(algorithm.parameters);
    match algorithm.oid.as_slice() {
        RSA => {
            if algorithm.parameters != [NULL, 0] {
                return fail("x509: RSA key missing NULL parameters");
            }
            rsa(key)
        }
        ECDSA => {
            let Some(name) = parameters.oid() else {
                return fail("x509: invalid ECDSA parameters");
            };
            let Some(curve) = curve(&name) else {
                return fail("x509: unsupported elliptic curve");
            };
            if !is_on_curve(curve, key)? {
                return fail("crypto/ecdsa: invalid uncompressed public key");
            }
            let point = key.to_vec();
            Ok(PublicKey::Ec { curve, point })
        }
        ED25519 if !algorithm.parameters.is_empty() => {
            fail("x509: Ed25519 key encoded with illegal parameters")
        }
        ED25519 if key.len() != 32 => fail("x509: wrong Ed25519 public key size"),
        ED25519 => Ok(PublicKey::Ed25519(key.to_vec())),
        X25519 if !algorithm.parameters.is_empty() => {
            fail("x509: X25519 key encoded with illegal parameters")
        }
        X25519 if key.len() != 32 => fail("crypto/ecdh: invalid public key"),
        X25519 => Ok(PublicKey::X25519),
        DSA => dsa(key, &mut parameters),
        _ => Ok(PublicKey::Unknown),
    }
}

fn rsa(key: &[u8]) -> Result<PublicKey, BuiltinError> {
    let Some(mut key) = Der(key).read(SEQUENCE) else {
        return fail("x509: invalid RSA public key");
    };
    let Some(n) = key.integer() else {
        return fail("x509: invalid RSA modulus");
    };
    let Some(e) = key.small_with(super::der::INTEGER) else {
        return fail("x509: invalid RSA public exponent");
    };
    if !is_positive(n) {
        return fail("x509: RSA modulus is not a positive number");
    }
    if e <= 0 {
        return fail("x509: RSA public exponent is not a positive number");
    }
    let n = trim(n).to_vec();
    Ok(PublicKey::Rsa { n, e })
}

fn dsa(key: &[u8], parameters: &mut Der<'_>) -> Result<PublicKey, BuiltinError> {
    let Some(y) = Der(key).integer() else {
        return fail("x509: invalid DSA public key");
    };
    let numbers = parameters
        .read(SEQUENCE)
        .and_then(|mut numbers| Some([numbers.integer()?, numbers.integer()?, numbers.integer()?]));
    let Some([p, q, g]) = numbers else {
        return fail("x509: invalid DSA parameters");
    };
    if ![y, p, q, g].into_iter().all(is_positive) {
        return fail("x509: zero or negative DSA parameter");
    }
    let [y, p, q, g] = [y, p, q, g].map(|number| trim(number).to_vec());
    Ok(PublicKey::Dsa { y, p, q, g })
}

/// Of a two's complement.
pub(super) fn is_positive(number: &[u8]) -> bool {
    number.first().is_some_and(|first| first & 0x80 == 0) && !trim(number).is_empty()
}
