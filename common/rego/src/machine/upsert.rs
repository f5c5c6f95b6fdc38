//! Documents changed without being copied: a value put at a path (`with`), and two objects merged (rules beside base
//! data).

use super::memory;
use crate::error::Limit;
use crate::meter::Meter;
use crate::value::{Object, Value};

/// `document` with `value` at `path`. On the way, what is missing or not an object becomes one, as in OPA. Everything
/// beside the path is shared with the document.
pub(super) fn upsert(
    document: Option<&Value>,
    path: &[&Value],
    value: Value,
    meter: &mut Meter<'_>,
) -> Result<Value, Limit> {
    // From the outermost object to the innermost, each to be changed at its key.
    let mut nodes: Vec<(Object, &Value)> = Vec::with_capacity(path.len());
    let mut at = document;
    for &key in path {
        let object = at.and_then(Value::as_object);
        at = object.and_then(|object| object.get(key));
        nodes.push((object.cloned().unwrap_or_default(), key));
    }
    nodes
        .into_iter()
        .rev()
        .try_fold(value, |inner, (mut object, key)| {
            let change = object.put(key.clone(), inner);
            meter.build(memory::EMPTY)?;
            meter.build(memory::pair(change))?;
            Ok(Value::Object(object))
        })
}

/// `a` with the members of `b` that it lacks; each member that is looked at is a statement. Recurses as deep as both
/// nest, which is bounded for every value.
pub(super) fn merge(a: &Value, b: &Value, meter: &mut Meter<'_>) -> Result<Value, Limit> {
    let (Value::Object(first), Value::Object(second)) = (a, b) else {
        return Ok(a.clone());
    };
    meter.build(memory::EMPTY)?;
    let mut merged = first.clone();
    for (key, value) in second {
        meter.spend(1)?;
        let value = match first.get(key) {
            Some(present) => merge(present, value, meter)?,
            None => value.clone(),
        };
        let change = merged.put(key.clone(), value);
        meter.build(memory::pair(change))?;
    }
    Ok(Value::Object(merged))
}
