//! A value as Rego writes it, which is how it shows in printed and formatted text.

use super::go_text::quote;
use crate::value::Value;

/// Appends the value: strings quoted, sets in braces, a space after each comma and colon. Recurses as deep as the value
/// nests, which values bound.
pub(super) fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.source()),
        Value::String(text) => quote(text, out),
        Value::Array(array) => write_list(array, ("[", "]"), out),
        Value::Set(set) if set.is_empty() => out.push_str("set()"),
        Value::Set(set) => write_list(set, ("{", "}"), out),
        Value::Object(object) => {
            out.push('{');
            for (at, (key, value)) in object.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                write(key, out);
                out.push_str(": ");
                write(value, out);
            }
            out.push('}');
        }
    }
}

/// As [`write()`], but a string stands for itself.
pub(super) fn write_plain(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => out.push_str(text),
        other => write(other, out),
    }
}

fn write_list<'a>(items: impl IntoIterator<Item = &'a Value>, (open, close): (&str, &str), out: &mut String) {
    out.push_str(open);
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        write(item, out);
    }
    out.push_str(close);
}
