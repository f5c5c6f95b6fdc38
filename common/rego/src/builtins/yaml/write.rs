//! Values as go-yaml v3 writes them with an indent of two.

use super::Problem;
use super::scalar::{is_date, resolve};
use crate::builtins::{BuiltinError, Context};
use crate::number::Number;
use crate::value::{Object, Value};

/// The most members of one object: their order takes each against each.
const MAX_MEMBERS: usize = 1000;
/// The longest key, in bytes; go-yaml writes longer ones otherwise.
const MAX_KEY: usize = 100;

/// Appends a document.
pub(super) fn write(context: &mut Context<'_>, value: &Value, out: &mut String) -> Result<(), BuiltinError> {
    if block(context, value, 0, true, out)? {
        return Ok(());
    }
    out.push_str(&leaf(value)?);
    out.push('\n');
    Ok(())
}

/// Appends a collection that has anything in it, and says whether it is one. The first line may have its indent already.
fn block(
    context: &mut Context<'_>,
    value: &Value,
    indent: usize,
    mut started: bool,
    out: &mut String,
) -> Result<bool, BuiltinError> {
    let items: Vec<&Value> = match value {
        Value::Array(array) => array.iter().collect(),
        Value::Set(set) => set.iter().collect(),
        Value::Object(object) if !object.is_empty() => {
            mapping(context, object, indent, started, out)?;
            return Ok(true);
        }
        _ => return Ok(false),
    };
    let is_empty = items.is_empty();
    for item in items {
        context.spend(16)?;
        context.room(out.len())?;
        start(&mut started, indent, out);
        out.push_str("- ");
        if !block(context, item, indent + 2, true, out)? {
            out.push_str(&leaf(item)?);
            out.push('\n');
        }
    }
    Ok(!is_empty)
}

fn mapping(
    context: &mut Context<'_>,
    object: &Object,
    indent: usize,
    mut started: bool,
    out: &mut String,
) -> Result<(), BuiltinError> {
    if object.len() > MAX_MEMBERS {
        return Err(Problem::NotSupported("so many members").into());
    }
    context.spend(object.len().saturating_pow(2).saturating_mul(8))?;
    for (key, value) in sorted(object)? {
        context.room(out.len())?;
        start(&mut started, indent, out);
        out.push_str(&text(key)?);
        out.push(':');
        let is_block =
            matches!(value, Value::Array(_) | Value::Set(_) | Value::Object(_)) && value.length() != Some(0);
        if is_block {
            out.push('\n');
            block(context, value, indent + 2, false, out)?;
        } else {
            out.push(' ');
            out.push_str(&leaf(value)?);
            out.push('\n');
        }
    }
    Ok(())
}

fn start(started: &mut bool, indent: usize, out: &mut String) {
    if !std::mem::take(started) {
        out.extend(std::iter::repeat_n(' ', indent));
    }
}

/// A value on one line.
fn leaf(value: &Value) -> Result<String, Problem> {
    Ok(match value {
        Value::Null => "null".into(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => self::number(number)?,
        Value::String(string) => text(string)?,
        Value::Array(_) | Value::Set(_) => "[]".into(),
        Value::Object(_) => "{}".into(),
    })
}

/// An integer as it is, a float in Go's shortest form.
fn number(number: &Number) -> Result<String, Problem> {
    let source = number.as_str();
    if !source.contains(['.', 'e', 'E']) {
        let is_small = source.parse::<i64>().is_ok() || source.parse::<u64>().is_ok();
        if is_small {
            return Ok(if source == "-0" {
                "0".into()
            } else {
                source.into_owned()
            });
        }
    }
    let value: f64 = source
        .parse()
        .map_err(|_| Problem::NotSupported("such numbers"))?;
    if !value.is_finite() {
        return Err(Problem::NotSupported("such numbers"));
    }
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return Ok(scientific);
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) || value == 0.0 {
        return Ok(format!("{value}"));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    Ok(format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs()))
}

/// A string: plain where it reads as the same, in double quotes where it reads as something else, and in single ones
/// where it has characters with a meaning.
fn text(string: &str) -> Result<String, Problem> {
    let is_printable =
        |char| matches!(char, ' '..='~' | '\u{a0}'..='\u{d7ff}') && !matches!(char, '\u{2028}' | '\u{2029}');
    if !string.chars().all(is_printable) {
        return Err(Problem::NotSupported(
            "several lines or control characters in a string",
        ));
    }
    let reads_as_text = !string.is_empty() && matches!(resolve(string), Ok(Value::String(_)));
    if !reads_as_text || is_date(string) || is_old(string) {
        let escaped = string.replace('\\', "\\\\").replace('"', "\\\"");
        return Ok(format!("\"{escaped}\""));
    }
    if needs_quotes(string) {
        return Ok(format!("'{}'", string.replace('\'', "''")));
    }
    Ok(string.to_owned())
}

/// Whether YAML 1.1 had another meaning for it: a word for a boolean, or a number of base 60.
fn is_old(string: &str) -> bool {
    let words = [
        "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF",
    ];
    if words.contains(&string) {
        return true;
    }
    let digits = string.strip_prefix(['+', '-']).unwrap_or(string);
    let mut parts = digits.split(':');
    let first = parts.next().unwrap_or_default();
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let mut rest: Vec<&str> = parts.collect();
    if rest.is_empty() || !first.starts_with(|char: char| char.is_ascii_digit()) || !is_number(first) {
        return false;
    }
    // The last may have a fraction.
    if let Some(last) = rest.last_mut()
        && let Some((whole, fraction)) = last.split_once('.')
        && is_number(fraction)
    {
        *last = whole;
    }
    rest.iter().all(|part| match part.as_bytes() {
        [one] => one.is_ascii_digit(),
        [b'0'..=b'5', two] => two.is_ascii_digit(),
        _ => false,
    })
}

fn needs_quotes(string: &str) -> bool {
    let starts_with_meaning = string.starts_with([
        '#', ',', '[', ']', '{', '}', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`', ' ',
    ]);
    let first_alone = ["-", "?", ":"].iter().any(|sign| {
        string
            .strip_prefix(sign)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    });
    starts_with_meaning
        || first_alone
        || string.ends_with([' ', ':'])
        || string.contains(": ")
        || string.contains(" #")
        || string.starts_with("---")
        || string.starts_with("...")
}

/// The members in go-yaml's order of keys.
fn sorted(object: &Object) -> Result<Vec<(&str, &Value)>, Problem> {
    let mut members: Vec<(&str, &Value)> = Vec::with_capacity(object.len());
    for (key, value) in object {
        let Value::String(key) = key else {
            return Err(Problem::NotSupported("keys that aren't strings"));
        };
        // Go lets numbers of twenty digits overflow.
        let digits = key.bytes().filter(u8::is_ascii_digit).count();
        if key.len() > MAX_KEY || !key.is_ascii() || key.as_ref() == "<<" || digits > 17 {
            return Err(Problem::NotSupported("such keys"));
        }
        let at = members
            .iter()
            .position(|(other, _)| less(key, other))
            .unwrap_or(members.len());
        members.insert(at, (key, value));
    }
    // The order isn't one for all keys; what Go's sorting makes of those isn't known.
    let is_ordered = |at: usize| {
        let (Some((key, _)), Some(after)) = (members.get(at), members.get(at + 1..)) else {
            return true;
        };
        after
            .iter()
            .all(|(other, _)| less(key, other) && !less(other, key))
    };
    if (0..members.len()).all(is_ordered) {
        Ok(members)
    } else {
        Err(Problem::NotSupported("keys that have no order"))
    }
}

/// Whether a key comes before another: letters after what is none, and digits as numbers.
fn less(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut digits = false;
    for (at, (x, y)) in a.iter().zip(b).enumerate() {
        if x == y {
            digits = x.is_ascii_digit();
            continue;
        }
        match (x.is_ascii_alphabetic(), y.is_ascii_alphabetic()) {
            (true, true) => return x < y,
            (false, false) => {}
            (x_is_letter, y_is_letter) => return if digits { x_is_letter } else { y_is_letter },
        }
        // A zero within a number counts as a digit of it.
        let within = a
            .get(..at)
            .unwrap_or_default()
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_digit());
        let start = u128::from((*x == b'0' || *y == b'0') && within.into_iter().any(|byte| *byte != b'0'));
        let number = |text: &[u8]| {
            let digits = text
                .get(at..)
                .unwrap_or_default()
                .iter()
                .take_while(|byte| byte.is_ascii_digit());
            digits.fold((start, 0_usize), |(value, count), byte| {
                (
                    value.saturating_mul(10).saturating_add(u128::from(byte - b'0')),
                    count + 1,
                )
            })
        };
        let ((x_value, x_count), (y_value, y_count)) = (number(a), number(b));
        if x_value != y_value {
            return x_value < y_value;
        }
        if x_count != y_count {
            return x_count < y_count;
        }
        return x < y;
    }
    a.len() < b.len()
}
