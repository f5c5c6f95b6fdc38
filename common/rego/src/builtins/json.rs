//! `json.marshal`, `json.unmarshal`, `json.is_valid`: JSON as Go's encoding/json reads and writes it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::go_text::quote;
use super::operands::{self, object, string};
use super::{Answer, BuiltinError, Context, answer, fail};
use crate::json::Reader;
use crate::value::{MAX_NESTING, Value};

/// How deep Go reads.
const GO_MAX_NESTING: usize = 10_000;

pub(super) fn unmarshal(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(read(context, string(operands, 1)?)?)
}

/// Reads a document, and pays for it.
pub(super) fn read(context: &mut Context<'_>, text: &str) -> Result<Value, BuiltinError> {
    context.spend(text.len())?;
    context.build(footprint(text))?;
    parse(text)
}

/// What the values take of which a document is the text, about, and never much less: each comma and colon parts two, and a
/// string begins at every second quotation mark.
fn footprint(text: &str) -> usize {
    let bytes = text.bytes().fold(0_usize, |bytes, byte| {
        bytes.saturating_add(match byte {
            b',' | b':' => 48,
            b'{' | b'[' => 160,
            b'"' => 12,
            _ => 0,
        })
    });
    bytes.saturating_add(text.len())
}

/// Reads a document; one that only nests too deep for this machine stops the evaluation.
pub(super) fn parse(text: &str) -> Result<Value, BuiltinError> {
    Value::from_json_str(text).or_else(|error| {
        if !is_well_formed(text, MAX_NESTING) && is_well_formed(text, GO_MAX_NESTING) {
            return Err(BuiltinError::Halt(format!(
                "JSON that nests deeper than {MAX_NESTING} is refused"
            )));
        }
        fail(error.to_string())
    })
}

pub(super) fn is_valid(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let Value::String(text) = operands::any(operands, 1)? else {
        return answer(false);
    };
    context.spend(text.len())?;
    answer(is_go_json(text))
}

/// Whether Go would read it.
pub(super) fn is_go_json(text: &str) -> bool {
    is_well_formed(text, GO_MAX_NESTING)
}

fn is_well_formed(text: &str, max_nesting: usize) -> bool {
    let mut reader = Reader::new(text.as_bytes(), max_nesting);
    reader.skip().and_then(|()| reader.end()).is_ok()
}

pub(super) fn marshal(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(marshal_text(context, operands::any(operands, 1)?)?)
}

/// The value as Go's `encoding/json` writes it.
pub(super) fn marshal_text(context: &mut Context<'_>, value: &Value) -> Result<String, BuiltinError> {
    context.spend_on_all(value)?;
    check_numbers(value)?;
    text(context, value, None)
}

pub(super) fn marshal_with_options(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let value = operands::any(operands, 1)?;
    let (mut prefix, mut indent, mut pretty, mut implied) = ("", "\t", None, false);
    for (key, option) in object(operands, 2)? {
        match (key.as_str(), option) {
            (Some("prefix"), Value::String(text)) => (prefix, implied) = (text.as_ref(), true),
            (Some("indent"), Value::String(text)) => (indent, implied) = (text.as_ref(), true),
            (Some("pretty"), Value::Bool(flag)) => pretty = Some(*flag),
            (Some(name @ ("prefix" | "indent")), other) => {
                let got = other.type_name();
                return fail(format!(
                    "operand 2 key {name:?} failed cast to string: must be string but got {got}"
                ));
            }
            (Some("pretty"), _) => return fail("operand 2 key \"pretty\" failed cast to bool"),
            (Some(name), _) => {
                let mut message = "operand 2 object contained unknown key ".to_owned();
                quote(name, &mut message);
                return fail(message);
            }
            (None, _) => return fail("operand 2 failed to stringify a key"),
        }
    }
    if !pretty.unwrap_or(implied) {
        return marshal(context, operands);
    }
    check_numbers(value)?;
    let layout = Layout { prefix, indent };
    // Each line repeats the prefix, and the indent as often as it is deep.
    let line = prefix
        .len()
        .saturating_add(indent.len().saturating_mul(value.nesting()));
    for _ in 0..=line / 16 {
        context.spend_on_all(value)?;
    }
    // Go doesn't prefix the first line; OPA does.
    let text = text(context, value, Some(layout))?;
    answer(format!("{prefix}{text}"))
}

/// Go refuses to write a number whose text isn't JSON's. Recurses as deep as the value nests, which values bound.
pub(super) fn check_numbers(value: &Value) -> Result<(), BuiltinError> {
    match value {
        Value::Number(number) if number.source() != number.as_str() => {
            fail(format!("json: invalid number literal {:?}", number.source()))
        }
        Value::Array(array) => array.iter().try_for_each(check_numbers),
        Value::Set(set) => set.iter().try_for_each(check_numbers),
        Value::Object(object) => object
            .iter()
            .try_for_each(|(key, value)| check_numbers(key).and_then(|()| check_numbers(value))),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

/// How lines start.
#[derive(Clone, Copy)]
struct Layout<'a> {
    prefix: &'a str,
    indent: &'a str,
}

/// The text of a value, no more of it than the evaluation has room for: parts that are shared are written as often as they
/// occur.
fn text(
    context: &mut Context<'_>,
    value: &Value,
    layout: Option<Layout<'_>>,
) -> Result<String, BuiltinError> {
    let most = usize::try_from(context.meter.room()).unwrap_or(usize::MAX);
    let text = to_json(value, layout, most);
    context.spend(text.len())?;
    context.room(text.len())?;
    Ok(text)
}

fn to_json(value: &Value, layout: Option<Layout<'_>>, most: usize) -> String {
    let mut writer = Writer {
        out: String::new(),
        layout,
        depth: 0,
        most,
    };
    writer.value(value);
    writer.out
}

struct Writer<'a> {
    out: String,
    layout: Option<Layout<'a>>,
    depth: usize,
    /// Where it stops: the text is not whole then.
    most: usize,
}

impl Writer<'_> {
    /// Recurses as deep as the value nests, which values bound.
    fn value(&mut self, value: &Value) {
        if self.out.len() > self.most {
            return;
        }
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(flag) => self.out.push_str(if *flag { "true" } else { "false" }),
            Value::Number(number) => self.out.push_str(&number.as_str()),
            Value::String(text) => self.string(text),
            Value::Array(array) => self.list(array.iter()),
            Value::Set(set) => self.list(set.iter()),
            Value::Object(object) => {
                // Go's keys are strings, in their order; what else Rego has for keys is named by its JSON.
                let mut members = BTreeMap::new();
                for (key, value) in object {
                    members.insert(key_text(key), value);
                }
                self.open('{');
                for (at, (key, value)) in members.iter().enumerate() {
                    if self.out.len() > self.most {
                        return;
                    }
                    self.next(at);
                    self.string(key);
                    self.out.push_str(if self.layout.is_some() { ": " } else { ":" });
                    self.value(value);
                }
                self.close('}', members.is_empty());
            }
        }
    }

    fn list<'v>(&mut self, items: impl ExactSizeIterator<Item = &'v Value>) {
        let is_empty = items.len() == 0;
        self.open('[');
        for (at, item) in items.enumerate() {
            if self.out.len() > self.most {
                return;
            }
            self.next(at);
            self.value(item);
        }
        self.close(']', is_empty);
    }

    fn open(&mut self, bracket: char) {
        self.out.push(bracket);
        self.depth += 1;
    }

    fn next(&mut self, at: usize) {
        if at > 0 {
            self.out.push(',');
        }
        self.line();
    }

    fn close(&mut self, bracket: char, is_empty: bool) {
        self.depth = self.depth.saturating_sub(1);
        if !is_empty {
            self.line();
        }
        self.out.push(bracket);
    }

    fn line(&mut self) {
        if let Some(layout) = self.layout {
            self.out.push('\n');
            self.out.push_str(layout.prefix);
            for _ in 0..self.depth {
                if self.out.len() > self.most {
                    return;
                }
                self.out.push_str(layout.indent);
            }
        }
    }

    /// With Go's escapes, those for HTML included.
    fn string(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\x08' => self.out.push_str("\\b"),
                '\x0c' => self.out.push_str("\\f"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\0'..='\x1f' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    // Writing to a string can't fail.
                    let _ = write!(self.out, "\\u{:04x}", u32::from(c));
                }
                _ => self.out.push(c),
            }
        }
        self.out.push('"');
    }
}

/// A value as `json.marshal` writes it, which has been looked at as a whole before.
#[cfg(feature = "json-schema")]
pub(super) fn whole_text(value: &Value) -> String {
    to_json(value, None, usize::MAX)
}

/// The name that a key has in JSON.
pub(super) fn key_text(key: &Value) -> String {
    match key {
        Value::String(text) => text.as_ref().to_owned(),
        other => to_json(other, None, usize::MAX),
    }
}
