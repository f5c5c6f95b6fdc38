//! `crypto.md5`, `crypto.sha1`, `crypto.sha256` and `crypto.hmac.*`, in hexadecimal.

use ::hmac::{Hmac, KeyInit as _, Mac as _};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use aws_lc_rs::hmac;
use md5::{Digest as _, Md5};
use postern_rego::{Context, Value, host};

use super::{Answer, answer};

pub(super) fn md5(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let text = host::string(operands, 1)?;
    context.spend(text.len())?;
    // aws-lc has no MD5.
    answer(hex::encode(Md5::digest(text.as_bytes())))
}

pub(super) fn sha1(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    hash(context, operands, &digest::SHA1_FOR_LEGACY_USE_ONLY)
}

pub(super) fn sha256(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    hash(context, operands, &digest::SHA256)
}

fn hash(context: &mut Context<'_>, operands: &[Value], algorithm: &'static digest::Algorithm) -> Answer {
    let text = host::string(operands, 1)?;
    context.spend(text.len())?;
    answer(hex::encode(digest::digest(algorithm, text.as_bytes())))
}

pub(super) fn hmac_md5(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (message, key) = message_and_key(context, operands)?;
    // A key of any length will do.
    let Ok(mut mac) = Hmac::<Md5>::new_from_slice(key.as_bytes()) else {
        return Ok(None);
    };
    mac.update(message.as_bytes());
    answer(hex::encode(mac.finalize().into_bytes()))
}

pub(super) fn hmac_sha1(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    mac(context, operands, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY)
}

pub(super) fn hmac_sha256(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    mac(context, operands, hmac::HMAC_SHA256)
}

pub(super) fn hmac_sha512(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    mac(context, operands, hmac::HMAC_SHA512)
}

fn mac(context: &mut Context<'_>, operands: &[Value], algorithm: hmac::Algorithm) -> Answer {
    let (message, key) = message_and_key(context, operands)?;
    let key = hmac::Key::new(algorithm, key.as_bytes());
    answer(hex::encode(hmac::sign(&key, message.as_bytes())))
}

fn message_and_key<'a>(
    context: &mut Context<'_>,
    operands: &'a [Value],
) -> Result<(&'a str, &'a str), postern_rego::BuiltinError> {
    let message = host::string(operands, 1)?;
    let key = host::string(operands, 2)?;
    context.spend(message.len().saturating_add(key.len()))?;
    Ok((message, key))
}

/// Compares in a time that doesn't tell how much is equal.
pub(super) fn hmac_equal(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (first, second) = message_and_key(context, operands)?;
    answer(verify_slices_are_equal(first.as_bytes(), second.as_bytes()).is_ok())
}
