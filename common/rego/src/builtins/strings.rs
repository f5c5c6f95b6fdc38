//! Looking into strings, and turning them. Positions and lengths count code points.

use super::go_text::{to_lower, to_upper};
use super::operands::{int, string};
use super::{Answer, BuiltinError, Context, answer, fail};
use crate::number::Number;
use crate::value::{Array, Value};

pub(super) fn contains(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (text, search) = two(context, operands)?;
    answer(text.contains(search))
}

pub(super) fn startswith(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (text, prefix) = two(context, operands)?;
    answer(text.starts_with(prefix))
}

pub(super) fn endswith(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (text, suffix) = two(context, operands)?;
    answer(text.ends_with(suffix))
}

/// How often `search` comes, not overlapping; an empty one comes around every character.
pub(super) fn count(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (text, search) = two(context, operands)?;
    answer(Number::from_usize(text.matches(search).count()))
}

pub(super) fn indexof(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (text, search) = searched(context, operands)?;
    match text.find(search) {
        Some(at) => answer(position(text, at)),
        None => answer(-1_i64),
    }
}

/// Where `search` comes, overlaps included.
pub(super) fn indexof_n(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (text, search) = searched(context, operands)?;
    context.spend(text.len().saturating_mul(search.len()))?;
    let starts = text.char_indices().enumerate();
    let found = starts.filter(|(_, (at, _))| text.get(*at..).is_some_and(|rest| rest.starts_with(search)));
    let mut places = Vec::new();
    for (index, _) in found {
        context.make(1)?;
        places.push(Value::Number(Number::from_usize(index)));
    }
    answer(Array::from(places))
}

/// Up to `length` code points from `start`, to the end if `length` is negative.
pub(super) fn substring(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (text, start, length) = (string(operands, 1)?, int(operands, 2)?, int(operands, 3)?);
    context.spend(text.len())?;
    let Ok(start) = usize::try_from(start) else {
        return fail("negative offset");
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let rest = text.get(after(text, start)..).unwrap_or_default();
    answer(rest.get(..after(rest, length)).unwrap_or_default())
}

/// Where the first `count` characters of `text` end.
fn after(text: &str, count: usize) -> usize {
    if text.is_ascii() {
        return count.min(text.len());
    }
    text.char_indices().nth(count).map_or(text.len(), |(at, _)| at)
}

pub(super) fn lower(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    map(context, operands, str::to_ascii_lowercase, to_lower)
}

pub(super) fn upper(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    map(context, operands, str::to_ascii_uppercase, to_upper)
}

fn map(
    context: &mut Context<'_>,
    operands: &[Value],
    of_ascii: fn(&str) -> String,
    of_char: fn(char) -> char,
) -> Answer {
    let text = string(operands, 1)?;
    context.spend(text.len())?;
    answer(if text.is_ascii() {
        of_ascii(text)
    } else {
        text.chars().map(of_char).collect()
    })
}

pub(super) fn reverse(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let text = string(operands, 1)?;
    context.spend(text.len())?;
    answer(text.chars().rev().collect::<String>())
}

fn two<'a>(context: &mut Context<'_>, operands: &'a [Value]) -> Result<(&'a str, &'a str), BuiltinError> {
    let (text, other) = (string(operands, 1)?, string(operands, 2)?);
    context.spend(text.len().saturating_add(other.len()))?;
    Ok((text, other))
}

fn searched<'a>(
    context: &mut Context<'_>,
    operands: &'a [Value],
) -> Result<(&'a str, &'a str), BuiltinError> {
    let (text, search) = two(context, operands)?;
    if search.is_empty() {
        fail("empty search character")
    } else {
        Ok((text, search))
    }
}

/// The position in code points of the one that starts at a byte.
fn position(text: &str, byte: usize) -> Number {
    Number::from_usize(text.char_indices().take_while(|(at, _)| *at < byte).count())
}
