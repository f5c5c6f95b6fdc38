//! Text of GraphQL: block strings, and how values and types are shown in messages.

use super::super::go_text::quote;
use super::ast::{Kind, Type, Value};

/// A block string without the indentation that its lines share, and without blank lines around it.
pub(super) fn block_value(raw: &str) -> String {
    let mut lines: Vec<&str> = raw.split('\n').collect();
    let indents = lines.iter().filter_map(|line| indent(line));
    if let Some(common) = indents.min() {
        for line in lines.iter_mut().skip(1) {
            *line = line.get(common..).unwrap_or_default();
        }
    }
    let start = lines.iter().take_while(|line| indent(line).is_none()).count();
    let lines = lines.get(start..).unwrap_or_default();
    let blank = lines
        .iter()
        .rev()
        .take_while(|line| indent(line).is_none())
        .count();
    let end = lines.len().saturating_sub(blank);
    lines.get(..end).unwrap_or_default().join("\n")
}

/// How far a line is indented; `None` if there is nothing else in it.
fn indent(line: &str) -> Option<usize> {
    line.find(|c| c != ' ' && c != '\t')
}

pub(super) fn quoted(text: &str) -> String {
    let mut out = String::new();
    quote(text, &mut out);
    out
}

/// A type as GraphQL writes it.
pub(super) fn type_text(of: &Type) -> String {
    let mut out = String::new();
    write_type(of, &mut out);
    out
}

fn write_type(of: &Type, out: &mut String) {
    match &of.elem {
        Some(elem) if of.named.is_empty() => {
            out.push('[');
            write_type(elem, out);
            out.push(']');
        }
        _ => out.push_str(&of.named),
    }
    if of.non_null {
        out.push('!');
    }
}

/// A value as GraphQL writes it.
pub(super) fn value_text(value: &Value) -> String {
    let mut out = String::new();
    write_value(value, &mut out);
    out
}

fn write_value(value: &Value, out: &mut String) {
    match value.kind {
        Kind::Variable => {
            out.push('$');
            out.push_str(&value.raw);
        }
        Kind::Int | Kind::Float | Kind::Enum | Kind::Boolean | Kind::Null => out.push_str(&value.raw),
        Kind::String | Kind::Block => quote(&value.raw, out),
        Kind::List | Kind::Object => {
            let is_list = value.kind == Kind::List;
            out.push(if is_list { '[' } else { '{' });
            for (at, child) in value.children.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                if !is_list {
                    out.push_str(&child.name);
                    out.push(':');
                }
                write_value(&child.value, out);
            }
            out.push(if is_list { ']' } else { '}' });
        }
    }
}
