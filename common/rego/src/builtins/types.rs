//! What kind of value it is, and casts that fail for any other kind.

use super::operands::{self, wrong_type};
use super::{Answer, Context, answer};
use crate::value::{Set, Value};

pub(super) fn type_name(_: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(operands::any(operands, 1)?.type_name())
}

pub(super) fn is_null(_: &mut Context<'_>, operands: &[Value]) -> Answer {
    is(operands, "null")
}

pub(super) fn is_boolean(_: &mut Context<'_>, operands: &[Value]) -> Answer {
    is(operands, "boolean")
}

pub(super) fn is_number(_: &mut Context<'_>, operands: &[Value]) -> Answer {
    is(operands, "number")
}

pub(super) fn is_string(_: &mut Context<'_>, operands: &[Value]) -> Answer {
    is(operands, "string")
}

pub(super) fn is_array(_: &mut Context<'_>, operands: &[Value]) -> Answer {
    is(operands, "array")
}

pub(super) fn is_object(_: &mut Context<'_>, operands: &[Value]) -> Answer {
    is(operands, "object")
}

pub(super) fn is_set(_: &mut Context<'_>, operands: &[Value]) -> Answer {
    is(operands, "set")
}

fn is(operands: &[Value], kind: &str) -> Answer {
    answer(operands::any(operands, 1)?.type_name() == kind)
}

pub(super) fn cast_array(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let list = operands::list(operands, 1, &["array", "set"])?;
    context.make(list.len())?;
    answer(list.iter().cloned().collect::<Vec<_>>())
}

pub(super) fn cast_set(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let list = operands::list(operands, 1, &["array", "set"])?;
    context.make(list.len())?;
    context.spend_on_sort(operands::any(operands, 1)?.weight(), list.len())?;
    answer(list.iter().cloned().collect::<Set>())
}

pub(super) fn cast_string(_: &mut Context<'_>, operands: &[Value]) -> Answer {
    cast(operands, "string")
}

pub(super) fn cast_boolean(_: &mut Context<'_>, operands: &[Value]) -> Answer {
    cast(operands, "boolean")
}

pub(super) fn cast_null(_: &mut Context<'_>, operands: &[Value]) -> Answer {
    cast(operands, "null")
}

pub(super) fn cast_object(_: &mut Context<'_>, operands: &[Value]) -> Answer {
    cast(operands, "object")
}

fn cast(operands: &[Value], kind: &str) -> Answer {
    match operands::any(operands, 1)? {
        value if value.type_name() == kind => answer(value.clone()),
        other => wrong_type(1, other, &[kind]),
    }
}
