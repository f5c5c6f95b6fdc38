//! `regex.globs_match`: whether two simple patterns have a text in common, as the Go module glob-intersection (v0.2.0)
//! decides it, its shortcuts included.

mod tokens;

use tokens::{Flag, Token, tokens};

use crate::builtins::operands::string;
use crate::builtins::{Answer, BuiltinError, Context, answer, fail};
use crate::value::Value;

/// The most `+` and `*` in one pattern, which is how deep the search nests.
const MAX_FLAGS: usize = 400;

type Found = Result<bool, BuiltinError>;

pub(in crate::builtins) fn globs_match(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (left, right) = (string(operands, 1)?, string(operands, 2)?);
    context.spend(left.len().saturating_add(right.len()).saturating_mul(16))?;
    context.room(left.len().saturating_add(right.len()).saturating_mul(64))?;
    let (left, right) = (read(left)?, read(right)?);
    answer(intersect(context, &left, &right)?)
}

fn read(text: &str) -> Result<Vec<Token>, BuiltinError> {
    let tokens = tokens(text).or_else(fail)?;
    if tokens.iter().filter(|token| token.flag != Flag::None).count() > MAX_FLAGS {
        return Err(BuiltinError::Halt(format!(
            "a pattern with more than {MAX_FLAGS} of + and * is refused"
        )));
    }
    Ok(tokens)
}

fn intersect(context: &mut Context<'_>, left: &[Token], right: &[Token]) -> Found {
    match trimmed(left, right) {
        Some((left, right)) => plain(context, left, right),
        None => Ok(false),
    }
}

/// Without what is plain at both ends of both; nothing if that differs.
fn trimmed<'t>(left: &'t [Token], right: &'t [Token]) -> Option<(&'t [Token], &'t [Token])> {
    let is_plain = |(a, b): &(&Token, &Token)| a.flag == Flag::None && b.flag == Flag::None;
    let mut start = 0;
    for (a, b) in left.iter().zip(right).take_while(is_plain) {
        if !a.matches(b) {
            return None;
        }
        start += 1;
    }
    // One that is alike stays at each end.
    start = usize::saturating_sub(start, 1);
    let (left, right) = (left.get(start..)?, right.get(start..)?);
    let mut tail = 0;
    for (a, b) in left.iter().rev().zip(right.iter().rev()).take_while(is_plain) {
        if !a.matches(b) {
            return None;
        }
        tail += 1;
    }
    tail = usize::saturating_sub(tail, 1);
    Some((left.get(..left.len() - tail)?, right.get(..right.len() - tail)?))
}

fn plain(context: &mut Context<'_>, left: &[Token], right: &[Token]) -> Found {
    let (mut rest_left, mut rest_right) = (left, right);
    while let (Some((a, after_a)), Some((b, after_b))) = (rest_left.split_first(), rest_right.split_first()) {
        context.spend(16)?;
        match (a.flag, b.flag) {
            (Flag::None, Flag::None) => {
                if !a.matches(b) {
                    return Ok(false);
                }
            }
            (Flag::Plus, _) => return plus(context, (a, after_a), rest_right),
            (Flag::Star, _) => return star(context, (a, after_a), rest_right),
            (Flag::None, Flag::Plus) => return plus(context, (b, after_b), rest_left),
            (Flag::None, Flag::Star) => return star(context, (b, after_b), rest_left),
        }
        (rest_left, rest_right) = (after_a, after_b);
    }
    Ok(rest_left.is_empty() && rest_right.is_empty())
}

/// The first part at least once: the pattern's first token and what follows it, against what isn't empty.
fn plus(context: &mut Context<'_>, (first, after): (&Token, &[Token]), other: &[Token]) -> Found {
    let Some((next, rest)) = other.split_first() else {
        return Ok(false);
    };
    if !first.matches(next) {
        return Ok(false);
    }
    if star(context, (first, after), rest)? {
        return Ok(true);
    }
    Ok(next.flag != Flag::None && plain(context, after, other)?)
}

/// The first part any number of times.
fn star(context: &mut Context<'_>, (first, after): (&Token, &[Token]), other: &[Token]) -> Found {
    for (at, token) in other.iter().enumerate() {
        context.spend(16)?;
        let goes_on = after.first().is_some_and(|next| token.matches(next));
        if goes_on && plain(context, after, other.get(at..).unwrap_or_default())? {
            return Ok(true);
        }
        if !token.matches(first) {
            return Ok(false);
        }
    }
    Ok(after.is_empty())
}
