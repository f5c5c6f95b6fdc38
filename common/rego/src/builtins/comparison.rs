//! Order and equality of any two values.

use std::cmp::Ordering;

use super::operands::any;
use super::{Answer, BuiltinError, Context, answer};
use crate::value::Value;

pub(super) fn equal(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(compare(context, operands)?.is_eq())
}

pub(super) fn neq(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(compare(context, operands)?.is_ne())
}

pub(super) fn lt(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(compare(context, operands)?.is_lt())
}

pub(super) fn lte(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(compare(context, operands)?.is_le())
}

pub(super) fn gt(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(compare(context, operands)?.is_gt())
}

pub(super) fn gte(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(compare(context, operands)?.is_ge())
}

fn compare(context: &mut Context<'_>, operands: &[Value]) -> Result<Ordering, BuiltinError> {
    let (a, b) = (any(operands, 1)?, any(operands, 2)?);
    context.spend_on_all(if a.weight() < b.weight() { a } else { b })?;
    Ok(a.cmp(b))
}
