//! `semver.*`, as OPA reads versions: SemVer 2.0.0, with a `v` in front if one likes.

use std::cmp::Ordering;

use super::go_text::quote;
use super::operands::{self, string};
use super::{Answer, BuiltinError, Context, answer};
use crate::value::Value;

struct Version<'t> {
    /// Major, minor and patch.
    numbers: [i64; 3],
    /// Empty where there is none.
    pre_release: &'t str,
}

pub(super) fn compare(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (a, b) = (string(operands, 1)?, string(operands, 2)?);
    context.spend(a.len().saturating_add(b.len()))?;
    let version = |position: usize, text| {
        parse(text).ok_or_else(|| {
            let mut message = format!("operand {position}: string ");
            quote(text, &mut message);
            BuiltinError::Lenient(message + " is not a valid SemVer")
        })
    };
    let (a, b) = (version(1, a)?, version(2, b)?);
    let order = a.numbers.cmp(&b.numbers);
    let order = match order {
        Ordering::Equal => pre_releases(a.pre_release, b.pre_release)?,
        _ => order,
    };
    answer(match order {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    })
}

pub(super) fn is_valid(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let Value::String(text) = operands::any(operands, 1)? else {
        return answer(false);
    };
    context.spend(text.len())?;
    answer(parse(text).is_some())
}

fn parse(text: &str) -> Option<Version<'_>> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (text, metadata) = text
        .split_once('+')
        .map_or((text, None), |(text, metadata)| (text, Some(metadata)));
    let (core, pre_release) = text
        .split_once('-')
        .map_or((text, None), |(core, pre_release)| (core, Some(pre_release)));
    if metadata.is_some_and(|metadata| !are_identifiers(metadata)) {
        return None;
    }
    if pre_release.is_some_and(|text| !are_identifiers(text) || text.split('.').any(has_leading_zero)) {
        return None;
    }
    let mut parts = core.split('.');
    let numbers = [
        number(parts.next()?)?,
        number(parts.next()?)?,
        number(parts.next()?)?,
    ];
    parts.next().is_none().then_some(Version {
        numbers,
        pre_release: pre_release.unwrap_or_default(),
    })
}

fn are_identifiers(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    text.split('.')
        .all(|identifier| !identifier.is_empty() && identifier.bytes().all(is_letter))
}

fn has_leading_zero(identifier: &str) -> bool {
    identifier.len() > 1 && identifier.starts_with('0') && is_number(identifier)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn number(text: &str) -> Option<i64> {
    if is_number(text) && !has_leading_zero(text) {
        text.parse().ok()
    } else {
        None
    }
}

/// A version without a pre-release comes after all that have one. Of identifiers, numbers come before words.
fn pre_releases(a: &str, b: &str) -> Result<Ordering, BuiltinError> {
    if a == b {
        return Ok(Ordering::Equal);
    }
    if a.is_empty() || b.is_empty() {
        return Ok(b.len().cmp(&a.len()));
    }
    let (mut rest_a, mut rest_b) = (a.split('.'), b.split('.'));
    loop {
        let order = match (rest_a.next(), rest_b.next()) {
            (Some(a), Some(b)) => match (is_number(a), is_number(b)) {
                (true, true) => large(a).cmp(&large(b)),
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (false, false) => a.cmp(b),
            },
            (Some(_), None) => Ordering::Greater,
            (None, Some(_)) => Ordering::Less,
            // Numbers that are all beyond 64 bits: OPA compares on and on.
            (None, None) => {
                return Err(BuiltinError::Halt(
                    "pre-releases that differ in numbers beyond 64 bits only are refused".into(),
                ));
            }
        };
        if order != Ordering::Equal {
            return Ok(order);
        }
    }
}

/// A number of digits; OPA takes those beyond 64 bits to be the largest.
fn large(digits: &str) -> i64 {
    digits.parse().unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn what_isnt_a_version_is_refused() {
        for text in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "01.2.3",
            "1.2.3-",
            "1.2.3+",
            "1.2.3-01",
            "1.2.3-a..b",
            "vv1.2.3",
        ] {
            assert!(parse(text).is_none(), "{text}");
        }
        for text in ["1.2.3", "v1.2.3-0a.1+01", "1.2.3--", "0.0.0+-"] {
            assert!(parse(text).is_some(), "{text}");
        }
    }
}
