//! `[…]` and `{…}`, over as many lines as one likes.

use super::quoted::quoted;
use super::scalar::resolve;
use super::{MAX_DEPTH, Problem};
use crate::value::{Array, Object, Value};

const ODD: Problem = Problem::NotSupported("unusual flow collections");

/// Reads a collection at the start of the text, and says what follows. One that has no end is no YAML.
pub(super) fn collection(text: &str, depth: usize) -> Result<(Value, &str), Problem> {
    if depth > MAX_DEPTH {
        return Err(Problem::NotSupported("so deep a nesting"));
    }
    let (is_map, close) = (
        text.starts_with('{'),
        if text.starts_with('{') { '}' } else { ']' },
    );
    let mut rest = blank(text.get(1..).unwrap_or_default());
    let mut items = Vec::new();
    let mut members = Object::default();
    loop {
        if let Some(after) = rest.strip_prefix(close) {
            let value = if is_map {
                Value::from(members)
            } else {
                Value::from(Array::from(items))
            };
            return Ok((value, after));
        }
        let (item, after) = node(rest, depth, is_map)?;
        rest = blank(after);
        if is_map {
            let Some(after) = rest.strip_prefix(':') else {
                return Err(if rest.is_empty() { unfinished(close) } else { ODD });
            };
            let (value, after) = node(blank(after), depth, false)?;
            rest = blank(after);
            members.insert(super::read::key(&item)?, value);
        } else {
            items.push(item);
        }
        match rest.strip_prefix(',') {
            Some(after) => rest = blank(after),
            None if rest.is_empty() => return Err(unfinished(close)),
            None if rest.starts_with(close) => {}
            None => return Err(ODD),
        }
    }
}

fn unfinished(close: char) -> Problem {
    Problem::Invalid(format!("yaml: line 1: did not find expected ',' or '{close}'"))
}

fn blank(text: &str) -> &str {
    text.trim_start_matches([' ', '\n'])
}

fn node(text: &str, depth: usize, is_key: bool) -> Result<(Value, &str), Problem> {
    match text.as_bytes().first() {
        None => Err(Problem::Invalid(
            "yaml: did not find expected node content".into(),
        )),
        Some(b'[' | b'{') if !is_key => collection(text, depth + 1),
        Some(b'"' | b'\'') => {
            let (scalar, rest) = quoted(text)?;
            Ok((Value::from(scalar), rest))
        }
        Some(_) => plain(text),
    }
}

/// Words and numbers. A dash could start an item, and a colon a value, so that only where they can't do they belong to it.
fn plain(text: &str) -> Result<(Value, &str), Problem> {
    let belongs = |char: char| char.is_alphanumeric() || "_./+-() ".contains(char);
    let end = text.find(|char| !belongs(char)).unwrap_or(text.len());
    let (scalar, rest) = text.split_at_checked(end).ok_or(ODD)?;
    let scalar = scalar.trim_end_matches(' ');
    let starts_well = scalar
        .bytes()
        .next()
        .is_some_and(|byte| byte != b'-' && byte != b' ')
        || scalar
            .as_bytes()
            .get(1)
            .is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.');
    // What goes on on another line is one scalar, and what follows must end it.
    let next = blank(rest);
    let ends_well = next.is_empty() || next.starts_with([',', ']', '}']) || rest.starts_with(": ");
    if !starts_well || !ends_well {
        return Err(ODD);
    }
    Ok((resolve(scalar)?, rest))
}
