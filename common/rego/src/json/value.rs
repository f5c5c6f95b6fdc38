//! Values from JSON and to JSON. Numbers pass through as text; sets are written as arrays, which is how OPA shows
//! them.

use std::fmt::Write as _;

use super::{JsonError, Kind, Reader};
use crate::number::Number;
use crate::value::{Array, MAX_NESTING, Object, Value};

/// Reads one document.
pub(crate) fn read_value(bytes: &[u8]) -> Result<Value, JsonError> {
    let mut reader = Reader::new(bytes, MAX_NESTING);
    let value = next_value(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Reads the value that comes next. Recurses once for each level of nesting, which the reader bounds.
fn next_value(reader: &mut Reader<'_>) -> Result<Value, JsonError> {
    match reader.peek()? {
        Kind::Null => reader.null().map(|()| Value::Null),
        Kind::Bool => reader.bool().map(Value::Bool),
        Kind::String => reader.string().map(|text| Value::String(text.into())),
        Kind::Number => {
            let text = reader.number()?;
            let number = Number::from_source(text);
            number
                .map(Value::Number)
                .ok_or_else(|| reader.error(format!("the number {text} is out of range")))
        }
        Kind::Array => {
            reader.begin_array()?;
            let mut items = Vec::new();
            while reader.next_item()? {
                items.push(next_value(reader)?);
            }
            Ok(Value::Array(Array::from(items)))
        }
        Kind::Object => {
            reader.begin_object()?;
            let mut members = Vec::new();
            while let Some(key) = reader.next_key()? {
                members.push((Value::String(key.into()), next_value(reader)?));
            }
            Ok(Value::Object(members.into_iter().collect::<Object>()))
        }
    }
}

/// Appends the value as JSON.
pub(crate) fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.as_str()),
        Value::String(text) => write_string(text, out),
        Value::Array(array) => write_list(array, out),
        Value::Set(set) => write_list(set, out),
        Value::Object(object) => {
            out.push('{');
            for (at, (key, value)) in object.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_key(key, out);
                out.push(':');
                write_value(value, out);
            }
            out.push('}');
        }
    }
}

fn write_list<'a>(items: impl IntoIterator<Item = &'a Value>, out: &mut String) {
    out.push('[');
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_value(item, out);
    }
    out.push(']');
}

/// JSON's names are strings: another key is named by its own JSON, as OPA does it.
fn write_key(key: &Value, out: &mut String) {
    if let Value::String(text) = key {
        write_string(text, out);
    } else {
        let mut name = String::new();
        write_value(key, &mut name);
        write_string(&name, out);
    }
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c == '"' || c == '\\' || c < ' ') {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = special.chars();
        match chars.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(other) => {
                // Writing to a string can't fail.
                let _ = write!(out, "\\u{:04x}", u32::from(other));
            }
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    out.push('"');
}
