//! `strings.render_template`: Go's text/template, as far as it is told here exactly: fields and variables shown, `if`,
//! `range`, `with`, their `else`, trimming. Functions, literals, pipelines, comments and named templates are refused.

mod parse;
mod render;
#[cfg(test)]
mod tests;

use super::go_text::is_print;
use super::operands::{any, object, string};
use super::{Answer, BuiltinError, Context, answer, fail};
use crate::value::Value;

/// How deep actions may nest.
const MAX_DEPTH: usize = 100;

fn refused(what: &str) -> BuiltinError {
    BuiltinError::Halt(format!("{what} in a template is refused"))
}

pub(super) fn render(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let template = string(operands, 1)?;
    object(operands, 2)?;
    let data = any(operands, 2)?;
    context.spend(template.len())?;
    context.spend_on_all(data)?;
    check_data(data)?;
    context.build(template.len().saturating_mul(32))?;
    let nodes = parse::parse(template)?;
    let text = render::render(context, &nodes, data)?;
    answer(text.replace("<no value>", "<undefined>"))
}

/// OPA hands the data on as the text that Rego writes, read as JSON. Recurses as deep as the value nests, which values
/// bound.
fn check_data(value: &Value) -> Result<(), BuiltinError> {
    match value {
        Value::Null | Value::Bool(_) => Ok(()),
        Value::Number(number) if number.source() == number.as_str() => Ok(()),
        Value::Number(_) => Err(refused("a number that JSON doesn't have")),
        Value::String(text) => {
            let is_plain = |c: char| is_print(c) || matches!(c, '\n' | '\t' | '\r' | '\x08' | '\x0c');
            if text.chars().all(is_plain) {
                return Ok(());
            }
            Err(refused("an unprintable character"))
        }
        Value::Array(array) => array.iter().try_for_each(check_data),
        Value::Set(_) => fail("a set isn't JSON"),
        Value::Object(object) => object.iter().try_for_each(|(key, value)| match key {
            Value::String(_) => check_data(key).and_then(|()| check_data(value)),
            _ => fail("a key that isn't a string isn't JSON"),
        }),
    }
}
