//! `io.jwt.encode_sign` and `io.jwt.encode_sign_raw`: a token in compact form, signed with a JWK. Signatures by RSA with
//! PKCS #1 v1.5, Ed25519 and HMAC are determined by what is signed; for the others aws-lc draws randomness itself and
//! takes none.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::{self as lc, EcdsaKeyPair, Ed25519KeyPair, RsaEncoding, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use num_bigint::BigUint;
use postern_rego::{BuiltinError, Context, Value, host};

use super::super::keys::{Curve, Hash, Material, Padding, bits};
use super::super::{Answer, answer, fail, refuse};
use super::TEXT_FACTOR;
use super::algorithm::{Algorithm, hmac_algorithm, spend};
use super::jwk::{self, Jwk, Private, RsaPrivate};
use super::raw_header;

pub(in super::super) fn encode_sign(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let mut json = |position| host::go_json(context, host::any(operands, position)?);
    let (header, payload, key) = (json(1)?, json(2)?, json(3)?);
    sign(context, &header, &payload, &key)
}

pub(in super::super) fn encode_sign_raw(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let key = host::string(operands, 3)?;
    let header = host::string(operands, 1)?;
    let payload = host::string(operands, 2)?;
    sign(context, header, payload, key)
}

fn sign(context: &mut Context<'_>, header: &str, payload: &str, key: &str) -> Answer {
    let bytes = header.len() + payload.len() + key.len();
    context.spend(bytes.saturating_mul(4))?;
    context.build(bytes.saturating_mul(TEXT_FACTOR))?;
    let keys = jwk::parse(key)?;
    let Some(key) = keys.first() else {
        return fail("no keys found in JWK set");
    };
    let members = raw_header::read(header)?;
    let alg = members.alg?;
    let Some(algorithm) = Algorithm::of(&alg) else {
        return fail(format!("unknown JWS algorithm: {alg}"));
    };
    if members.typ.is_none_or(|typ| typ == "JWT") && !host::is_json(payload) {
        return fail("type is JWT but payload is not JSON");
    }
    let mut token = URL_SAFE_NO_PAD.encode(header);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    // Making a signature is that much dearer than looking at one.
    for _ in 0..32 {
        spend(context, &key.material, &[])?;
    }
    spend(context, &key.material, token.as_bytes())?;
    let signature = signature(key, algorithm, token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    answer(token)
}

fn signature(key: &Jwk, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, BuiltinError> {
    match (algorithm, &key.material, &key.private) {
        (Algorithm::Hmac(hash), Material::Secret(secret), _) => {
            let key = hmac::Key::new(hmac_algorithm(hash), secret);
            Ok(hmac::sign(&key, message).as_ref().to_vec())
        }
        (Algorithm::Rsa(padding, hash), Material::Rsa { n, e }, Some(Private::Rsa(private))) => {
            rsa((n, e), private, (padding, hash), message)
        }
        (Algorithm::Ecdsa(hash), Material::Ec { curve, point }, Some(Private::Ec(d))) => {
            ecdsa((*curve, point), d, hash, message)
        }
        (Algorithm::EdDsa, Material::Ed25519(x), Some(Private::Ed25519(seed))) => {
            let pair = ed25519(seed, x)?;
            match pair.try_sign(message) {
                Ok(signature) => Ok(signature.as_ref().to_vec()),
                Err(_) => refuse("a failure of aws-lc"),
            }
        }
        _ => fail("jwsbb.Sign: invalid key type"),
    }
}

/// That the seed is that of the public key.
pub(super) fn check_ed25519(seed: &[u8], material: &Material) -> Result<(), BuiltinError> {
    match material {
        Material::Ed25519(x) => ed25519(seed, x).map(drop),
        _ => Ok(()),
    }
}

fn ed25519(seed: &[u8], x: &[u8]) -> Result<Ed25519KeyPair, BuiltinError> {
    match Ed25519KeyPair::from_seed_and_public_key(seed, x) {
        Ok(pair) => Ok(pair),
        Err(_) => fail("ed25519: invalid x value given d value"),
    }
}

fn ecdsa(
    (curve, point): (Curve, &[u8]),
    d: &[u8],
    hash: Hash,
    message: &[u8],
) -> Result<Vec<u8>, BuiltinError> {
    let algorithm = match (curve, hash) {
        (Curve::P256, Hash::Sha256) => &lc::ECDSA_P256_SHA256_FIXED_SIGNING,
        (Curve::P384, Hash::Sha384) => &lc::ECDSA_P384_SHA384_FIXED_SIGNING,
        (Curve::P521, Hash::Sha512) => &lc::ECDSA_P521_SHA512_FIXED_SIGNING,
        _ => return refuse("signing with a key on another curve than the algorithm's"),
    };
    let Ok(pair) = EcdsaKeyPair::from_private_key_and_public_key(algorithm, d, point) else {
        return fail("failed to sign payload using ecdsa: invalid private key");
    };
    match pair.sign(&SystemRandom::new(), message) {
        Ok(signature) => Ok(signature.as_ref().to_vec()),
        Err(_) => refuse("a failure of aws-lc"),
    }
}

fn rsa(
    (n, e): (&[u8], &[u8]),
    private: &RsaPrivate,
    (padding, hash): (Padding, Hash),
    message: &[u8],
) -> Result<Vec<u8>, BuiltinError> {
    let size = bits(n);
    if size < 1024 {
        return fail(format!("crypto/rsa: {size}-bit keys are insecure"));
    }
    if !(2048..=8192).contains(&size) {
        return refuse("signing with an RSA key of less than 2048 or more than 8192 bits");
    }
    let encoding: &'static dyn RsaEncoding = match (padding, hash) {
        (Padding::Pkcs1, Hash::Sha256) => &lc::RSA_PKCS1_SHA256,
        (Padding::Pkcs1, Hash::Sha384) => &lc::RSA_PKCS1_SHA384,
        (Padding::Pkcs1, Hash::Sha512) => &lc::RSA_PKCS1_SHA512,
        (_, Hash::Sha256) => &lc::RSA_PSS_SHA256,
        (_, Hash::Sha384) => &lc::RSA_PSS_SHA384,
        (_, Hash::Sha512) => &lc::RSA_PSS_SHA512,
    };
    let pair = rsa_pair((n, e), private)?;
    let mut signature = vec![0; n.len()];
    match pair.sign(encoding, &SystemRandom::new(), message, &mut signature) {
        Ok(()) => Ok(signature),
        Err(_) => refuse("a failure of aws-lc"),
    }
}

/// With what may be left out of a JWK computed, as Go does it.
fn rsa_pair((n, e): (&[u8], &[u8]), private: &RsaPrivate) -> Result<RsaKeyPair, BuiltinError> {
    let (Some(p), Some(q)) = (&private.p, &private.q) else {
        return fail("missing \"q\" or \"p\" value");
    };
    let unsound = || BuiltinError::Lenient("crypto/rsa: invalid private key".to_owned());
    let number = |bytes: &[u8]| BigUint::from_bytes_be(bytes);
    let (d, one) = (number(&private.d), BigUint::from(1_u8));
    let (p, q) = (number(p), number(q));
    if p <= one || q <= one || p.bits() > 8192 || q.bits() > 8192 || d.bits() > 8192 {
        return Err(unsound());
    }
    let dp = &d % (&p - &one);
    let dq = &d % (&q - &one);
    let qi = q.modinv(&p).ok_or_else(unsound)?;
    let given = [(&private.dp, &dp), (&private.dq, &dq), (&private.qi, &qi)];
    if given
        .iter()
        .any(|(given, wanted)| given.as_ref().is_some_and(|given| number(given) != **wanted))
    {
        return refuse("an RSA key whose dp, dq or qi is not what the others make it");
    }
    let components = KeyPairComponents {
        public_key: PublicKeyComponents { n, e },
        d: d.to_bytes_be(),
        p: p.to_bytes_be(),
        q: q.to_bytes_be(),
        dP: dp.to_bytes_be(),
        dQ: dq.to_bytes_be(),
        qInv: qi.to_bytes_be(),
    };
    RsaKeyPair::from_components(&components).map_err(|_| unsound())
}
