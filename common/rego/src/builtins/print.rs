//! `print` and template strings: both get an array of scalars, and of sets that hold what an expression gave.

use super::operands::{any, array};
use super::{Answer, BuiltinError, Context, answer, display};
use crate::value::{Array, Value};

/// The most lines that one `print` may come to, if its operands have several values each.
const MAX_LINES: usize = 10_000;

/// Prints a line for each combination of the operands' values, if there is somewhere to print to.
pub(super) fn print(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    if context.prints() {
        context.spend_on_all(any(operands, 1)?)?;
        let parts = parts(context, array(operands, 1)?)?;
        let mut lines = vec![String::new()];
        for (at, values) in parts.iter().enumerate() {
            if lines.len().saturating_mul(values.len()) > MAX_LINES {
                return Err(BuiltinError::Halt(format!(
                    "a print of more than {MAX_LINES} lines is refused"
                )));
            }
            let glue = if at > 0 { " " } else { "" };
            // Every line that there is goes on with every value.
            let length = |texts: &[String]| texts.iter().map(String::len).fold(0, usize::saturating_add);
            let bytes = length(&lines).saturating_mul(values.len());
            let bytes = bytes.saturating_add(length(values).saturating_mul(lines.len()));
            context.spend(bytes)?;
            context.build(bytes)?;
            let longer = lines
                .iter()
                .flat_map(|line| values.iter().map(move |value| format!("{line}{glue}{value}")));
            lines = longer.collect();
        }
        for line in &lines {
            context.spend(line.len())?;
            context.print_line(line);
        }
    }
    // The statement holds.
    answer(true)
}

/// The parts of a template string, joined.
pub(super) fn template_string(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    context.spend_on_all(any(operands, 1)?)?;
    let mut text = String::new();
    for values in parts(context, array(operands, 1)?)? {
        let [value] = values.as_slice() else {
            return Err(BuiltinError::Halt(
                "template-strings must not produce multiple outputs".into(),
            ));
        };
        context.spend(value.len())?;
        context.room(text.len().saturating_add(value.len()))?;
        text.push_str(value);
    }
    answer(text)
}

/// The values of each part as text. A part without a value is there, too.
fn parts(context: &mut Context<'_>, array: &Array) -> Result<Vec<Vec<String>>, BuiltinError> {
    array.iter().map(|part| values(context, part)).collect()
}

fn values(context: &mut Context<'_>, part: &Value) -> Result<Vec<String>, BuiltinError> {
    let mut plain = |value: &Value| {
        let text = display::plain(context, value)?;
        context.build(text.len().saturating_add(48))?;
        Ok(text)
    };
    match part {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(vec![plain(part)?]),
        Value::Set(set) if set.is_empty() => Ok(vec!["<undefined>".to_owned()]),
        Value::Set(set) => set.iter().map(plain).collect(),
        Value::Array(_) | Value::Object(_) => Err(BuiltinError::Halt(format!(
            "illegal argument type: {}",
            part.type_name()
        ))),
    }
}
