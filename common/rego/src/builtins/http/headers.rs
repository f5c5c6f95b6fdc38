//! The headers of a request.

use super::{Failure, halt, internal, refuse};
use crate::builtins::Context;
use crate::value::Value;

/// The most headers, and their size altogether.
const MAX_HEADERS: usize = 64;
const MAX_BYTES: usize = 32 * 1024;

/// What belongs to the connection, and `Host`, which would lead past the list of hosts.
const NOT_THE_POLICYS: [&str; 10] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Names and values, in the order of their names.
pub(super) fn read(
    context: &mut Context<'_>,
    value: Option<&Value>,
) -> Result<Vec<(String, String)>, Failure> {
    let object = match value {
        None => return Ok(Vec::new()),
        Some(Value::Object(object)) => object,
        Some(_) => return internal("invalid type for headers key"),
    };
    if object.len() > MAX_HEADERS {
        return Err(halt(format!("more than {MAX_HEADERS} headers are refused")));
    }
    let mut headers: Vec<(String, String)> = Vec::with_capacity(object.len());
    let mut bytes = 0_usize;
    for (name, value) in object {
        let Some(name) = name.as_str() else {
            return refuse("a header whose name is no string");
        };
        let Value::String(value) = value else {
            return internal(format!("invalid type for the value of header {name:?}"));
        };
        bytes = bytes.saturating_add(name.len()).saturating_add(value.len());
        if bytes > MAX_BYTES {
            return Err(halt(format!(
                "headers of more than {MAX_BYTES} bytes are refused"
            )));
        }
        let lower = name.to_ascii_lowercase();
        if !is_token(name) || !is_value(value) {
            return refuse(format_args!("a header {name:?} of such characters"));
        }
        if NOT_THE_POLICYS.contains(&lower.as_str()) {
            return refuse(format_args!("a request with the header {name:?}"));
        }
        // Which of the two counts is chance in OPA.
        if headers.iter().any(|(other, _)| *other == lower) {
            return refuse(format_args!("a request with the header {name:?} twice"));
        }
        headers.push((lower, value.to_string()));
    }
    context.spend(bytes)?;
    Ok(headers)
}

/// RFC 9110 §5.6.2.
pub(super) fn is_token(text: &str) -> bool {
    let of_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(of_token)
}

/// Visible ASCII, with spaces and tabs within.
fn is_value(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t')) && text.trim_matches([' ', '\t']) == text
}
