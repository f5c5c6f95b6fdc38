//! For a host that adds builtins of its own ([`HostBuiltins`](crate::HostBuiltins)): OPA's words about wrong operands,
//! and the readings of text that OPA's builtins share. Everything here answers as OPA does, or stops the evaluation.

use super::{BuiltinError, Context, display, encoding, go_float, go_text, json, jwt, operands};
use crate::number::Number;
use crate::value::{Object, Value};

/// The operand at `position`, from 1, which must be a string.
///
/// # Errors
/// OPA's message about what came instead.
pub fn string(operands: &[Value], position: usize) -> Result<&str, BuiltinError> {
    operands::string(operands, position)
}

/// The operand at `position`, from 1, which must be an object.
///
/// # Errors
/// OPA's message about what came instead.
pub fn object(operands: &[Value], position: usize) -> Result<&Object, BuiltinError> {
    operands::object(operands, position)
}

/// The operand at `position`, from 1, which must be a number.
///
/// # Errors
/// OPA's message about what came instead.
pub fn number(operands: &[Value], position: usize) -> Result<&Number, BuiltinError> {
    match operands::any(operands, position)? {
        Value::Number(number) => Ok(number),
        other => operands::wrong_type(position, other, &["number"]),
    }
}

/// The operand at `position`, from 1, of any kind.
///
/// # Errors
/// A plan that OPA didn't make may call with fewer operands than a builtin takes.
pub fn any(operands: &[Value], position: usize) -> Result<&Value, BuiltinError> {
    operands::any(operands, position)
}

/// The failure about the operand at `position` that is of the wrong kind; `expected` are OPA's names of the right ones.
///
/// # Errors
/// Always.
pub fn wrong_type<T>(position: usize, got: &Value, expected: &[&str]) -> Result<T, BuiltinError> {
    operands::wrong_type(position, got, expected)
}

/// The value as Go's `encoding/json` writes it: keys sorted, `<`, `>` and `&` escaped (`json.marshal`).
///
/// # Errors
/// When it costs more than is left, or a number's text isn't JSON's.
pub fn go_json(context: &mut Context<'_>, value: &Value) -> Result<String, BuiltinError> {
    json::marshal_text(context, value)
}

/// The bytes between quotes, as Go's `strconv.Quote` shows a string that may not be UTF-8.
#[must_use]
pub fn go_quote(text: &[u8]) -> String {
    let mut out = String::from('"');
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            go_text::push_escaped(c, '"', false, &mut out);
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out.push('"');
    out
}

/// A finite float in its shortest digits, as Go's `strconv.FormatFloat(float, 'g', -1, 64)` writes it.
#[must_use]
pub fn go_float(float: f64) -> String {
    let sign = if float.is_sign_negative() { "-" } else { "" };
    format!("{sign}{}", go_float::format(float.abs(), 'g', None))
}

/// The JSON document in `text` (`json.unmarshal`).
///
/// # Errors
/// When it isn't JSON.
pub fn parse_json(text: &str) -> Result<Value, BuiltinError> {
    json::parse(text)
}

/// The JSON object in `text`; `Lenient` with OPA's words when it is something else.
///
/// # Errors
/// When it isn't JSON, or not an object.
pub fn parse_json_object(text: &str) -> Result<Object, BuiltinError> {
    jwt::json_object(text)
}

/// Bytes as the text that Go's JSON decoder takes them for: each byte that isn't UTF-8 replaced.
#[must_use]
pub fn lossy_text(bytes: &[u8]) -> String {
    jwt::lossy_text(bytes)
}

/// Decodes base64url with or without its padding (`base64url.decode`), to bytes.
///
/// # Errors
/// OPA's message.
pub fn base64url(text: &str) -> Result<Vec<u8>, BuiltinError> {
    encoding::url_bytes(text)
}

/// Decodes base64 as Go's `base64.StdEncoding` does, which passes over line ends.
///
/// # Errors
/// Go's message.
pub fn base64_std(text: &str) -> Result<Vec<u8>, BuiltinError> {
    encoding::standard_bytes(text)
}

/// The value as Rego writes it: `{"a", "b"}`.
#[must_use]
pub fn rego_text(value: &Value) -> String {
    display::shown(value)
}

/// Header, payload and signature of the JWT that is the first operand (`io.jwt.decode`); a host may remember them.
///
/// # Errors
/// OPA's message, and when it costs more than is left ([`jwt_decode_cost`]).
pub fn jwt_decode(context: &mut Context<'_>, operands: &[Value]) -> Result<Option<Value>, BuiltinError> {
    jwt::decode(context, operands)
}

/// What [`jwt_decode`] spends on a token, in elements ([`Context::spend`]): a host that remembers spends it, too, so that
/// how an evaluation ends doesn't depend on what is remembered.
#[must_use]
pub fn jwt_decode_cost(token: &str) -> usize {
    jwt::cost(token)
}

/// Whether the text is JSON, as Go's `json.Valid` says (`json.is_valid`).
#[must_use]
pub fn is_json(text: &str) -> bool {
    json::is_go_json(text)
}
