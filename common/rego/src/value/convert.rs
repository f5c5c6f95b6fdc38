//! Values from Rust's own types and from `serde_json`'s, and JSON text in and out.

use std::sync::Arc;

use super::{Array, Object, Set, Value};
use crate::json::{self, JsonError};
use crate::number::Number;

impl Value {
    /// Reads one JSON document. Numbers keep their text; of members with one name the last stands; an escaped lone
    /// surrogate becomes U+FFFD, as in OPA.
    ///
    /// # Errors
    /// When the text isn't JSON, nests deeper than [`MAX_NESTING`](super::MAX_NESTING), or goes on after the document.
    pub fn from_json_str(text: &str) -> Result<Value, JsonError> {
        json::read_value(text.as_bytes())
    }

    /// As [`Value::from_json_str`], of bytes; what isn't UTF-8 is refused.
    ///
    /// # Errors
    /// As [`Value::from_json_str`].
    pub fn from_json_slice(bytes: &[u8]) -> Result<Value, JsonError> {
        json::read_value(bytes)
    }

    /// Writes the value as JSON, without spaces: numbers as they were written, sets as arrays in order, keys that
    /// aren't strings as their own JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = String::new();
        json::write_value(self, &mut text);
        text
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Value::Bool(flag)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Number(Number::from_i64(number))
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Value::Number(Number::from_u64(number))
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Value::from(i64::from(number))
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Value::from(i64::from(number))
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Value::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::String(text.into())
    }
}

impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Self {
        Value::String(text)
    }
}

impl From<Array> for Value {
    fn from(array: Array) -> Self {
        Value::Array(array)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Value::Array(items.into())
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Value::Object(object)
    }
}

impl From<Set> for Value {
    fn from(set: Set) -> Self {
        Value::Set(set)
    }
}

/// `None` is null.
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// Numbers come as `serde_json` prints them; to keep a source text, read it with [`Value::from_json_str`].
impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(flag) => Value::Bool(flag),
            serde_json::Value::Number(number) => {
                let text = number.to_string();
                Number::from_source(&text).map_or(Value::Null, Value::Number)
            }
            serde_json::Value::String(text) => text.into(),
            serde_json::Value::Array(items) => items.into_iter().map(Value::from).collect::<Array>().into(),
            serde_json::Value::Object(members) => Value::object_from(members),
        }
    }
}
