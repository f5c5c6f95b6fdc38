//! A value as Rego writes it, which is how it shows in printed and formatted text.

use super::go_text::quote;
use super::{BuiltinError, Context};
use crate::value::Value;

/// The text of a value, a string's being itself. It may be much longer than the value is large, for its parts may be
/// shared: no more of it is made than the evaluation has room for.
pub(super) fn plain(context: &mut Context<'_>, value: &Value) -> Result<String, BuiltinError> {
    context.spend_on_all(value)?;
    let mut text = String::new();
    if let Value::String(own) = value {
        context.room(own.len())?;
        text.push_str(own);
    } else {
        let most = usize::try_from(context.meter.room()).unwrap_or(usize::MAX);
        write_within(value, &mut text, most);
    }
    context.spend(text.len())?;
    context.room(text.len())?;
    Ok(text)
}

/// The text of a value for a message, where what is very long is cut off.
pub(super) fn shown(value: &Value) -> String {
    /// Longer than any that someone would read.
    const MOST: usize = 64 * 1024;
    let mut text = String::new();
    write_within(value, &mut text, MOST);
    text
}

/// Appends the value: strings quoted, sets in braces, a space after each comma and colon. Recurses as deep as the value
/// nests, which values bound.
#[cfg(test)]
pub(super) fn write(value: &Value, out: &mut String) {
    write_within(value, out, usize::MAX);
}

/// As `write`, until `out` is longer than `most`.
fn write_within(value: &Value, out: &mut String, most: usize) {
    if out.len() > most {
        return;
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.source()),
        Value::String(text) => quote(text, out),
        Value::Array(array) => write_list(array, ("[", "]"), out, most),
        Value::Set(set) if set.is_empty() => out.push_str("set()"),
        Value::Set(set) => write_list(set, ("{", "}"), out, most),
        Value::Object(object) => {
            out.push('{');
            for (at, (key, value)) in object.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                write_within(key, out, most);
                out.push_str(": ");
                write_within(value, out, most);
                if out.len() > most {
                    return;
                }
            }
            out.push('}');
        }
    }
}

fn write_list<'a>(
    items: impl IntoIterator<Item = &'a Value>,
    (open, close): (&str, &str),
    out: &mut String,
    most: usize,
) {
    out.push_str(open);
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        write_within(item, out, most);
        if out.len() > most {
            return;
        }
    }
    out.push_str(close);
}
