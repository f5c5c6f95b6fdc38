//! Taking strings apart and putting them together: split, concat, replace.

use super::operands::{self, int, object, string, wrong_type};
use super::{Answer, BuiltinError, Context, answer, fail};
use crate::value::{Array, Value};

/// The longest string that replacing and joining make.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// What a string takes besides its text and its place in a collection.
const TEXT_BYTES: usize = 40;

pub(super) fn split(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (text, delimiter) = (string(operands, 1)?, string(operands, 2)?);
    context.spend(text.len())?;
    answer(
        parts(context, text, delimiter)?
            .into_iter()
            .map(Value::from)
            .collect::<Array>(),
    )
}

/// The first `n` parts, or, if it is negative, the last.
pub(super) fn split_n(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (text, delimiter, n) = (string(operands, 1)?, string(operands, 2)?, int(operands, 3)?);
    context.spend(text.len())?;
    let mut parts = parts(context, text, delimiter)?;
    let count = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX);
    if n >= 0 {
        parts.truncate(count);
    } else {
        parts.drain(..parts.len().saturating_sub(count));
    }
    answer(parts.into_iter().map(Value::from).collect::<Array>())
}

/// As Go's `strings.Split`: without a delimiter, the characters.
fn parts<'t>(
    context: &mut Context<'_>,
    text: &'t str,
    delimiter: &str,
) -> Result<Vec<&'t str>, BuiltinError> {
    let by_character = delimiter.is_empty();
    // Counted before there are any: there may be as many as bytes.
    let count = if by_character {
        text.len()
    } else {
        text.matches(delimiter).count() + 1
    };
    context.make(count)?;
    context.build(count.saturating_mul(TEXT_BYTES).saturating_add(text.len()))?;
    Ok(if by_character {
        text.split("").filter(|part| !part.is_empty()).collect()
    } else {
        text.split(delimiter).collect()
    })
}

pub(super) fn concat(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let glue = string(operands, 1)?;
    let parts = operands::list(operands, 2, &["set", "array"])?;
    context.spend(parts.len())?;
    context.room(parts.len().saturating_mul(TEXT_BYTES))?;
    let parts = parts.strings(2)?;
    let bytes = parts
        .iter()
        .map(|part| part.len().saturating_add(glue.len()))
        .fold(0, usize::saturating_add);
    check_length(bytes)?;
    context.spend(bytes)?;
    context.room(bytes)?;
    answer(parts.join(glue))
}

pub(super) fn replace(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (text, old, new) = (string(operands, 1)?, string(operands, 2)?, string(operands, 3)?);
    answer(replace_all(context, text, &[(old, new)])?)
}

/// All patterns at once, in the order of the keys.
pub(super) fn replace_n(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (patterns, text) = (object(operands, 1)?, string(operands, 2)?);
    context.make(patterns.len())?;
    let mut pairs = Vec::with_capacity(patterns.len());
    for (key, value) in patterns {
        match (key, value) {
            (Value::String(old), Value::String(new)) => pairs.push((old.as_ref(), new.as_ref())),
            (Value::String(_), _) => return fail("operand 1 non-string value found in pattern object"),
            _ => return fail("operand 1 non-string key found in pattern object"),
        }
    }
    answer(replace_all(context, text, &pairs)?)
}

/// As Go's `strings.Replacer`: at each byte the first pattern that matches, none in what was replaced already, and an
/// empty pattern between any two bytes, but not twice in a row.
fn replace_all(
    context: &mut Context<'_>,
    text: &str,
    pairs: &[(&str, &str)],
) -> Result<String, BuiltinError> {
    if let [(old, new)] = pairs
        && !old.is_empty()
    {
        return replace_one(context, text, old, new);
    }
    // A pattern that is long takes as long to be told from the text.
    let looks = pairs.iter().map(|(old, _)| 1 + old.len() / 16).sum();
    context.spend(text.len().saturating_mul(looks))?;
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    let mut after_empty = false;
    while at <= bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        let matching =
            |(old, _): &&(&str, &str)| rest.starts_with(old.as_bytes()) && !(after_empty && old.is_empty());
        if let Some((old, new)) = pairs.iter().find(matching) {
            check_length(out.len().saturating_add(new.len()))?;
            context.room(out.len().saturating_add(new.len()))?;
            out.extend_from_slice(new.as_bytes());
            at += old.len();
            after_empty = old.is_empty();
        } else {
            out.extend(rest.first());
            at += 1;
            after_empty = false;
        }
    }
    context.spend(out.len())?;
    String::from_utf8(out)
        .map_err(|_| BuiltinError::Halt("the result would not be UTF-8, which is not supported".into()))
}

/// One pattern, in time that goes with the text, however much of the pattern it almost has.
fn replace_one(context: &mut Context<'_>, text: &str, old: &str, new: &str) -> Result<String, BuiltinError> {
    context.spend(text.len().saturating_add(old.len()))?;
    let count = text.matches(old).count();
    let bytes = (text.len() - count * old.len()).saturating_add(count.saturating_mul(new.len()));
    check_length(bytes)?;
    context.spend(bytes)?;
    context.room(bytes)?;
    Ok(text.replace(old, new))
}

fn check_length(bytes: usize) -> Result<(), BuiltinError> {
    if bytes > MAX_BYTES {
        Err(BuiltinError::Halt(format!(
            "a string of more than {MAX_BYTES} bytes is refused"
        )))
    } else {
        Ok(())
    }
}

/// Whether any of the strings starts with any of the prefixes.
pub(super) fn any_prefix_match(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    any_match(context, operands, |text, prefix| text.starts_with(prefix))
}

/// Whether any of the strings ends with any of the suffixes.
pub(super) fn any_suffix_match(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    any_match(context, operands, |text, suffix| text.ends_with(suffix))
}

fn any_match(context: &mut Context<'_>, operands: &[Value], matches: fn(&str, &str) -> bool) -> Answer {
    let texts = one_or_many(context, operands, 1)?;
    let affixes = one_or_many(context, operands, 2)?;
    let looks = affixes.iter().map(|affix| 4 + affix.len() / 16).sum();
    context.spend(texts.len().saturating_mul(looks))?;
    answer(
        texts
            .iter()
            .any(|text| affixes.iter().any(|affix| matches(text, affix))),
    )
}

fn one_or_many<'a>(
    context: &mut Context<'_>,
    operands: &'a [Value],
    position: usize,
) -> Result<Vec<&'a str>, BuiltinError> {
    match operands::any(operands, position)? {
        Value::String(text) => Ok(vec![text]),
        Value::Array(_) | Value::Set(_) => {
            let list = operands::list(operands, position, &[])?;
            context.spend(list.len())?;
            context.room(list.len().saturating_mul(TEXT_BYTES))?;
            list.strings(position)
        }
        other => wrong_type(position, other, &["string", "set", "array"]),
    }
}
