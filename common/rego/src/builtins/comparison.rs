//! Order and equality of any two values.

use super::operands::any;
use super::{Answer, Context, answer};
use crate::value::Value;

pub(super) fn equal(_: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(any(operands, 1)? == any(operands, 2)?)
}

pub(super) fn neq(_: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(any(operands, 1)? != any(operands, 2)?)
}

pub(super) fn lt(_: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(any(operands, 1)? < any(operands, 2)?)
}

pub(super) fn lte(_: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(any(operands, 1)? <= any(operands, 2)?)
}

pub(super) fn gt(_: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(any(operands, 1)? > any(operands, 2)?)
}

pub(super) fn gte(_: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(any(operands, 1)? >= any(operands, 2)?)
}
