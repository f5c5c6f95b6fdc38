//! The members of a policy's answer, each read once as the plugin reads it. Nothing is checked that it doesn't check.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use postern_policy::{Object, Value};

/// The statuses that Go (`net/http.StatusText`) and Envoy (`envoy.type.v3.StatusCode`) both know.
const STATUSES: [RangeInclusive<i64>; 12] = [
    100..=100,
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

/// What Go's `%T` calls a value that came out of a policy.
pub(super) const fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(_) => "json.Number",
        Value::String(_) => "string",
        Value::Array(_) | Value::Set(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// The elements of an array, or of a set, which becomes one on its way out of a policy.
fn elements(value: &Value) -> Option<Box<dyn Iterator<Item = &Value> + '_>> {
    match value {
        Value::Array(array) => Some(Box::new(array.iter())),
        Value::Set(set) => Some(Box::new(set.iter())),
        _ => None,
    }
}

/// A member's name: where it isn't a string, its JSON.
fn name(key: &Value) -> Cow<'_, str> {
    match key {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_json()),
    }
}

/// Headers: an object whose values are strings or lists of them, or a list of such objects.
pub(super) fn headers(result: &Object, member: &str) -> Result<Vec<(String, String)>, String> {
    let no_object = |value: &Value| {
        format!(
            "type assertion error, expected headers to be of type 'object' but got '{}'",
            go_type(value)
        )
    };
    let mut all = Vec::new();
    let Some(value) = result.get_str(member) else {
        return Ok(all);
    };
    if let Value::Object(headers) = value {
        add_headers(&mut all, headers)?;
        return Ok(all);
    }
    for item in elements(value).ok_or_else(|| no_object(value))? {
        let Value::Object(headers) = item else {
            return Err(no_object(item));
        };
        add_headers(&mut all, headers)?;
    }
    Ok(all)
}

fn add_headers(all: &mut Vec<(String, String)>, headers: &Object) -> Result<(), String> {
    for (key, value) in headers {
        let key = name(key);
        if let Value::String(value) = value {
            all.push((key.into_owned(), value.as_ref().to_owned()));
            continue;
        }
        let items = elements(value).ok_or_else(|| format!("type assertion error for header '{key}'"))?;
        for item in items {
            let Value::String(item) = item else {
                let found = go_type(item);
                return Err(format!("invalid value type {found} for header '{key}'"));
            };
            all.push((key.clone().into_owned(), item.as_ref().to_owned()));
        }
    }
    Ok(())
}

/// A list of strings.
pub(super) fn strings(result: &Object, member: &str) -> Result<Vec<String>, String> {
    let Some(value) = result.get_str(member) else {
        return Ok(Vec::new());
    };
    let items = elements(value).ok_or_else(|| {
        format!(
            "type assertion error, expected {member} to be of type '[]string' but got '{}'",
            go_type(value)
        )
    })?;
    items
        .map(|item| match item {
            Value::String(text) => Ok(text.as_ref().to_owned()),
            other => Err(format!(
                "type assertion error, expected {member} value to be of type 'string' but got '{}'",
                go_type(other)
            )),
        })
        .collect()
}

/// `query_parameters_to_set`: an object of strings or lists of strings.
pub(super) fn query_parameters_to_set(result: &Object) -> Result<Vec<(String, String)>, String> {
    const MEMBER: &str = "query_parameters_to_set";
    let parameters = match result.get_str(MEMBER) {
        None => return Ok(Vec::new()),
        Some(Value::Object(parameters)) => parameters,
        Some(other) => {
            let found = go_type(other);
            return Err(format!(
                "type assertion error, expected {MEMBER} to be a map but got '{found}'"
            ));
        }
    };
    let mut all = Vec::new();
    for (key, value) in parameters {
        let key = name(key);
        if let Value::String(value) = value {
            all.push((key.into_owned(), value.as_ref().to_owned()));
            continue;
        }
        let items = elements(value).ok_or_else(|| {
            format!(
                "type assertion error, expected value to be string or array but got '{}'",
                go_type(value)
            )
        })?;
        for item in items {
            let Value::String(item) = item else {
                return Err(format!(
                    "type assertion error: expected array element to be string but got '{}'",
                    go_type(item)
                ));
            };
            all.push((key.clone().into_owned(), item.as_ref().to_owned()));
        }
    }
    Ok(all)
}

/// `body`; none is an empty one.
pub(super) fn body(result: &Object) -> Result<String, String> {
    match result.get_str("body") {
        None => Ok(String::new()),
        Some(Value::String(body)) => Ok(body.as_ref().to_owned()),
        Some(other) => Err(format!(
            "type assertion error, expected body to be of type 'string' but got '{}'",
            go_type(other)
        )),
    }
}

/// `http_status`: an integer literal that Go and Envoy know; 403 where there is none.
pub(super) fn http_status(result: &Object) -> Result<u16, String> {
    let number = match result.get_str("http_status") {
        None => return Ok(403),
        Some(Value::Number(number)) => number.as_str(),
        Some(other) => {
            return Err(format!(
                "type assertion error, expected http_status to be of type 'number' but got '{}'",
                go_type(other)
            ));
        }
    };
    let status: i64 = number.parse().map_err(|_| {
        let problem = postern_policy::input::go_parse_int_error(&number);
        format!("error converting JSON number to int: {problem}")
    })?;
    let known = STATUSES.iter().any(|range| range.contains(&status));
    u16::try_from(status)
        .ok()
        .filter(|_| known)
        .ok_or_else(|| format!("invalid HTTP status code {status}"))
}

/// `dynamic_metadata`, an object with string keys; an empty one where there is none.
pub(super) fn dynamic_metadata(result: &Object) -> Result<Value, String> {
    match result.get_str("dynamic_metadata") {
        None => Ok(Value::Object(Object::default())),
        Some(metadata @ Value::Object(_)) => {
            check_numbers(metadata)?;
            Ok(metadata.clone())
        }
        Some(other) => Err(format!(
            "type assertion error, expected dynamic_metadata to be of type 'object' but got '{}'",
            go_type(other)
        )),
    }
}

/// A Struct has doubles only: a number beyond them can't be told.
fn check_numbers(value: &Value) -> Result<(), String> {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
        Value::Number(number) => {
            let text = number.as_str();
            let finite = text.parse().is_ok_and(f64::is_finite);
            finite.then_some(()).ok_or_else(|| {
                format!(
                    "proto: invalid number format \"{text}\", expected a float64: strconv.ParseFloat: parsing \
                     \"{text}\": value out of range"
                )
            })
        }
        Value::Array(items) => items.iter().try_for_each(check_numbers),
        Value::Set(items) => items.iter().try_for_each(check_numbers),
        Value::Object(object) => object.values().try_for_each(check_numbers),
    }
}
