//! Private keys in PKCS #1 (RFC 8017, A.1.2), PKCS #8 (RFC 5958) and SEC 1 (RFC 5915), as Go reads and shows them. What
//! Go might read and this doesn't ends the evaluation.

use aws_lc_rs::agreement;
use aws_lc_rs::signature::{self as lc, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use num_bigint::BigUint;
use postern_rego::{BuiltinError, Context, Value, host};

use super::super::keys::{Curve, bits, trim};
use super::super::{fail, pem, refuse};
use super::der::{Der, INTEGER, OCTET_STRING, OID, SEQUENCE, constructed};
use super::json;
use super::public_key::{self, PublicKey, algorithm_identifier};

/// A key of a kind that Go knows. Numbers are big-endian, without leading zeros.
pub(super) enum PrivateKey {
    Rsa(Box<Rsa>),
    Ec {
        curve: Curve,
        /// As long as a coordinate.
        d: Vec<u8>,
        /// Uncompressed.
        point: Vec<u8>,
    },
    Ed25519 {
        seed: Vec<u8>,
        public: Vec<u8>,
    },
    X25519 {
        d: Vec<u8>,
        public: Vec<u8>,
    },
}

pub(super) struct Rsa {
    n: Vec<u8>,
    e: Vec<u8>,
    d: Vec<u8>,
    p: Vec<u8>,
    q: Vec<u8>,
    dp: Vec<u8>,
    dq: Vec<u8>,
    qi: Vec<u8>,
}

/// What one costs besides its text, in elements.
const KEY_COST: usize = 64 * 1024;

const UNKNOWN_FORM: &str = "a private key of this form";

/// `what`, or the end of the evaluation: Go is more lenient inside a key.
fn known<T>(what: Option<T>) -> Result<T, BuiltinError> {
    match what {
        Some(what) => Ok(what),
        None => refuse(UNKNOWN_FORM),
    }
}

/// All keys in PEM, or in base64 of it.
pub(super) fn all(context: &mut Context<'_>, text: &str) -> Result<Vec<PrivateKey>, BuiltinError> {
    let bytes = host::base64_std(text).unwrap_or_else(|_| text.as_bytes().to_vec());
    let mut rest = bytes.as_slice();
    let mut keys = Vec::new();
    while let Some((block, after)) = pem::decode(rest) {
        // What belongs to it is computed: some tenths of a millisecond.
        context.spend(KEY_COST)?;
        match block.label {
            b"RSA PRIVATE KEY" => keys.push(of_form(&block.bytes, Form::Pkcs1)?),
            b"PRIVATE KEY" => keys.push(of_form(&block.bytes, Form::Pkcs8)?),
            b"EC PRIVATE KEY" => keys.push(of_form(&block.bytes, Form::Sec1)?),
            _ => {}
        }
        rest = after;
    }
    Ok(keys)
}

/// Which of the three forms a key is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Pkcs1,
    Pkcs8,
    Sec1,
}

/// The key, whichever form it is in.
pub(super) fn of_any_form(bytes: &[u8]) -> Result<PrivateKey, BuiltinError> {
    match form(bytes) {
        Some(form) => of_form(bytes, form),
        None => fail("tls: failed to parse private key"),
    }
}

/// What follows the version tells the forms apart.
fn form(bytes: &[u8]) -> Option<Form> {
    let mut key = Der(bytes).read(SEQUENCE)?;
    key.integer()?;
    match key.any()?.tag {
        INTEGER => Some(Form::Pkcs1),
        SEQUENCE => Some(Form::Pkcs8),
        OCTET_STRING => Some(Form::Sec1),
        _ => None,
    }
}

fn of_form(bytes: &[u8], wanted: Form) -> Result<PrivateKey, BuiltinError> {
    if form(bytes) != Some(wanted) {
        return fail("x509: failed to parse private key");
    }
    match wanted {
        Form::Pkcs1 => rsa(bytes),
        Form::Pkcs8 => pkcs8(bytes),
        Form::Sec1 => ec(bytes, None),
    }
}

fn pkcs8(bytes: &[u8]) -> Result<PrivateKey, BuiltinError> {
    let mut key = known(Der(bytes).read(SEQUENCE))?;
    known(key.integer())?;
    let algorithm = algorithm_identifier(known(key.read(SEQUENCE))?)?;
    let contents = known(key.read(OCTET_STRING))?.0;
    let seed = || {
        if !algorithm.parameters.is_empty() {
            return fail("x509: invalid private key parameters");
        }
        let seed = known(Der(contents).read(OCTET_STRING))?.0;
        if seed.len() == 32 {
            Ok(seed)
        } else {
            fail("x509: invalid private key length")
        }
    };
    match algorithm.oid.as_slice() {
        public_key::RSA => rsa(contents),
        public_key::ECDSA => ec(contents, Der(algorithm.parameters).oid()),
        public_key::ED25519 => {
            let seed = seed()?;
            let pair = known(Ed25519KeyPair::from_seed_unchecked(seed).ok())?;
            Ok(PrivateKey::Ed25519 {
                seed: seed.to_vec(),
                public: pair.public_key().as_ref().to_vec(),
            })
        }
        public_key::X25519 => {
            let d = seed()?;
            let key = known(agreement::PrivateKey::from_private_key(&agreement::X25519, d).ok())?;
            let public = known(key.compute_public_key().ok())?;
            Ok(PrivateKey::X25519 {
                d: d.to_vec(),
                public: public.as_ref().to_vec(),
            })
        }
        _ => fail("x509: PKCS#8 wrapping contained private key with unknown algorithm"),
    }
}

fn rsa(bytes: &[u8]) -> Result<PrivateKey, BuiltinError> {
    let mut der = Der(bytes);
    let mut key = known(der.read(SEQUENCE))?;
    if !der.is_empty() {
        return fail("asn1: syntax error: trailing data");
    }
    if known(key.small_with(INTEGER))? != 0 {
        return refuse("an RSA key of more than two primes");
    }
    let mut number = || {
        let number = known(key.integer())?;
        if public_key::is_positive(number) {
            Ok(trim(number).to_vec())
        } else {
            fail("x509: private key contains zero or negative value")
        }
    };
    let key = Rsa {
        n: number()?,
        e: number()?,
        d: number()?,
        p: number()?,
        q: number()?,
        dp: number()?,
        dq: number()?,
        qi: number()?,
    };
    if bits(&key.n) < 1024 {
        return fail("crypto/rsa: keys of this size are insecure");
    }
    if bits(&key.n) > 8192 || bits(&key.e) > 31 || !key.holds_together() {
        return refuse("an RSA key that is too large or doesn't hold together");
    }
    Ok(PrivateKey::Rsa(Box::new(key)))
}

impl Rsa {
    fn holds_together(&self) -> bool {
        let number = |bytes: &[u8]| BigUint::from_bytes_be(bytes);
        let (one, e, d) = (BigUint::from(1_u8), number(&self.e), number(&self.d));
        let (p, q) = (number(&self.p), number(&self.q));
        let is_odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
        if p <= one || q <= one || !is_odd(&self.n) || !is_odd(&self.e) || e == one {
            return false;
        }
        let (less_p, less_q) = (&p - &one, &q - &one);
        let inverts = |less: &BigUint| (&d * &e) % less == one;
        &p * &q == number(&self.n)
            && inverts(&less_p)
            && inverts(&less_q)
            && d < number(&self.n)
            && &d % &less_p == number(&self.dp)
            && &d % &less_q == number(&self.dq)
            && number(&self.qi) < p
            && (number(&self.qi) * &q) % &p == one
    }
}

fn ec(bytes: &[u8], name: Option<Vec<u32>>) -> Result<PrivateKey, BuiltinError> {
    let mut key = known(Der(bytes).read(SEQUENCE))?;
    let version = known(key.small_with(INTEGER))?;
    if version != 1 {
        return fail(format!("x509: unknown EC private key version {version}"));
    }
    let d = known(key.read(OCTET_STRING))?.0;
    let own = match known(key.optional(constructed(0)))? {
        Some(mut name) => Some(known(name.oid())?),
        None => None,
    };
    let Some(curve) = name.or(own).as_deref().and_then(public_key::curve) else {
        return fail("x509: unknown elliptic curve");
    };
    // Zeros before the number may be missing or too many.
    let digits = trim(d);
    let mut d = vec![0; curve.bytes().saturating_sub(digits.len())];
    d.extend_from_slice(digits);
    if d.len() != curve.bytes() {
        return fail("x509: invalid private key length");
    }
    let point = public_point(curve, &d)?;
    Ok(PrivateKey::Ec { curve, d, point })
}

/// The point that belongs to the number.
fn public_point(curve: Curve, d: &[u8]) -> Result<Vec<u8>, BuiltinError> {
    let (algorithm, name): (_, &[u8]) = match curve {
        Curve::P224 => return refuse("a key on P-224"),
        Curve::P256 => (
            &lc::ECDSA_P256_SHA256_ASN1_SIGNING,
            &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
        ),
        Curve::P384 => (
            &lc::ECDSA_P384_SHA384_ASN1_SIGNING,
            &[0x2b, 0x81, 0x04, 0x00, 0x22],
        ),
        Curve::P521 => (
            &lc::ECDSA_P521_SHA512_ASN1_SIGNING,
            &[0x2b, 0x81, 0x04, 0x00, 0x23],
        ),
    };
    // All lengths fit one byte: 66 is the longest.
    let element = |tag: u8, contents: &[u8]| {
        let length = u8::try_from(contents.len()).unwrap_or(u8::MAX);
        [&[tag, length], contents].concat()
    };
    let contents = [
        element(INTEGER, &[1]),
        element(OCTET_STRING, d),
        element(constructed(0), &element(OID, name)),
    ]
    .concat();
    match EcdsaKeyPair::from_private_key_der(algorithm, &element(SEQUENCE, &contents)) {
        Ok(pair) => Ok(pair.public_key().as_ref().to_vec()),
        Err(_) => fail("crypto/ecdsa: invalid private key"),
    }
}

impl PrivateKey {
    /// The key as Go's `encoding/json` writes its struct.
    pub(super) fn to_json(&self) -> Result<Value, BuiltinError> {
        Ok(match self {
            Self::Rsa(key) => {
                let precomputed = json::object(vec![
                    ("Dp", json::number(&key.dp)?),
                    ("Dq", json::number(&key.dq)?),
                    ("Qinv", json::number(&key.qi)?),
                    ("CRTValues", Value::from(Vec::new())),
                ]);
                let primes = vec![json::number(&key.p)?, json::number(&key.q)?];
                json::object(vec![
                    ("N", json::number(&key.n)?),
                    ("E", json::number(&key.e)?),
                    ("D", json::number(&key.d)?),
                    ("Primes", Value::from(primes)),
                    ("Precomputed", precomputed),
                ])
            }
            Self::Ec { curve, d, point } => {
                let mut members = json::curve_point(*curve, point)?;
                members.push(("D", json::number(d)?));
                json::object(members)
            }
            Self::Ed25519 { seed, public } => json::bytes(&[seed.as_slice(), public].concat()),
            Self::X25519 { .. } => json::object(Vec::new()),
        })
    }

    /// The key as a JWK (RFC 7517).
    pub(super) fn to_jwk(&self) -> Result<Value, BuiltinError> {
        let text = |bytes: &[u8]| Value::from(URL_SAFE_NO_PAD.encode(bytes));
        Ok(match self {
            Self::Rsa(key) => json::object(vec![
                ("kty", "RSA".into()),
                ("n", text(&key.n)),
                ("e", text(&key.e)),
                ("d", text(&key.d)),
                ("p", text(&key.p)),
                ("q", text(&key.q)),
                ("dp", text(&key.dp)),
                ("dq", text(&key.dq)),
                ("qi", text(&key.qi)),
            ]),
            Self::Ec { curve, d, point } => {
                let name = match curve {
                    Curve::P256 => "P-256",
                    Curve::P384 => "P-384",
                    Curve::P521 => "P-521",
                    Curve::P224 => {
                        return fail("jwk: failed to get algorithm for converting ECDSA private key");
                    }
                };
                let coordinates = point.get(1..).unwrap_or_default();
                let (x, y) = coordinates.split_at_checked(curve.bytes()).unwrap_or_default();
                json::object(vec![
                    ("kty", "EC".into()),
                    ("crv", name.into()),
                    ("d", text(d)),
                    ("x", text(x)),
                    ("y", text(y)),
                ])
            }
            Self::Ed25519 { seed, public } => json::object(vec![
                ("kty", "OKP".into()),
                ("crv", "Ed25519".into()),
                ("d", text(seed)),
                ("x", text(public)),
            ]),
            Self::X25519 { d, public } => json::object(vec![
                ("kty", "OKP".into()),
                ("crv", "X25519".into()),
                ("d", text(d)),
                ("x", text(public)),
            ]),
        })
    }

    /// Whether the public key is this one's.
    pub(super) fn fits(&self, key: &PublicKey) -> bool {
        match (self, key) {
            (Self::Rsa(private), PublicKey::Rsa { n, .. }) => private.n == *n,
            (
                Self::Ec { curve, point, .. },
                PublicKey::Ec {
                    curve: other,
                    point: wanted,
                },
            ) => curve == other && point == wanted,
            (Self::Ed25519 { public, .. }, PublicKey::Ed25519(wanted)) => public == wanted,
            _ => false,
        }
    }
}
