//! `json.filter` and `json.remove`: parts of a document kept or left out by path.

use std::collections::BTreeMap;

use super::operands::{self, object};
use super::{Answer, BuiltinError, Context, answer, fail};
use crate::number::Number;
use crate::value::{Object, Value};

/// What the paths name: everything from here on, or some of what is below.
enum Selection {
    Whole,
    Below(BTreeMap<Value, Selection>),
}

pub(super) fn filter(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let document = object(operands, 1)?;
    let selection = selection(context, operands)?;
    context.spend_on_all(operands::any(operands, 1)?)?;
    answer(keep(context, &Value::Object(document.clone()), &selection)?)
}

pub(super) fn remove(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let document = object(operands, 1)?;
    let selection = selection(context, operands)?;
    context.spend_on_all(operands::any(operands, 1)?)?;
    leave_out(context, &Value::Object(document.clone()), Some(&selection))
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
fn keep(context: &mut Context<'_>, value: &Value, selection: &Selection) -> Result<Value, BuiltinError> {
    if matches!(selection, Selection::Whole) {
        return Ok(value.clone());
    }
    Ok(match value {
        Value::Array(array) => {
            let mut kept = Vec::new();
            for (at, item) in array.iter().enumerate() {
                context.spend(16)?;
                if let Some(selection) = selection.index(at) {
                    context.make(1)?;
                    kept.push(keep(context, item, selection)?);
                }
            }
            Value::from(kept)
        }
        Value::Set(set) => {
            let mut kept = Vec::new();
            for item in set {
                if let Some(selection) = selection.get(item) {
                    context.make(1)?;
                    kept.push(keep(context, item, selection)?);
                }
            }
            Value::Set(kept.into_iter().collect())
        }
        Value::Object(object) => {
            let mut kept = Vec::new();
            for (key, item) in object {
                if let Some(selection) = selection.get(key) {
                    context.make(1)?;
                    kept.push((key.clone(), keep(context, item, selection)?));
                }
            }
            Value::Object(Object::from(kept))
        }
        scalar => scalar.clone(),
    })
}

/// What is not selected. Recurses as deep as the value nests, which values bound.
fn leave_out(
    context: &mut Context<'_>,
    value: &Value,
    selection: Option<&Selection>,
) -> Result<Option<Value>, BuiltinError> {
    let selection = match selection {
        None => return Ok(Some(value.clone())),
        Some(Selection::Whole) => return Ok(None),
        Some(selection) => selection,
    };
    context.make(value.length().unwrap_or(0))?;
    Ok(Some(match value {
        Value::Array(array) => {
            let mut left = Vec::new();
            for (at, item) in array.iter().enumerate() {
                context.spend(16)?;
                left.extend(leave_out(context, item, selection.index(at))?);
            }
            Value::from(left)
        }
        Value::Set(set) => {
            let mut left = Vec::new();
            for item in set {
                left.extend(leave_out(context, item, selection.get(item))?);
            }
            Value::Set(left.into_iter().collect())
        }
        Value::Object(object) => {
            let mut left = Vec::new();
            for (key, item) in object {
                let item = leave_out(context, item, selection.get(key))?;
                left.extend(item.map(|item| (key.clone(), item)));
            }
            Value::Object(Object::from(left))
        }
        scalar => scalar.clone(),
    }))
}

fn selection(context: &mut Context<'_>, operands: &[Value]) -> Result<Selection, BuiltinError> {
    let paths = operands::list(operands, 2, &["set", "array"])?;
    let mut selection = Selection::Below(BTreeMap::new());
    for path in paths.iter() {
        let path = keys(context, path)?;
        context.spend(path.len().saturating_mul(4))?;
        context.build(path.len().saturating_mul(256))?;
        selection.add(path);
    }
    Ok(selection)
}

/// A path: an array of keys, or text in JSON Pointer's escapes (RFC 6901), with any number of slashes in front.
pub(super) fn keys(context: &mut Context<'_>, path: &Value) -> Result<Vec<Value>, BuiltinError> {
    context.spend_on_all(path)?;
    match path {
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        Value::String(text) => {
            let count = 1 + text.bytes().filter(|byte| *byte == b'/').count();
            context.make(count)?;
            context.build(text.len().saturating_add(count.saturating_mul(32)))?;
            let keys = text.trim_start_matches('/').split('/');
            Ok(keys
                .map(|key| Value::from(key.replace("~1", "/").replace("~0", "~")))
                .collect())
        }
        Value::Array(array) => {
            context.make(array.len())?;
            Ok(array.iter().cloned().collect())
        }
        other => fail(format!(
            "operand 2 must be one of {{set, array}} containing string paths or array of path segments but got {}",
            other.type_name()
        )),
    }
}
