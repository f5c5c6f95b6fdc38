//! A response as OPA gives it to the policy (`prepareASTResult`).

use super::{Failure, HttpRequest, HttpResponse, content_type, halt, internal, refuse};
use crate::builtins::{BuiltinError, Context, json, yaml};
use crate::json::Reader;
use crate::value::{Array, Object, Value};

/// What Go's client takes out of the headers of a response that comes in chunks.
const OF_CHUNKS: [&str; 3] = ["transfer-encoding", "trailer", "content-length"];

pub(super) fn value(
    context: &mut Context<'_>,
    response: &HttpResponse,
    request: &HttpRequest,
) -> Result<Value, Failure> {
    // Names of headers are compared with each other.
    context.spend(response.headers.len().saturating_pow(2))?;
    context.make(response.headers.len())?;
    let size = |(name, value): &(String, String)| name.len() + value.len();
    let bytes = response.headers.iter().map(size).sum::<usize>() + response.body.len();
    context.spend(bytes)?;
    context.build(bytes)?;
    let Ok(text) = std::str::from_utf8(&response.body) else {
        return refuse("a response whose body isn't UTF-8");
    };
    let headers = headers(&response.headers);
    let kind = headers.get_str("content-type").and_then(Value::as_array);
    let kind = kind
        .and_then(|values| values.iter().next())
        .and_then(Value::as_str);
    let kind = kind.unwrap_or_default();
    let body = if request.force_json || is_json(kind)? {
        json_body(context, text)?
    } else if request.force_yaml || content_type::is_yaml(kind) {
        yaml_body(context, text)?
    } else {
        Value::Null
    };
    Ok(Value::object_from([
        ("status", Value::from(response.status.as_str())),
        ("status_code", Value::from(u32::from(response.status_code))),
        ("body", body),
        ("raw_body", Value::from(text)),
        ("headers", Value::Object(headers)),
    ]))
}

/// Names in lower case, with all their values.
fn headers(headers: &[(String, String)]) -> Object {
    let mut named: Vec<(String, Array)> = Vec::new();
    let chunked = headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("transfer-encoding"));
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        if chunked && OF_CHUNKS.contains(&name.as_str()) {
            continue;
        }
        match named.iter_mut().find(|(other, _)| *other == name) {
            Some((_, values)) => values.push(Value::from(value.as_str())),
            None => named.push((name, Array::from_iter([Value::from(value.as_str())]))),
        }
    }
    named
        .into_iter()
        .map(|(name, values)| (Value::from(name), Value::Array(values)))
        .collect()
}

fn is_json(kind: &str) -> Result<bool, Failure> {
    let unknown = || {
        halt(format!(
            "a response with the Content-Type {kind:?} is not supported"
        ))
    };
    content_type::is_json(kind).ok_or_else(unknown)
}

/// What isn't JSON is null.
fn json_body(context: &mut Context<'_>, text: &str) -> Result<Value, Failure> {
    match json::read(context, text) {
        Ok(value) => Ok(value),
        Err(BuiltinError::Lenient(message)) if json::is_go_json(text) => internal(message),
        Err(BuiltinError::Lenient(_)) if starts_with_json(text) => {
            // OPA gives the policy the first of them.
            refuse("a response whose body is JSON with something behind it")
        }
        Err(BuiltinError::Lenient(_)) => Ok(Value::Null),
        Err(error) => Err(error.into()),
    }
}

fn starts_with_json(text: &str) -> bool {
    Reader::new(text.as_bytes(), crate::value::MAX_NESTING)
        .skip()
        .is_ok()
}

fn yaml_body(context: &mut Context<'_>, text: &str) -> Result<Value, Failure> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if json::is_go_json(text) {
        return json_body(context, text);
    }
    match yaml::unmarshal(context, &[Value::from(text)]) {
        Ok(value) => Ok(value.unwrap_or(Value::Null)),
        Err(BuiltinError::Lenient(_)) => Ok(Value::Null),
        Err(error) => Err(error.into()),
    }
}
