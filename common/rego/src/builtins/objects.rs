//! `object.*` but for `object.subset`.

use super::operands::{self, array, object, wrong_element, wrong_type};
use super::{Answer, BuiltinError, Context, answer};
use crate::value::{Object, Set, Value};

/// The value under a key, or at a path of keys if the key is an array; else the default.
pub(super) fn get(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let object = object(operands, 1)?;
    let (key, default) = (operands::any(operands, 2)?, operands::any(operands, 3)?);
    context.spend_on_search(key)?;
    let found = match key {
        Value::Array(path) => path
            .iter()
            .try_fold(operands::any(operands, 1)?, |value, key| value.lookup(key)),
        key => object.get(key),
    };
    answer(found.unwrap_or(default).clone())
}

pub(super) fn keys(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let object = object(operands, 1)?;
    context.make(object.len())?;
    answer(object.keys().cloned().collect::<Set>())
}

pub(super) fn remove(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let object = object(operands, 1)?;
    let keys = keys_operand(context, operands)?;
    context.make(object.len())?;
    let longest = keys.iter().map(Value::weight).max().unwrap_or(1);
    context.spend_on_weight(longest.saturating_mul(object.len() as u64))?;
    let kept = object.iter().filter(|(key, _)| !keys.contains(key));
    answer(
        kept.map(|(key, value)| (key.clone(), value.clone()))
            .collect::<Object>(),
    )
}

pub(super) fn filter(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let object = object(operands, 1)?;
    let keys = keys_operand(context, operands)?;
    context.make(object.len())?;
    let longest = keys.iter().map(Value::weight).max().unwrap_or(1);
    context.spend_on_weight(longest.saturating_mul(object.len() as u64))?;
    let kept = object.iter().filter(|(key, _)| keys.contains(key));
    answer(
        kept.map(|(key, value)| (key.clone(), value.clone()))
            .collect::<Object>(),
    )
}

fn keys_operand(context: &mut Context<'_>, operands: &[Value]) -> Result<Set, BuiltinError> {
    let keys = operands::any(operands, 2)?;
    context.make(keys.length().unwrap_or(0))?;
    let keys = match keys {
        Value::Array(array) => array.iter().cloned().collect(),
        Value::Set(set) => set.clone(),
        Value::Object(object) => object.keys().cloned().collect(),
        other => return wrong_type(2, other, &["object", "set", "array"]),
    };
    context.spend_on_sort(keys.weight(), keys.len())?;
    Ok(keys)
}

/// Both objects merged; where both have a key, objects merge in turn and of anything else the second stands.
pub(super) fn union(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (a, b) = (object(operands, 1)?, object(operands, 2)?);
    answer(merge(context, a, b)?)
}

/// Objects merged from the first to the last.
pub(super) fn union_n(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let array = array(operands, 1)?;
    let mut merged = Object::default();
    for element in array {
        if !matches!(element, Value::Object(_)) {
            return wrong_element(1, "array", element, "object");
        }
    }
    for element in array.iter().filter_map(Value::as_object) {
        merged = merge(context, &merged, element)?;
    }
    answer(merged)
}

/// What a member takes in an object that grows.
const ENTRY_BYTES: usize = 96;

/// Recurses as deep as both nest, which values bound.
fn merge(context: &mut Context<'_>, a: &Object, b: &Object) -> Result<Object, BuiltinError> {
    context.build(128)?;
    let mut merged = a.clone();
    for (key, new) in b {
        context.spend(8)?;
        context.spend_on_search(key)?;
        let value = match (a.get(key), new) {
            (Some(Value::Object(old)), Value::Object(new)) => Value::Object(merge(context, old, new)?),
            _ => new.clone(),
        };
        let change = merged.put(key.clone(), value);
        context.build(ENTRY_BYTES * (usize::from(change.is_new) + change.copied))?;
    }
    Ok(merged)
}
