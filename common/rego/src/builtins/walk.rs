//! `walk`: every value within a value, with the path to it. A plan scans what it returns.

use super::operands::any;
use super::{Answer, BuiltinError, Context, answer};
use crate::number::Number;
use crate::value::{Array, Value};

/// `[path, value]` for the value itself and, depth first, all that is within it.
pub(super) fn walk(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let mut found = Vec::new();
    visit(context, &mut Vec::new(), any(operands, 1)?, &mut found)?;
    answer(found)
}

/// Recurses as deep as the value nests, which values bound.
fn visit(
    context: &mut Context<'_>,
    path: &mut Vec<Value>,
    value: &Value,
    found: &mut Vec<Value>,
) -> Result<(), BuiltinError> {
    context.spend(path.len().saturating_add(16))?;
    // The pair, the path, and both where they stand.
    context.build(path.len().saturating_mul(32).saturating_add(320))?;
    found.push(Value::from(vec![
        Value::Array(Array::from(path.clone())),
        value.clone(),
    ]));
    let mut step = |key: Value, value: &Value| {
        path.push(key);
        let visited = visit(context, path, value, found);
        path.pop();
        visited
    };
    match value {
        Value::Array(array) => array
            .iter()
            .enumerate()
            .try_for_each(|(at, item)| step(Value::Number(Number::from_usize(at)), item)),
        Value::Object(object) => object.iter().try_for_each(|(key, item)| step(key.clone(), item)),
        Value::Set(set) => set.iter().try_for_each(|item| step(item.clone(), item)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}
