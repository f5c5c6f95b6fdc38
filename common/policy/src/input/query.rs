//! `parsed_path` and `parsed_query`, read as Go's `net/url` reads them, because that is what OPA-Envoy uses.

use std::borrow::Cow;
use std::collections::BTreeMap;

use postern_rego::{Array, Value};

use super::InputError;
use super::text::go_lossy;

/// What Go's `net/url` takes.
const MOST_PARAMETERS: usize = 10_000;

/// The path unescaped. That path and query can be parsed is settled with it, whether or not someone reads what comes of
/// them: a request that OPA-Envoy refuses is refused under every policy. Costs a look at each byte.
pub(super) fn check<'t>(path: &'t str, query: &str) -> Result<Cow<'t, str>, InputError> {
    let path = unescape("path", path, false)?;
    if query.len() >= MOST_PARAMETERS || query.bytes().any(|byte| matches!(byte, b'%' | b';')) {
        parsed_query("query", query)?;
    }
    Ok(path)
}

/// The path, unescaped already, split at slashes, so that `%2F` splits; all leading slashes are dropped.
///
/// Never match on it for a decision where an escaped slash matters: `input.postern.path` is the canonical path.
pub(super) fn parsed_path(unescaped: &str) -> Value {
    let parts = unescaped.trim_start_matches('/').split('/');
    Value::Array(parts.map(Value::from).collect())
}

/// An object from each parameter's name to the list of its values, in the order they came.
pub(super) fn parsed_query(part: &'static str, query: &str) -> Result<Value, InputError> {
    if query.bytes().filter(|byte| *byte == b'&').count() >= MOST_PARAMETERS {
        let most = MOST_PARAMETERS;
        return Err(InputError::TooManyParameters { part, most });
    }
    if query.contains(';') {
        return Err(InputError::Semicolon { part });
    }
    let mut parameters: BTreeMap<Cow<'_, str>, Array> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = unescape(part, name, true)?;
        let value = unescape(part, value, true)?;
        parameters.entry(name).or_default().push(value.as_ref().into());
    }
    Ok(Value::object_from(
        parameters
            .into_iter()
            .map(|(name, values)| (name.into_owned(), values)),
    ))
}

/// Replaces `%XX`, and `+` by a space in queries. Bytes that aren't UTF-8 become U+FFFD.
fn unescape<'t>(part: &'static str, text: &'t str, plus_is_space: bool) -> Result<Cow<'t, str>, InputError> {
    if !text.bytes().any(|b| b == b'%' || (plus_is_space && b == b'+')) {
        return Ok(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'%' => {
                let Some((high, low, after)) = hex_pair(after) else {
                    let mut escape = vec![b'%'];
                    escape.extend(after.iter().take(2));
                    return Err(InputError::Escape { part, escape });
                };
                decoded.push(high << 4 | low);
                rest = after;
            }
            b'+' if plus_is_space => decoded.push(b' '),
            other => decoded.push(other),
        }
    }
    let text = String::from_utf8(decoded);
    Ok(Cow::Owned(text.unwrap_or_else(|e| go_lossy(e.as_bytes()))))
}

fn hex_pair(bytes: &[u8]) -> Option<(u8, u8, &[u8])> {
    let (digits, rest) = bytes.split_first_chunk::<2>()?;
    let [high, low] = digits.map(|digit| char::from(digit).to_digit(16).and_then(|d| u8::try_from(d).ok()));
    Some((high?, low?, rest))
}
