//! `json.filter` and `json.remove`: parts of a document kept or left out by path.

use std::collections::BTreeMap;

use super::operands::{self, object};
use super::{Answer, BuiltinError, Context, answer, fail};
use crate::number::Number;
use crate::value::{Array, Object, Set, Value};

/// What the paths name: everything from here on, or some of what is below.
enum Selection {
    Whole,
    Below(BTreeMap<Value, Selection>),
}

pub(super) fn filter(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let document = object(operands, 1)?;
    let selection = selection(context, operands)?;
    context.spend_on_all(operands::any(operands, 1)?)?;
    answer(keep(&Value::Object(document.clone()), &selection))
}

pub(super) fn remove(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let document = object(operands, 1)?;
    let selection = selection(context, operands)?;
    context.spend_on_all(operands::any(operands, 1)?)?;
    Ok(leave_out(&Value::Object(document.clone()), Some(&selection)))
}

impl Selection {
    fn get(&self, key: &Value) -> Option<&Self> {
        match self {
            Self::Whole => None,
            Self::Below(parts) => parts.get(key),
        }
    }

    /// In a path, an array's index is text.
    fn index(&self, index: usize) -> Option<&Self> {
        self.get(&Value::from(Number::from_usize(index).to_string()))
    }

    /// Adds a path. Recursion ends with the path, whose length nesting of the document doesn't bound: hence the loop.
    fn add(&mut self, path: Vec<Value>) {
        let mut path = path.into_iter().peekable();
        let mut here = self;
        while let Some(key) = path.next() {
            let Self::Below(parts) = here else { return };
            if path.peek().is_none() {
                parts.insert(key, Self::Whole);
                return;
            }
            here = parts.entry(key).or_insert_with(|| Self::Below(BTreeMap::new()));
        }
    }
}

/// What is selected. Recurses as deep as the value nests, which values bound.
fn keep(value: &Value, selection: &Selection) -> Value {
    if matches!(selection, Selection::Whole) {
        return value.clone();
    }
    match value {
        Value::Array(array) => {
            let kept = array
                .iter()
                .enumerate()
                .filter_map(|(at, item)| Some(keep(item, selection.index(at)?)));
            Value::Array(kept.collect::<Array>())
        }
        Value::Set(set) => Value::Set(
            set.iter()
                .filter_map(|item| Some(keep(item, selection.get(item)?)))
                .collect::<Set>(),
        ),
        Value::Object(object) => {
            let kept = object
                .iter()
                .filter_map(|(key, item)| Some((key.clone(), keep(item, selection.get(key)?))));
            Value::Object(kept.collect::<Object>())
        }
        scalar => scalar.clone(),
    }
}

/// What is not selected. Recurses as deep as the value nests, which values bound.
fn leave_out(value: &Value, selection: Option<&Selection>) -> Option<Value> {
    let selection = match selection {
        None => return Some(value.clone()),
        Some(Selection::Whole) => return None,
        Some(selection) => selection,
    };
    Some(match value {
        Value::Array(array) => {
            let left = array
                .iter()
                .enumerate()
                .filter_map(|(at, item)| leave_out(item, selection.index(at)));
            Value::Array(left.collect::<Array>())
        }
        Value::Set(set) => Value::Set(
            set.iter()
                .filter_map(|item| leave_out(item, selection.get(item)))
                .collect::<Set>(),
        ),
        Value::Object(object) => {
            let left = object
                .iter()
                .filter_map(|(key, item)| Some((key.clone(), leave_out(item, selection.get(key))?)));
            Value::Object(left.collect::<Object>())
        }
        scalar => scalar.clone(),
    })
}

fn selection(context: &mut Context<'_>, operands: &[Value]) -> Result<Selection, BuiltinError> {
    let paths = operands::list(operands, 2, &["set", "array"])?;
    let mut selection = Selection::Below(BTreeMap::new());
    for path in paths.iter() {
        let path = keys(path)?;
        context.spend(path.len().saturating_mul(4))?;
        selection.add(path);
    }
    Ok(selection)
}

/// A path: an array of keys, or text in JSON Pointer's escapes (RFC 6901), with any number of slashes in front.
pub(super) fn keys(path: &Value) -> Result<Vec<Value>, BuiltinError> {
    match path {
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        Value::String(text) => {
            let keys = text.trim_start_matches('/').split('/');
            Ok(keys
                .map(|key| Value::from(key.replace("~1", "/").replace("~0", "~")))
                .collect())
        }
        Value::Array(array) => Ok(array.iter().cloned().collect()),
        other => fail(format!(
            "operand 2 must be one of {{set, array}} containing string paths or array of path segments but got {}",
            other.type_name()
        )),
    }
}
