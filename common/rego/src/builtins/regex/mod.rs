//! `regex.*`: Go's regular expressions, exactly, in time that goes with the text times the pattern.

mod class;
mod compiled;
mod expand;
mod globs;
mod syntax;
mod template;
#[cfg(test)]
mod tests;

use compiled::compiled;

use super::operands::{self, int, string};
use super::{Answer, BuiltinError, Context, answer, fail};
use crate::value::{Array, Value};

/// The longest text that `regex.replace` makes, in bytes.
const MAX_BYTES: usize = 1 << 26;

/// What a match takes in an answer besides its text.
const MATCH_BYTES: usize = 96;

pub(super) fn is_valid(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let Value::String(pattern) = operands::any(operands, 1)? else {
        return answer(false);
    };
    context.spend(pattern.len().saturating_mul(16))?;
    match compiled::parse(pattern) {
        Ok(_) => answer(true),
        Err(BuiltinError::Lenient(_)) => answer(false),
        Err(other) => Err(other),
    }
}

pub(super) fn is_match(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (pattern, text) = (string(operands, 1)?, string(operands, 2)?);
    let compiled = compiled(context, pattern)?;
    answer(compiled.is_match(context, text)?)
}

/// What is between the matches. No text before a match that is empty at the start, nor after one that ends the text.
pub(super) fn split(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (pattern, text) = (string(operands, 1)?, string(operands, 2)?);
    let compiled = compiled(context, pattern)?;
    if !pattern.is_empty() && text.is_empty() {
        return answer(Array::from(vec![Value::from("")]));
    }
    let (mut parts, mut begin, mut end) = (Vec::new(), 0, 0);
    let part = |from: usize, to: usize| Value::from(text.get(from..to).unwrap_or_default());
    context.build(text.len())?;
    compiled.for_each(context, text, usize::MAX, |context, captures| {
        context.build(MATCH_BYTES)?;
        if let Some(found) = captures.get_match() {
            end = found.start();
            if found.end() != 0 {
                parts.push(part(begin, end));
            }
            begin = found.end();
        }
        Ok(())
    })?;
    if end != text.len() {
        parts.push(part(begin, text.len()));
    }
    answer(Array::from(parts))
}

/// The first `n` matches, or all.
pub(super) fn find_n(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (pattern, text, limit) = (string(operands, 1)?, string(operands, 2)?, limit(operands)?);
    let compiled = compiled(context, pattern)?;
    let mut found = Vec::new();
    context.build(text.len())?;
    compiled.for_each(context, text, limit, |context, captures| {
        context.build(MATCH_BYTES)?;
        let span = captures.get_match().map(|found| found.range());
        found.push(Value::from(
            span.and_then(|span| text.get(span)).unwrap_or_default(),
        ));
        Ok(())
    })?;
    answer(Array::from(found))
}

/// The first `n` matches, or all, each with its groups. A group that took no part is empty.
pub(super) fn find_all_string_submatch_n(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (pattern, text, limit) = (string(operands, 1)?, string(operands, 2)?, limit(operands)?);
    let compiled = compiled(context, pattern)?;
    let mut found = Vec::new();
    compiled.for_each(context, text, limit, |context, captures| {
        context.spend(compiled.groups().saturating_mul(16))?;
        let length = captures.get_match().map_or(0, |found| found.range().len());
        let bytes = length
            .saturating_add(MATCH_BYTES)
            .saturating_mul(compiled.groups());
        context.build(bytes)?;
        let group = |index| captures.get_group(index).and_then(|span| text.get(span.range()));
        let groups = (0..compiled.groups()).map(|index| Value::from(group(index).unwrap_or_default()));
        found.push(Value::Array(groups.collect()));
        Ok(())
    })?;
    answer(Array::from(found))
}

fn limit(operands: &[Value]) -> Result<usize, BuiltinError> {
    // A negative number is for all.
    Ok(usize::try_from(int(operands, 3)?).unwrap_or(usize::MAX))
}

pub(super) fn replace(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (text, pattern, value) = (string(operands, 1)?, string(operands, 2)?, string(operands, 3)?);
    let compiled = compiled(context, pattern)?;
    let (mut out, mut end) = (String::new(), 0);
    compiled.for_each(context, text, usize::MAX, |context, captures| {
        if let Some(found) = captures.get_match() {
            let before = out.len();
            out.push_str(text.get(end..found.start()).unwrap_or_default());
            // Names of groups are looked for among all of them.
            context.spend(value.len().saturating_mul(1 + compiled.groups() / 8))?;
            expand::expand(&compiled, value, text, captures, (&mut out, MAX_BYTES));
            end = found.end();
            context.spend(out.len() - before)?;
            context.room(out.len())?;
            if out.len() > MAX_BYTES {
                return Err(BuiltinError::Halt(format!(
                    "a string of more than {MAX_BYTES} bytes is refused"
                )));
            }
        }
        Ok(())
    })?;
    out.push_str(text.get(end..).unwrap_or_default());
    answer(out)
}

pub(super) fn template_match(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (template, text) = (string(operands, 1)?, string(operands, 2)?);
    let (start, end) = (string(operands, 3)?, string(operands, 4)?);
    let [start_byte] = start.as_bytes() else {
        return fail(format!(
            "start delimiter has to be exactly one character long but is {} long",
            start.len()
        ));
    };
    let [end_byte] = end.as_bytes() else {
        // OPA too names the length of the other one here.
        return fail(format!(
            "end delimiter has to be exactly one character long but is {} long",
            start.len()
        ));
    };
    context.spend(template.len().saturating_mul(32))?;
    let pattern = template::pattern(template, *start_byte, *end_byte)?;
    let compiled = compiled(context, &pattern)?;
    answer(compiled.is_match(context, text)?)
}

pub(super) use globs::globs_match;
