//! What `trim` and its kin cut from the ends of a string.

use super::operands::string;
use super::{Answer, Context, answer};
use crate::value::Value;

pub(super) fn trim(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    trimmed(context, operands, |text, set| {
        text.trim_matches(|c| set.contains(c))
    })
}

pub(super) fn trim_left(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    trimmed(context, operands, |text, set| {
        text.trim_start_matches(|c| set.contains(c))
    })
}

pub(super) fn trim_right(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    trimmed(context, operands, |text, set| {
        text.trim_end_matches(|c| set.contains(c))
    })
}

pub(super) fn trim_prefix(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    cut(context, operands, |text, prefix| {
        text.strip_prefix(prefix).unwrap_or(text)
    })
}

pub(super) fn trim_suffix(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    cut(context, operands, |text, suffix| {
        text.strip_suffix(suffix).unwrap_or(text)
    })
}

pub(super) fn trim_space(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let text = string(operands, 1)?;
    context.spend(text.len())?;
    answer(text.trim())
}

/// Each character that goes is looked for in the second operand.
fn trimmed(
    context: &mut Context<'_>,
    operands: &[Value],
    rest: for<'t> fn(&'t str, &str) -> &'t str,
) -> Answer {
    let (text, what) = (string(operands, 1)?, string(operands, 2)?);
    context.spend(text.len().saturating_mul(what.len() / 16))?;
    cut(context, operands, rest)
}

fn cut(context: &mut Context<'_>, operands: &[Value], rest: for<'t> fn(&'t str, &str) -> &'t str) -> Answer {
    let (text, what) = (string(operands, 1)?, string(operands, 2)?);
    context.spend(text.len().saturating_add(what.len()))?;
    answer(rest(text, what))
}
