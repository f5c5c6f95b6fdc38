//! Values with one place changed. Nothing is changed in place: who else holds the value keeps what it had.

use std::borrow::Cow;

use postern_policy::{Array, Object, Value};

/// The value as JSON has it: sets are lists, keys are texts.
pub(super) fn plain(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        Value::Array(items) => Value::Array(items.iter().map(plain).collect()),
        Value::Set(items) => Value::Array(items.iter().map(plain).collect()),
        Value::Object(members) => {
            let plain = |(key, value): (&Value, &Value)| (Value::from(&*name(key)), plain(value));
            Value::Object(members.iter().map(plain).collect())
        }
    }
}

/// A member's name: where it isn't a text, its JSON.
fn name(key: &Value) -> Cow<'_, str> {
    match key {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_json()),
    }
}

/// The value without what is at `path`; `None` where nothing is.
pub(super) fn removed(value: &Value, path: &[String]) -> Option<Value> {
    let (first, rest) = path.split_first()?;
    if rest.is_empty() {
        return match value {
            Value::Object(members) => {
                members.get_str(first)?;
                let others = members.iter().filter(|(key, _)| key.as_str() != Some(first));
                Some(Value::Object(pairs(others)))
            }
            Value::Array(items) => {
                let at = index(first, items)?;
                let others = items.iter().enumerate().filter(|(i, _)| *i != at);
                Some(Value::Array(others.map(|(_, item)| item.clone()).collect()))
            }
            _ => None,
        };
    }
    let child = removed(child(value, first)?, rest)?;
    replaced(value, first, child)
}

/// The value with `new` at `path`. Objects are made on the way, lists don't grow; `None` where that leads through anything
/// else.
pub(super) fn upserted(value: &Value, path: &[String], new: &Value) -> Option<Value> {
    let (first, rest) = path.split_first()?;
    if rest.is_empty() {
        return replaced(value, first, new.clone());
    }
    let nothing = Value::Object(Object::default());
    let below = match (value, child(value, first)) {
        (_, Some(child)) => upserted(child, rest, new)?,
        (Value::Object(_), None) => upserted(&nothing, rest, new)?,
        (_, None) => return None,
    };
    replaced(value, first, below)
}

fn child<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    match value {
        Value::Object(members) => members.get_str(name),
        Value::Array(items) => items.get(index(name, items)?),
        _ => None,
    }
}

fn replaced(value: &Value, name: &str, new: Value) -> Option<Value> {
    match value {
        Value::Object(members) => {
            let mut members = pairs(members.iter().filter(|(key, _)| key.as_str() != Some(name)));
            members.insert(Value::from(name), new);
            Some(Value::Object(members))
        }
        Value::Array(items) => {
            let at = index(name, items)?;
            let item = |(i, item): (usize, &Value)| if i == at { new.clone() } else { item.clone() };
            Some(Value::Array(items.iter().enumerate().map(item).collect()))
        }
        _ => None,
    }
}

fn pairs<'v>(pairs: impl Iterator<Item = (&'v Value, &'v Value)>) -> Object {
    pairs.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// What Go's `strconv.Atoi` makes of a text, if it is a place in the list.
fn index(text: &str, items: &Array) -> Option<usize> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let at: usize = digits.parse().ok()?;
    (at < items.len() && (at == 0 || !text.starts_with('-'))).then_some(at)
}
