//! `object.subset`: whether one collection is within another, in OPA's sense.

use super::operands::any;
use super::{Answer, BuiltinError, Context, answer, fail};
use crate::value::{Array, Object, Set, Value};

pub(super) fn subset(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (sup, sub) = (any(operands, 1)?, any(operands, 2)?);
    context.spend_on_all(sup)?;
    context.spend_on_all(sub)?;
    if let (Value::Array(sup), Value::Set(sub)) = (sup, sub) {
        context.spend(sup.len())?;
        return answer(array_has_set(sup, sub));
    }
    match within(context, sup, sub)? {
        Some(is_subset) => answer(is_subset),
        None => fail("both arguments object.subset must be of the same type or array and set"),
    }
}

/// `None` unless both are collections of one kind. Recurses as deep as both nest, which values bound.
fn within(context: &mut Context<'_>, sup: &Value, sub: &Value) -> Result<Option<bool>, BuiltinError> {
    match (sup, sub) {
        (Value::Object(sup), Value::Object(sub)) => object_has_object(context, sup, sub).map(Some),
        (Value::Set(sup), Value::Set(sub)) => {
            context.spend(sub.len())?;
            Ok(Some(sub.iter().all(|member| sup.contains(member))))
        }
        (Value::Array(sup), Value::Array(sub)) => {
            context.spend(sup.len())?;
            array_has_array(context, sup, sub).map(Some)
        }
        _ => Ok(None),
    }
}

/// Every key of `sub` with a value that is the same or a subset.
fn object_has_object(context: &mut Context<'_>, sup: &Object, sub: &Object) -> Result<bool, BuiltinError> {
    context.spend(sub.len())?;
    for (key, wanted) in sub {
        let Some(present) = sup.get(key) else {
            return Ok(false);
        };
        // Compared at every step down.
        context.spend_on_weight(present.weight().min(wanted.weight()))?;
        if present != wanted && within(context, present, wanted)? != Some(true) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether `sub` is a contiguous part. Like OPA, it doesn't look back after a partial match: `[1, 1, 2]` has no `[1, 2]`
/// for it once the first `1` led it astray.
fn array_has_array(context: &mut Context<'_>, sup: &Array, sub: &Array) -> Result<bool, BuiltinError> {
    if sub.len() > sup.len() {
        return Ok(false);
    }
    if sub == sup {
        return Ok(true);
    }
    let (mut start, mut matched) = (0, 0);
    loop {
        if matched == sub.len() {
            return Ok(true);
        }
        let Some(element) = sup.get(start + matched) else {
            return Ok(false);
        };
        // What begins like the part again and again is gone over as often.
        context.spend_on_weight(sub.get(matched).map_or(1, Value::weight).min(element.weight()))?;
        if sub.get(matched) == Some(element) {
            matched += 1;
        } else {
            start += 1;
            matched = 0;
        }
    }
}

/// Whether every member of `sub` is an element. Counts like OPA: an element that comes twice counts twice.
fn array_has_set(sup: &Array, sub: &Set) -> bool {
    let mut unmatched = sub.len();
    for element in sup {
        if sub.contains(element) {
            unmatched = unmatched.saturating_sub(1);
        }
        if unmatched == 0 {
            return true;
        }
    }
    false
}
