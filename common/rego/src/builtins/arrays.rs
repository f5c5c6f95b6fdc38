//! `array.*`.

use super::operands::{array, int};
use super::{Answer, Context, answer};
use crate::value::{Array, Value};

pub(super) fn concat(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (a, b) = (array(operands, 1)?, array(operands, 2)?);
    context.make(a.len().saturating_add(b.len()))?;
    answer(a.iter().chain(b).cloned().collect::<Array>())
}

/// One level of arrays within the array.
pub(super) fn flatten(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let mut flat = Vec::new();
    let array = array(operands, 1)?;
    context.make(array.len())?;
    for element in array {
        match element {
            Value::Array(inner) => {
                context.make(inner.len())?;
                flat.extend(inner.iter().cloned());
            }
            other => flat.push(other.clone()),
        }
    }
    answer(flat)
}

pub(super) fn reverse(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let array = array(operands, 1)?;
    context.make(array.len())?;
    answer(array.iter().rev().cloned().collect::<Array>())
}

/// From `start` (clamped to `stop`) up to `stop` (clamped to the length).
pub(super) fn slice(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let array = array(operands, 1)?;
    let (start, stop) = (int(operands, 2)?, int(operands, 3)?);
    let stop = clamp(stop, array.len());
    let start = clamp(start, stop);
    context.make(stop - start)?;
    answer(
        array
            .iter()
            .skip(start)
            .take(stop - start)
            .cloned()
            .collect::<Array>(),
    )
}

/// A position between 0 and `max`.
fn clamp(position: i64, max: usize) -> usize {
    usize::try_from(position.max(0)).unwrap_or(usize::MAX).min(max)
}
