//! `+ - * / %`, rounding; the minus that is also the difference of sets.

use super::operands::{number, wrong_type};
use super::{Answer, Context, answer, operands, sets};
use crate::number::arithmetic;
use crate::value::Value;

pub(super) fn plus(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(arithmetic::plus(
        number(context, operands, 1)?,
        number(context, operands, 2)?,
    )?)
}

pub(super) fn minus(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    match (operands::any(operands, 1)?, operands::any(operands, 2)?) {
        (Value::Number(a), Value::Number(b)) => {
            context.spend_on(a)?;
            context.spend_on(b)?;
            answer(arithmetic::minus(a, b)?)
        }
        (Value::Set(a), Value::Set(b)) => sets::difference(context, a, b),
        // OPA's words: it names the kind that the second operand is not.
        (Value::Set(_), other @ Value::Number(_)) => wrong_type(2, other, &["set"]),
        (Value::Number(_) | Value::Set(_), other) => wrong_type(2, other, &["number"]),
        (other, _) => wrong_type(1, other, &["number", "set"]),
    }
}

pub(super) fn mul(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(arithmetic::times(
        number(context, operands, 1)?,
        number(context, operands, 2)?,
    )?)
}

pub(super) fn div(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(arithmetic::divide(
        number(context, operands, 1)?,
        number(context, operands, 2)?,
    )?)
}

pub(super) fn rem(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(arithmetic::remainder(
        number(context, operands, 1)?,
        number(context, operands, 2)?,
    )?)
}

pub(super) fn abs(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(arithmetic::abs(number(context, operands, 1)?)?)
}

pub(super) fn round(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(arithmetic::round(number(context, operands, 1)?)?)
}

pub(super) fn ceil(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(arithmetic::ceil(number(context, operands, 1)?)?)
}

pub(super) fn floor(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(arithmetic::floor(number(context, operands, 1)?)?)
}
