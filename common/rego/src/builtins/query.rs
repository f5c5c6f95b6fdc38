//! `urlquery.*`: form encoding as Go's net/url has it.

use std::collections::BTreeMap;

use super::encoding::utf8;
use super::json::key_text;
use super::operands::{object, string};
use super::{Answer, BuiltinError, Context, answer, fail};
use crate::value::{Array, Value};

/// The most parameters that Go takes from one query.
const MAX_PARAMETERS: usize = 10_000;

pub(super) fn encode(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let text = string(operands, 1)?;
    context.spend(text.len().saturating_mul(4))?;
    context.room(text.len().saturating_mul(3))?;
    let mut out = String::new();
    escape(text, &mut out);
    answer(out)
}

pub(super) fn decode(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let text = string(operands, 1)?;
    context.spend(text.len())?;
    answer(unescape(text)?)
}

/// `{"a": ["1", "2"], "b": "3"}` as `a=1&a=2&b=3`.
pub(super) fn encode_object(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let wrong =
        || BuiltinError::Lenient("operand 1 values must be string, array[string], or set[string]".into());
    let mut parameters: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (key, value) in object(operands, 1)? {
        context.make(value.length().unwrap_or(0).saturating_add(4))?;
        context.spend_on_all(key)?;
        let values = match value {
            Value::String(text) => vec![text.as_ref()],
            Value::Array(array) => array
                .iter()
                .map(Value::as_str)
                .collect::<Option<_>>()
                .ok_or_else(wrong)?,
            Value::Set(set) => set
                .iter()
                .map(Value::as_str)
                .collect::<Option<_>>()
                .ok_or_else(wrong)?,
            _ => return Err(wrong()),
        };
        parameters.insert(key_text(key), values);
    }
    let mut out = String::new();
    for (key, values) in &parameters {
        for value in values {
            let bytes = key.len().saturating_add(value.len());
            context.spend(bytes.saturating_mul(4).saturating_add(4))?;
            context.room(out.len().saturating_add(bytes.saturating_mul(3)))?;
            if !out.is_empty() {
                out.push('&');
            }
            escape(key, &mut out);
            out.push('=');
            escape(value, &mut out);
        }
    }
    answer(out)
}

/// Each parameter's values, in the order in which they come.
pub(super) fn decode_object(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let query = string(operands, 1)?;
    context.spend(query.len())?;
    if query.split('&').count() > MAX_PARAMETERS {
        return fail("number of URL query parameters exceeded limit");
    }
    context.build(query.len().saturating_mul(2))?;
    let mut parameters: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        if part.contains(';') {
            return fail("invalid semicolon separator in query");
        }
        context.make(4)?;
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        parameters
            .entry(unescape(key)?)
            .or_default()
            .push(Value::from(unescape(value)?));
    }
    let members = parameters
        .into_iter()
        .map(|(key, values)| (key, Value::Array(Array::from(values))));
    answer(Value::object_from(members))
}

fn escape(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
}

fn unescape(text: &str) -> Result<String, BuiltinError> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'%' => {
                let digits = bytes
                    .get(at + 1..at + 3)
                    .and_then(|digits| hex::decode(digits).ok());
                let Some(decoded) = digits else {
                    let shown: String = text.get(at..).unwrap_or_default().chars().take(3).collect();
                    return fail(format!("invalid URL escape {shown:?}"));
                };
                out.extend(decoded);
                at += 3;
                continue;
            }
            b'+' => out.push(b' '),
            _ => out.push(byte),
        }
        at += 1;
    }
    utf8(out)
}
