//! JSON Web Keys (RFC 7517) as the library that OPA uses (lestrrat-go/jwx) reads them, which knows private and
//! symmetric keys and RSA of any size, and gives nothing of a set in which one key is amiss.

use base64::alphabet;
use base64::engine::{DecodePaddingMode, Engine as _, GeneralPurpose, GeneralPurposeConfig};
use postern_rego::{Array, BuiltinError, Object, Value, host};

use super::super::keys::{Curve, Material, bits, is_on_curve, trim};
use super::super::{fail, x509};

/// The most keys of a set, which is the library's bound.
const MAX_KEYS: usize = 1000;

/// One key.
pub(in super::super) struct Jwk {
    /// Its `kid`, or nothing.
    pub(in super::super) kid: String,
    /// Its `alg`, or nothing.
    pub(in super::super) alg: String,
    pub(in super::super) material: Material,
    pub(in super::super) private: Option<Private>,
}

/// What only a private key has; numbers as they were written.
pub(in super::super) enum Private {
    Rsa(Box<RsaPrivate>),
    Ec(Vec<u8>),
    Ed25519(Vec<u8>),
    Other,
}

pub(in super::super) struct RsaPrivate {
    pub(in super::super) d: Vec<u8>,
    pub(in super::super) p: Option<Vec<u8>>,
    pub(in super::super) q: Option<Vec<u8>>,
    pub(in super::super) dp: Option<Vec<u8>>,
    pub(in super::super) dq: Option<Vec<u8>>,
    pub(in super::super) qi: Option<Vec<u8>>,
}

/// The keys of a set, or the one key that the text is.
pub(in super::super) fn parse(text: &str) -> Result<Vec<Jwk>, BuiltinError> {
    let document = host::parse_json(text)?;
    let Value::Object(object) = &document else {
        return fail("jwk.Parse: failed to parse sole key: not an object");
    };
    match object.get_str("keys") {
        None => Ok(vec![key(object)?]),
        Some(Value::Array(keys)) if keys.len() > MAX_KEYS => {
            fail(format!("too many keys in \"keys\" array: max {MAX_KEYS}"))
        }
        Some(Value::Array(keys)) => keys.iter().map(member).collect(),
        Some(_) => fail("failed to decode \"keys\": expected '['"),
    }
}

fn member(value: &Value) -> Result<Jwk, BuiltinError> {
    match value {
        Value::Object(object) => key(object),
        _ => fail("failed to decode a key in \"keys\": not an object"),
    }
}

fn key(object: &Object) -> Result<Jwk, BuiltinError> {
    // A `d` of null makes a private key, too, and one without a value.
    let is_private = object.get_str("d").is_some();
    let kty = text(object, "kty")?.unwrap_or_default();
    let (material, private) = match kty.as_str() {
        "RSA" => rsa(object, is_private)?,
        "EC" => ec(object, is_private)?,
        "OKP" => okp(object, is_private)?,
        "oct" => {
            let secret = bytes(object, "k")?.unwrap_or_default();
            if secret.is_empty() {
                return fail("jwk.SymmetricKey: missing \"k\" field");
            }
            (Material::Secret(secret), None)
        }
        other => return fail(format!("invalid key type from JSON ({other})")),
    };
    for name in ["use", "x5t", "x5t#S256", "x5u"] {
        text(object, name)?;
    }
    operations(object)?;
    chain(object)?;
    let alg = match object.get_str("alg") {
        None => String::new(),
        Some(_) => text(object, "alg")?.unwrap_or_default(),
    };
    if object.get_str("alg").is_some() && !is_known_algorithm(&alg) {
        return fail(format!(
            "failed to decode value for key alg: invalid key value: {alg}"
        ));
    }
    Ok(Jwk {
        kid: text(object, "kid")?.unwrap_or_default(),
        alg,
        material,
        private,
    })
}

type Parts = (Material, Option<Private>);

fn rsa(object: &Object, is_private: bool) -> Result<Parts, BuiltinError> {
    let number = |name: &str| match bytes(object, name)? {
        Some(number) => Ok(number),
        None => fail(format!("required field {name} is missing")),
    };
    let (n, e) = (number("n")?, number("e")?);
    let (n, e) = (trim(&n).to_vec(), trim(&e).to_vec());
    if n.is_empty() || e.is_empty() {
        return fail("jwk.RSAPublicKey: missing \"n\" or \"e\" value");
    }
    if e.last().is_none_or(|last| last % 2 == 0) {
        return fail("invalid rsa public exponent: must be a positive odd integer");
    }
    if bits(&e) > 63 {
        return fail(format!(
            "rsa public exponent too large for this platform: {} bits (max 63)",
            bits(&e)
        ));
    }
    let private = if is_private {
        let d = number("d")?;
        if d.is_empty() {
            return fail("jwk.RSAPrivateKey: missing \"d\" value");
        }
        Some(Private::Rsa(Box::new(RsaPrivate {
            d,
            p: bytes(object, "p")?,
            q: bytes(object, "q")?,
            dp: bytes(object, "dp")?,
            dq: bytes(object, "dq")?,
            qi: bytes(object, "qi")?,
        })))
    } else {
        None
    };
    Ok((Material::Rsa { n, e }, private))
}

fn ec(object: &Object, is_private: bool) -> Result<Parts, BuiltinError> {
    let curve = match text(object, "crv")?.as_deref() {
        Some("P-256") => Curve::P256,
        Some("P-384") => Curve::P384,
        Some("P-521") => Curve::P521,
        other => return fail(format!("invalid curve algorithm {other:?}")),
    };
    let coordinate = |name: &str| match bytes(object, name)? {
        Some(number) if number.len() == curve.bytes() => Ok(number),
        other => {
            let length = other.map_or(0, |number| number.len());
            fail(format!("invalid {name:?} length ({length}) for the curve"))
        }
    };
    let point = [&[4][..], &coordinate("x")?, &coordinate("y")?].concat();
    if !is_on_curve(curve, &point)? {
        return fail("invalid ECDSA public key: point is not on the curve");
    }
    let private = if is_private {
        Some(Private::Ec(coordinate("d")?))
    } else {
        None
    };
    Ok((Material::Ec { curve, point }, private))
}

fn okp(object: &Object, is_private: bool) -> Result<Parts, BuiltinError> {
    let curve = text(object, "crv")?.unwrap_or_default();
    if !matches!(curve.as_str(), "Ed25519" | "X25519" | "Ed448" | "X448") {
        return fail("invalid curve algorithm");
    }
    let part = |name: &str| {
        let part = bytes(object, name)?.unwrap_or_default();
        match curve.as_str() {
            _ if part.is_empty() => fail(format!("missing {name:?} field")),
            "Ed25519" | "X25519" if part.len() != 32 => {
                fail(format!("{}: wrong key size", curve.to_ascii_lowercase()))
            }
            _ => Ok(part),
        }
    };
    let x = part("x")?;
    let d = if is_private { Some(part("d")?) } else { None };
    Ok(match curve.as_str() {
        "Ed25519" => (Material::Ed25519(x), d.map(Private::Ed25519)),
        "X25519" => (Material::Other, d.map(|_| Private::Other)),
        // The library reads them and can't use them.
        other => return fail(format!("invalid curve algorithm {other}")),
    })
}

/// A member that must be a string; null counts as an empty one.
fn text(object: &Object, name: &str) -> Result<Option<String>, BuiltinError> {
    match object.get_str(name) {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(String::new())),
        Some(Value::String(text)) => Ok(Some(text.as_ref().to_owned())),
        Some(_) => fail(format!("failed to decode value for key {name}: not a string")),
    }
}

const fn lenient(padding: DecodePaddingMode) -> GeneralPurposeConfig {
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(padding)
}

/// A member that must be base64 of either alphabet, with padding or without; line ends are passed over.
fn bytes(object: &Object, name: &str) -> Result<Option<Vec<u8>>, BuiltinError> {
    let Some(text) = text(object, name)? else {
        return Ok(None);
    };
    let alphabet = if text.contains(['+', '/']) {
        &alphabet::STANDARD
    } else {
        &alphabet::URL_SAFE
    };
    let padding = if text.ends_with('=') {
        DecodePaddingMode::RequireCanonical
    } else {
        DecodePaddingMode::RequireNone
    };
    let text: Vec<u8> = text
        .bytes()
        .filter(|byte| !matches!(byte, b'\r' | b'\n'))
        .collect();
    match GeneralPurpose::new(alphabet, lenient(padding)).decode(text) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(_) => fail(format!(
            "failed to decode value for key {name}: expected base64 encoded []byte"
        )),
    }
}

/// A list of strings, whatever they say.
fn operations(object: &Object) -> Result<(), BuiltinError> {
    let is_text = |operation: &Value| matches!(operation, Value::String(_) | Value::Null);
    match object.get_str("key_ops") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Array(operations)) if operations.iter().all(is_text) => Ok(()),
        Some(_) => fail("failed to decode value for key key_ops"),
    }
}

/// The certificates of `x5c` must be some; nothing is taken from them.
fn chain(object: &Object) -> Result<(), BuiltinError> {
    let certificates = match object.get_str("x5c") {
        None => return Ok(()),
        Some(Value::Array(certificates)) => certificates,
        Some(_) => return fail("failed to unmarshal certificate chain: expected JSON array"),
    };
    check_chain(certificates)
}

fn check_chain(certificates: &Array) -> Result<(), BuiltinError> {
    for certificate in certificates {
        let Value::String(text) = certificate else {
            return fail("failed to decode certificate: not a string");
        };
        let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        x509::parse_certificate(&host::base64_std(&text)?)?;
    }
    Ok(())
}

/// All that the library has a name for, not only signatures.
fn is_known_algorithm(alg: &str) -> bool {
    matches!(
        alg,
        "RS256"
            | "RS384"
            | "RS512"
            | "PS256"
            | "PS384"
            | "PS512"
            | "ES256"
            | "ES384"
            | "ES512"
            | "ES256K"
            | "HS256"
            | "HS384"
            | "HS512"
            | "EdDSA"
            | "Ed25519"
            | "none"
            | "RSA1_5"
            | "RSA-OAEP"
            | "RSA-OAEP-256"
            | "RSA-OAEP-384"
            | "RSA-OAEP-512"
            | "A128KW"
            | "A192KW"
            | "A256KW"
            | "dir"
            | "ECDH-ES"
            | "ECDH-ES+A128KW"
            | "ECDH-ES+A192KW"
            | "ECDH-ES+A256KW"
            | "A128GCMKW"
            | "A192GCMKW"
            | "A256GCMKW"
            | "PBES2-HS256+A128KW"
            | "PBES2-HS384+A192KW"
            | "PBES2-HS512+A256KW"
            | "A128CBC-HS256"
            | "A192CBC-HS384"
            | "A256CBC-HS512"
            | "A128GCM"
            | "A192GCM"
            | "A256GCM"
    )
}
