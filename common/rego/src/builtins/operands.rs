//! Operands of the kind that a builtin wants, or OPA's message about the one that came.

use num_bigint::BigInt;

use super::{BuiltinError, Context, fail};
use crate::number::{Number, arithmetic};
use crate::value::{Array, Object, Set, Value};

type Operand<T> = Result<T, BuiltinError>;

/// The operand at `position`, from 1.
pub(super) fn any(operands: &[Value], position: usize) -> Operand<&Value> {
    // A plan that calls a builtin with fewer operands than it takes was not made by OPA.
    let missing = || BuiltinError::Halt(format!("operand {position} is missing"));
    position
        .checked_sub(1)
        .and_then(|at| operands.get(at))
        .ok_or_else(missing)
}

pub(super) fn string(operands: &[Value], position: usize) -> Operand<&str> {
    match any(operands, position)? {
        Value::String(text) => Ok(text),
        other => wrong_type(position, other, &["string"]),
    }
}

/// A number to compute with.
pub(super) fn number<'a>(
    context: &mut Context<'_>,
    operands: &'a [Value],
    position: usize,
) -> Operand<&'a Number> {
    match any(operands, position)? {
        Value::Number(number) => {
            context.spend_on(number)?;
            Ok(number)
        }
        other => wrong_type(position, other, &["number"]),
    }
}

/// An integer in plain form that fits 64 bits.
pub(super) fn int(operands: &[Value], position: usize) -> Operand<i64> {
    let number = match any(operands, position)? {
        Value::Number(number) => number,
        other => return wrong_type(position, other, &["number"]),
    };
    match number.as_i64() {
        Some(int) => Ok(int),
        None => fail(format!(
            "operand {position} must be integer number but got floating-point number"
        )),
    }
}

/// An integer of any size and form.
pub(super) fn big_int(context: &mut Context<'_>, operands: &[Value], position: usize) -> Operand<BigInt> {
    let Value::Number(number) = any(operands, position)? else {
        return wrong_type(position, any(operands, position)?, &["integer"]);
    };
    context.spend_on(number)?;
    match arithmetic::to_int(number)? {
        Some(int) => Ok(int),
        None => fail(format!(
            "operand {position} must be integer number but got floating-point number"
        )),
    }
}

pub(super) fn array(operands: &[Value], position: usize) -> Operand<&Array> {
    match any(operands, position)? {
        Value::Array(array) => Ok(array),
        other => wrong_type(position, other, &["array"]),
    }
}

pub(super) fn object(operands: &[Value], position: usize) -> Operand<&Object> {
    match any(operands, position)? {
        Value::Object(object) => Ok(object),
        other => wrong_type(position, other, &["object"]),
    }
}

pub(super) fn set(operands: &[Value], position: usize) -> Operand<&Set> {
    match any(operands, position)? {
        Value::Set(set) => Ok(set),
        other => wrong_type(position, other, &["set"]),
    }
}

/// The members of an array or a set; `expected` is how OPA names the two.
pub(super) fn list<'a>(operands: &'a [Value], position: usize, expected: &[&str]) -> Operand<List<'a>> {
    match any(operands, position)? {
        Value::Array(array) => Ok(List::Array(array)),
        Value::Set(set) => Ok(List::Set(set)),
        other => wrong_type(position, other, expected),
    }
}

/// An array or a set.
#[derive(Clone, Copy)]
pub(super) enum List<'a> {
    Array(&'a Array),
    Set(&'a Set),
}

impl<'a> List<'a> {
    pub(super) fn len(self) -> usize {
        match self {
            Self::Array(array) => array.len(),
            Self::Set(set) => set.len(),
        }
    }

    pub(super) fn iter(self) -> Box<dyn Iterator<Item = &'a Value> + 'a> {
        match self {
            Self::Array(array) => Box::new(array.iter()),
            Self::Set(set) => Box::new(set.iter()),
        }
    }

    pub(super) fn type_name(self) -> &'static str {
        match self {
            Self::Array(_) => "array",
            Self::Set(_) => "set",
        }
    }

    /// The members, which must all be strings.
    pub(super) fn strings(self, position: usize) -> Operand<Vec<&'a str>> {
        self.iter()
            .map(|member| match member {
                Value::String(text) => Ok(text.as_ref()),
                other => wrong_element(position, self.type_name(), other, "string"),
            })
            .collect()
    }
}

pub(super) fn wrong_type<T>(position: usize, got: &Value, expected: &[&str]) -> Operand<T> {
    let got = got.type_name();
    match expected {
        [one] => fail(format!("operand {position} must be {one} but got {got}")),
        _ => fail(format!(
            "operand {position} must be one of {{{}}} but got {got}",
            expected.join(", ")
        )),
    }
}

pub(super) fn wrong_element<T>(position: usize, of: &str, got: &Value, expected: &str) -> Operand<T> {
    let got = got.type_name();
    fail(format!(
        "operand {position} must be {of} of {expected}s but got {of} containing {got}"
    ))
}
