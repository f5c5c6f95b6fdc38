//! Documents changed without being copied: a value put at a path (`with`), and two objects merged (rules beside base
//! data).

use crate::value::{Object, Value};

/// `document` with `value` at `path`. On the way, what is missing or not an object becomes one, as in OPA. Everything
/// beside the path is shared with the document.
pub(super) fn upsert(document: Option<&Value>, path: &[&Value], value: Value) -> Value {
    // From the outermost object to the innermost, each to be changed at its key.
    let mut nodes: Vec<(Object, &Value)> = Vec::with_capacity(path.len());
    let mut at = document;
    for &key in path {
        let object = at.and_then(Value::as_object);
        at = object.and_then(|object| object.get(key));
        nodes.push((object.cloned().unwrap_or_default(), key));
    }
    nodes.into_iter().rev().fold(value, |inner, (mut object, key)| {
        object.insert(key.clone(), inner);
        Value::Object(object)
    })
}

/// `a` with the members of `b` that it lacks. Adds to `cost` how many members were looked at. Recurses as deep as both
/// nest, which is bounded for every value.
pub(super) fn merge(a: &Value, b: &Value, cost: &mut u64) -> Value {
    let (Value::Object(first), Value::Object(second)) = (a, b) else {
        return a.clone();
    };
    let mut merged = first.clone();
    for (key, value) in second {
        *cost += 1;
        let value = match first.get(key) {
            Some(present) => merge(present, value, cost),
            None => value.clone(),
        };
        merged.insert(key.clone(), value);
    }
    Value::Object(merged)
}
