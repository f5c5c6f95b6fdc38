//! What a plain scalar is, as go-yaml v3 resolves it.

use super::Problem;
use crate::builtins::time::parse_time;
use crate::number::Number;
use crate::value::Value;

/// The value of a scalar without quotes.
pub(super) fn resolve(text: &str) -> Result<Value, Problem> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        "<<" => return Err(Problem::NotSupported("merge keys")),
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf"
        | "-.Inf" | "-.INF" => return Err(Problem::Invalid("json: unsupported value".into())),
        _ => match text.bytes().next() {
            Some(b'0'..=b'9' | b'+' | b'-') => number(text).map_or_else(|| Value::from(text), Value::Number),
            // As Go reads floats: nothing but digits and an exponent may follow.
            Some(b'.') => float(text).map_or_else(|| Value::from(text), Value::Number),
            _ => Value::from(text),
        },
    })
}

/// An integer in any of Go's bases, or a float.
fn number(text: &str) -> Option<Number> {
    if is_date(text) {
        return None;
    }
    let plain = text.replace('_', "");
    if let Some(int) = integer(&plain) {
        return Some(int);
    }
    float(&plain)
}

fn integer(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['+', '-']);
    let digits = unsigned.unwrap_or(text);
    let (digits, radix) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (digits.get(2..)?, 16),
        [b'0', b'o' | b'O', ..] => (digits.get(2..)?, 8),
        [b'0', b'b' | b'B', ..] => (digits.get(2..)?, 2),
        [b'0', _, ..] => (digits.get(1..)?, 8),
        _ => (digits, 10),
    };
    // Rust would take another sign.
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    if text.starts_with('-') {
        let value = -i128::from(magnitude);
        return i64::try_from(value).ok().map(Number::from_i64);
    }
    if unsigned.is_some() && magnitude > i64::MAX.unsigned_abs() {
        return None;
    }
    Some(Number::from_u64(magnitude))
}

/// `-1.5e3`, kept as Go writes it into JSON.
fn float(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let are_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_is_right = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && are_digits(digits)
    });
    let has_digits = !whole.is_empty() || !fraction.is_empty();
    if !has_digits || !are_digits(whole) || !are_digits(fraction) || !exponent_is_right {
        return None;
    }
    let value: f64 = text.parse().ok().filter(|value: &f64| value.is_finite())?;
    Number::from_source(&json(value))
}

/// A float as Go's encoding/json writes it.
pub(super) fn json(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        let text = format!("{value:e}");
        return match text.split_once('e') {
            Some((mantissa, exponent)) if !exponent.starts_with('-') => format!("{mantissa}e+{exponent}"),
            _ => text,
        };
    }
    format!("{value}")
}

/// Whether it is a date or a time, which have their own type in YAML 1.1. In JSON they are text.
pub(super) fn is_date(text: &str) -> bool {
    let year = text.bytes().take_while(u8::is_ascii_digit).count();
    if year != 4 || !text.get(4..).is_some_and(|rest| rest.starts_with('-')) {
        return false;
    }
    [
        "2006-1-2T15:4:5.999999999Z07:00",
        "2006-1-2t15:4:5.999999999Z07:00",
        "2006-1-2 15:4:5.999999999",
        "2006-1-2",
    ]
    .iter()
    .any(|layout| parse_time(layout, text).is_ok())
}
