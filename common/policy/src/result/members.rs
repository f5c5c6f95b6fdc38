//! The members of an object result, each read once, each with its own complaint.

use std::ops::RangeInclusive;

use postern_rego::{Object, Value};

use super::{Allow, Deny, DenyOrigin, Refusal, RefusalCode, ResultError};

/// The statuses that Envoy can answer with (`envoy.type.v3.StatusCode`) and Go has a name for, from 200.
const STATUSES: [RangeInclusive<i64>; 11] = [
    200..=208,
    226..=226,
    300..=305,
    307..=308,
    400..=417,
    421..=424,
    426..=426,
    428..=429,
    431..=431,
    500..=508,
    510..=511,
];

pub(super) fn allow(result: &Object) -> Result<Allow, ResultError> {
    // `allowed` alone, as most policies answer: there is nothing else to look for.
    if result.len() == 1 {
        return Ok(Allow::default());
    }
    Ok(Allow {
        headers: headers(result, "headers")?,
        response_headers_to_add: headers(result, "response_headers_to_add")?,
        request_headers_to_remove: names(result, "request_headers_to_remove")?,
        query_parameters_to_set: parameters(result)?,
        query_parameters_to_remove: names(result, "query_parameters_to_remove")?,
        dynamic_metadata: dynamic_metadata(result)?,
        cache_seconds: cache_seconds(result)?,
    })
}

pub(super) fn deny(result: &Object) -> Result<Deny, ResultError> {
    Ok(Deny {
        origin: DenyOrigin::Object,
        http_status: result.get_str("http_status").map(http_status).transpose()?,
        headers: headers(result, "headers")?,
        body: result
            .get_str("body")
            .map(|body| text("body", body))
            .transpose()?,
        dynamic_metadata: dynamic_metadata(result)?,
        refusal: result
            .get_str("postern")
            .map(refusal)
            .transpose()?
            .unwrap_or_default(),
        cache_seconds: cache_seconds(result)?,
    })
}

pub(super) fn wrong(member: &str, found: &Value, expected: &str) -> ResultError {
    problem(member, format!("is {}; expected {expected}", kind(found)))
}

pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
        Value::Set(_) => "a set",
    }
}

fn problem(member: &str, problem: String) -> ResultError {
    ResultError::Member {
        member: member.to_owned(),
        problem,
    }
}

fn text(member: &str, value: &Value) -> Result<String, ResultError> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| wrong(member, value, "a string"))
}

/// An integer literal: `403`, not `403.0`, `4.03e2` or `"403"`.
fn http_status(value: &Value) -> Result<u16, ResultError> {
    const EXPECTED: &str = "an HTTP status that Envoy knows, 200 to 599, written as an integer";
    let Some(number) = value.as_number() else {
        return Err(wrong("http_status", value, EXPECTED));
    };
    let written = number.as_str();
    let known = written
        .parse::<i64>()
        .ok()
        .filter(|n| STATUSES.iter().any(|range| range.contains(n)));
    known
        .and_then(|status| u16::try_from(status).ok())
        .ok_or_else(|| problem("http_status", format!("is {written}; expected {EXPECTED}")))
}

fn dynamic_metadata(result: &Object) -> Result<Option<Value>, ResultError> {
    match result.get_str("dynamic_metadata") {
        None => Ok(None),
        Some(metadata @ Value::Object(_)) => Ok(Some(metadata.clone())),
        Some(other) => Err(wrong("dynamic_metadata", other, "an object")),
    }
}

/// The elements of an array, or of a set, which counts as one.
fn elements(value: &Value) -> Option<Vec<&Value>> {
    match value {
        Value::Array(array) => Some(array.iter().collect()),
        Value::Set(set) => Some(set.iter().collect()),
        _ => None,
    }
}

/// A list of header or parameter names.
fn names(result: &Object, member: &str) -> Result<Vec<String>, ResultError> {
    let Some(value) = result.get_str(member) else {
        return Ok(Vec::new());
    };
    let items = elements(value).ok_or_else(|| wrong(member, value, "a list of strings"))?;
    items
        .into_iter()
        .enumerate()
        .map(|(at, item)| text(&format!("{member}[{at}]"), item))
        .collect()
}

/// `query_parameters_to_set`: an object whose values are strings or lists of them.
fn parameters(result: &Object) -> Result<Vec<(String, String)>, ResultError> {
    const MEMBER: &str = "query_parameters_to_set";
    let Some(value) = result.get_str(MEMBER) else {
        return Ok(Vec::new());
    };
    let object = value
        .as_object()
        .ok_or_else(|| wrong(MEMBER, value, "an object of strings or lists of strings"))?;
    pairs(MEMBER, object)
}

/// Headers: an object whose values are strings or lists of them, or a list of such objects.
fn headers(result: &Object, member: &str) -> Result<Vec<(String, String)>, ResultError> {
    const EXPECTED: &str = "an object of strings or lists of strings, or a list of such objects";
    let Some(value) = result.get_str(member) else {
        return Ok(Vec::new());
    };
    let all = if let Some(object) = value.as_object() {
        pairs(member, object)?
    } else {
        let mut all = Vec::new();
        let items = elements(value).ok_or_else(|| wrong(member, value, EXPECTED))?;
        for (at, item) in items.into_iter().enumerate() {
            let at = format!("{member}[{at}]");
            all.extend(pairs(
                &at,
                item.as_object().ok_or_else(|| wrong(&at, item, "an object"))?,
            )?);
        }
        all
    };
    for (name, content) in &all {
        check_header(member, name, content)?;
    }
    Ok(all)
}

fn pairs(member: &str, object: &Object) -> Result<Vec<(String, String)>, ResultError> {
    let mut pairs = Vec::with_capacity(object.len());
    for (name, value) in object {
        let Some(name) = name.as_str() else {
            return Err(wrong(member, name, "string keys only"));
        };
        let at = format!("{member}.{name}");
        if let Some(items) = elements(value) {
            for (index, item) in items.into_iter().enumerate() {
                pairs.push((name.to_owned(), text(&format!("{at}[{index}]"), item)?));
            }
        } else {
            let content = value
                .as_str()
                .ok_or_else(|| wrong(&at, value, "a string or a list of strings"))?;
            pairs.push((name.to_owned(), content.to_owned()));
        }
    }
    Ok(pairs)
}

/// A policy often puts parts of the request into headers: what could end a line or isn't a name doesn't go out.
/// Names are tokens of RFC 9110 §5.6.2; values have no control characters but the tab (§5.5).
fn check_header(member: &str, name: &str, content: &str) -> Result<(), ResultError> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(problem(
            member,
            format!("has the name {name:?}, which no HTTP header can have"),
        ));
    }
    if content.bytes().any(|b| (b < b' ' && b != b'\t') || b == 0x7f) {
        return Err(problem(
            &format!("{member}.{name}"),
            "has a control character in it".to_owned(),
        ));
    }
    Ok(())
}

fn refusal(value: &Value) -> Result<Refusal, ResultError> {
    const EXPECTED: &str =
        "an object with `code`, `required_scope`, `reason` and `cache_seconds`, all optional";
    let object = value
        .as_object()
        .ok_or_else(|| wrong("postern", value, EXPECTED))?;
    let mut refusal = Refusal::default();
    for (key, member) in object {
        match key.as_str() {
            Some("code") => refusal.code = code(member)?,
            Some("required_scope") => refusal.required_scope = Some(scope(member)?),
            // Of any answer: read elsewhere.
            Some("cache_seconds") => {}
            Some("reason") => refusal.reason = Some(text("postern.reason", member)?),
            _ => {
                return Err(problem(
                    "postern",
                    format!("has the member {}; expected {EXPECTED}", key.to_json()),
                ));
            }
        }
    }
    Ok(refusal)
}

/// Seconds, written as an integer. On an allowed request nothing else of `postern` is looked at.
fn cache_seconds(result: &Object) -> Result<Option<u32>, ResultError> {
    const MEMBER: &str = "postern.cache_seconds";
    const EXPECTED: &str = "a number of seconds, 0 to 86400, written as an integer";
    let Some(value) = result
        .get_str("postern")
        .and_then(|postern| postern.get("cache_seconds"))
    else {
        return Ok(None);
    };
    if value.as_number().is_none() {
        return Err(wrong(MEMBER, value, EXPECTED));
    }
    match value.as_i64().and_then(|seconds| u32::try_from(seconds).ok()) {
        Some(seconds) if seconds <= 86_400 => Ok(Some(seconds)),
        _ => Err(problem(
            MEMBER,
            format!("is {}; expected {EXPECTED}", value.to_json()),
        )),
    }
}

fn code(value: &Value) -> Result<RefusalCode, ResultError> {
    let written = text("postern.code", value)?;
    RefusalCode::ALL
        .into_iter()
        .find(|code| code.as_str() == written)
        .ok_or_else(|| {
            let known: Vec<&str> = RefusalCode::ALL.iter().map(|code| code.as_str()).collect();
            problem(
                "postern.code",
                format!("is {written:?}; expected one of: {}", known.join(", ")),
            )
        })
}

/// Scope tokens of RFC 6749 §3.3 between single spaces: it goes into a quoted part of `WWW-Authenticate`.
fn scope(value: &Value) -> Result<String, ResultError> {
    let written = text("postern.required_scope", value)?;
    let token = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
    };
    if written.split(' ').all(token) {
        return Ok(written);
    }
    Err(problem(
        "postern.required_scope",
        format!("is {written:?}; expected scopes with one space between them"),
    ))
}
