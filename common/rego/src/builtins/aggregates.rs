//! What a collection comes to: count, sum, product, extremes, sorting, membership.

use super::operands::{self, List, wrong_element, wrong_type};
use super::{Answer, BuiltinError, Context, answer};
use crate::number::{Number, arithmetic};
use crate::value::Value;

pub(super) fn count(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let count = match operands::any(operands, 1)? {
        Value::String(text) => {
            context.spend(text.len())?;
            text.chars().count()
        }
        Value::Array(array) => array.len(),
        Value::Object(object) => object.len(),
        Value::Set(set) => set.len(),
        other => return wrong_type(1, other, &["array", "object", "set", "string"]),
    };
    answer(Number::from_usize(count))
}

pub(super) fn sum(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(accumulate(context, operands, 0, arithmetic::plus)?)
}

pub(super) fn product(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(accumulate(context, operands, 1, arithmetic::times)?)
}

/// Exact while all members are integers; else all of it is computed with floats, as in OPA.
fn accumulate(
    context: &mut Context<'_>,
    operands: &[Value],
    initial: i64,
    combine: fn(&Number, &Number) -> Result<Number, arithmetic::ArithmeticError>,
) -> Result<Number, BuiltinError> {
    let list = operands::list(operands, 1, &["set", "array"])?;
    context.spend(list.len())?;
    context.room(list.len().saturating_mul(size_of::<&Number>()))?;
    let mut numbers = Vec::with_capacity(list.len());
    let mut exact = true;
    for member in list.iter() {
        let Value::Number(number) = member else {
            return wrong_element(1, list.type_name(), member, "number");
        };
        context.spend_on(number)?;
        exact = exact && number.is_integer();
        numbers.push(number);
    }
    if !exact {
        return Ok(match initial {
            0 => arithmetic::sum_as_floats(&numbers)?,
            _ => arithmetic::product_as_floats(&numbers)?,
        });
    }
    let mut total = Number::from_i64(initial);
    for number in numbers {
        total = combine(&total, number)?;
        context.spend_on(&total)?;
    }
    Ok(total)
}

pub(super) fn max(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let list = operands::list(operands, 1, &["set", "array"])?;
    context.spend_on_all(operands::any(operands, 1)?)?;
    // Of equal members the last, as in OPA; so does `Iterator::max`.
    Ok(list.iter().max().cloned())
}

pub(super) fn min(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let list = operands::list(operands, 1, &["set", "array"])?;
    context.spend_on_all(operands::any(operands, 1)?)?;
    let least = list
        .iter()
        .reduce(|least, member| if least >= member { member } else { least });
    Ok(least.cloned())
}

pub(super) fn sort(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let list = operands::list(operands, 1, &["set", "array"])?;
    context.make(list.len())?;
    context.spend_on_sort(operands::any(operands, 1)?.weight(), list.len())?;
    let mut members: Vec<Value> = list.iter().cloned().collect();
    if matches!(list, List::Array(_)) {
        members.sort();
    }
    answer(members)
}

pub(super) fn all(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let list = operands::list(operands, 1, &["array", "set"])?;
    context.spend(list.len())?;
    answer(list.iter().all(is_true))
}

pub(super) fn any(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let list = operands::list(operands, 1, &["array", "set"])?;
    context.spend(list.len())?;
    answer(list.iter().any(is_true))
}

fn is_true(value: &Value) -> bool {
    matches!(value, Value::Bool(true))
}

/// `value in collection`.
pub(super) fn member(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let value = operands::any(operands, 1)?;
    answer(match operands::any(operands, 2)? {
        Value::Set(set) => {
            context.spend_on_search(value)?;
            set.contains(value)
        }
        array @ Value::Array(members) => {
            context.spend_on_all(array)?;
            members.iter().any(|member| member == value)
        }
        object @ Value::Object(members) => {
            context.spend_on_all(object)?;
            members.values().any(|member| member == value)
        }
        _ => false,
    })
}

/// `key, value in collection`.
pub(super) fn member_with_key(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (key, value) = (operands::any(operands, 1)?, operands::any(operands, 2)?);
    context.spend_on_search(key)?;
    context.spend_on_all(value)?;
    answer(match operands::any(operands, 3)? {
        Value::Set(set) => key == value && set.contains(key),
        collection => collection.lookup(key) == Some(value),
    })
}
