//! Keys as Go reads them, and what it calls a value of another kind.

use super::super::{BuiltinError, fail};
use super::shown;
use crate::value::Value;

pub(super) fn no_collection(value: &Value) -> String {
    format!(
        "expected composite type, found value: {} (type: {})",
        shown(value),
        go_type(value)
    )
}

pub(super) fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "ast.Null",
        Value::Bool(_) => "ast.Boolean",
        Value::Number(_) => "ast.Number",
        Value::String(_) => "ast.String",
        Value::Array(_) => "*ast.Array",
        Value::Object(_) => "*ast.object",
        Value::Set(_) => "*ast.set",
    }
}

pub(super) fn to_index(len: usize, key: &Value) -> Result<i64, BuiltinError> {
    match key {
        Value::Number(number) => match go_int(&number.source()) {
            Some(index) => Ok(index),
            None => fail("invalid number type for indexing"),
        },
        Value::String(text) => match text.as_ref() {
            "-" => Ok(i64::try_from(len).unwrap_or(i64::MAX)),
            text => match go_int(text) {
                None => fail("invalid string for indexing"),
                Some(_) if text != "0" && text.starts_with('0') => {
                    fail("leading zeros are not allowed in JSON paths")
                }
                Some(index) => Ok(index),
            },
        },
        _ => fail("invalid type for indexing"),
    }
}

/// OPA's own reading of integers: `2.0` and even `.` are some.
fn go_int(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if !whole.bytes().all(|c| c.is_ascii_digit()) || !fraction.bytes().all(|c| c == b'0') {
        return None;
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { whole };
    format!("{sign}{whole}").parse().ok()
}
