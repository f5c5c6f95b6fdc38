//! `io.jwt.decode`: takes a compact JWT (RFC 7519) apart. It verifies nothing; that is the host's part.

use super::encoding::url_bytes;
use super::operands::string;
use super::{Answer, BuiltinError, Context, answer, fail, json};
use crate::value::{Object, Value};

/// Header, payload, and the signature in hexadecimal.
pub(super) fn decode(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let token = string(operands, 1)?;
    context.spend(cost(token))?;
    context.build(token.len().saturating_mul(16))?;
    decode_token(token)
}

/// Of a token, in elements.
pub(super) fn cost(token: &str) -> usize {
    token.len().saturating_mul(4)
}

/// Recurses into a token within a token, each at most three quarters as long.
fn decode_token(token: &str) -> Answer {
    // One more than a token has, and no more of what isn't one.
    let parts: Vec<&str> = token.splitn(4, '.').collect();
    let [header, payload, signature] = parts.as_slice() else {
        return match token.split('.').count() {
            1 => fail("encoded JWT had no period separators"),
            count => fail(format!("encoded JWT must have 3 sections, found {count}")),
        };
    };
    let header = text(header).map_err(in_context("JWT header had invalid encoding"))?;
    let header = json_object(&header).map_err(in_context("bad JWT header"))?;
    if header.get_str("enc").is_some() {
        return fail("JWT is a JWE object, which is not supported");
    }
    let payload = text(payload).map_err(in_context("JWT payload had invalid encoding"))?;
    match header.get_str("cty") {
        Some(Value::String(kind)) if kind.as_ref() == "JWT" => {
            return decode_token(payload.trim_matches(['"', '\'']));
        }
        Some(Value::String(_)) | None => {}
        // OPA falls over here.
        Some(_) => return Err(BuiltinError::Halt("the header's cty is not a string".into())),
    }
    let payload = json_object(&payload)?;
    let signature = url_bytes(signature).map_err(in_context("JWT signature had invalid encoding"))?;
    answer(vec![
        header.into(),
        payload.into(),
        Value::from(hex::encode(signature)),
    ])
}

pub(super) fn json_object(text: &str) -> Result<Object, BuiltinError> {
    match json::parse(text).map_err(in_context("invalid JSON"))? {
        Value::Object(object) => Ok(object),
        _ => fail("decoded JSON type was not an Object"),
    }
}

fn text(part: &str) -> Result<String, BuiltinError> {
    Ok(lossy_text(&url_bytes(part)?))
}

/// Bytes as text, each byte that isn't UTF-8 replaced: Go's JSON decoder does that in strings, and refuses what
/// isn't ASCII anywhere else.
pub(super) fn lossy_text(bytes: &[u8]) -> String {
    let mut rest = bytes;
    let mut text = String::with_capacity(bytes.len());
    loop {
        match std::str::from_utf8(rest) {
            Ok(valid) => {
                text.push_str(valid);
                return text;
            }
            Err(error) => {
                let (valid, invalid) = rest.split_at(error.valid_up_to());
                text.push_str(&String::from_utf8_lossy(valid));
                text.push(char::REPLACEMENT_CHARACTER);
                rest = invalid.get(1..).unwrap_or_default();
            }
        }
    }
}

fn in_context(context: &'static str) -> impl Fn(BuiltinError) -> BuiltinError {
    move |error| match error {
        BuiltinError::Lenient(message) => BuiltinError::Lenient(format!("{context}: {message}")),
        other => other,
    }
}
