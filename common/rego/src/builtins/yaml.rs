//! `yaml.*`, for the YAML that people write: what is outside of it stops the evaluation, and isn't guessed at. OPA reads
//! with go-yaml v3, whose plain scalars these are: numbers of YAML 1.1 and 1.2, and no `yes` and `no`.

mod flow;
mod quoted;
mod read;
mod scalar;
#[cfg(test)]
mod tests;
mod write;

use super::operands::{self, string};
use super::{Answer, BuiltinError, Context, answer, fail};
use crate::value::Value;

/// The longest document, in bytes.
const MAX_BYTES: usize = 1 << 20;
/// How deep a document nests.
const MAX_DEPTH: usize = 100;

/// Why there is no value.
#[derive(Debug, PartialEq, Eq)]
enum Problem {
    /// It isn't YAML.
    Invalid(String),
    /// It is, perhaps, and isn't read here.
    NotSupported(&'static str),
}

impl From<Problem> for BuiltinError {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Invalid(message) => BuiltinError::Lenient(message),
            Problem::NotSupported(what) => BuiltinError::Halt(format!("YAML with {what} is not supported")),
        }
    }
}

/// A text of YAML as data, outside of any evaluation.
pub(crate) fn document(text: &str) -> Result<Value, String> {
    if text.len() > MAX_BYTES {
        return Err(format!("YAML of more than {MAX_BYTES} bytes is not supported"));
    }
    read::read(text).map_err(|problem| match problem {
        Problem::Invalid(message) => message,
        Problem::NotSupported(what) => format!("YAML with {what} is not supported"),
    })
}

fn check(context: &mut Context<'_>, text: &str) -> Result<(), BuiltinError> {
    context.spend(text.len().saturating_mul(4))?;
    if text.len() > MAX_BYTES {
        return Err(Problem::NotSupported("more than a million bytes").into());
    }
    context.build(text.len().saturating_mul(32))
}

pub(super) fn unmarshal(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let text = string(operands, 1)?;
    check(context, text)?;
    answer(read::read(text)?)
}

pub(super) fn is_valid(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let Value::String(text) = operands::any(operands, 1)? else {
        return answer(false);
    };
    check(context, text)?;
    match read::read(text) {
        Ok(_) => answer(true),
        Err(Problem::Invalid(_)) => answer(false),
        Err(problem) => Err(problem.into()),
    }
}

pub(super) fn marshal(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let value = operands::any(operands, 1)?;
    context.spend_on_all(value)?;
    let mut out = String::new();
    if value.nesting() > MAX_DEPTH {
        return Err(Problem::NotSupported("so deep a nesting").into());
    }
    write::write(context, value, &mut out)?;
    context.spend(out.len())?;
    if out.is_empty() {
        fail("no value")
    } else {
        answer(out)
    }
}
