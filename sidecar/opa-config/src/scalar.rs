//! What an unquoted word of YAML means to OPA: go-yaml's resolution, then JSON.

use crate::tree::Value;

/// The value of the unquoted `text`.
pub(crate) fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Flag(true),
        "false" | "False" | "FALSE" => return Value::Flag(false),
        _ => {}
    }
    match number(text) {
        Some(number) if number.is_finite() => Value::Number(number),
        _ => Value::Text {
            text: text.to_owned(),
            spelled: spelled(text),
        },
    }
}

fn spelled(text: &str) -> Option<bool> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

/// Decimal, `0x`, `0o`, `0b`, and a leading zero for octal; underscores between digits; decimals and exponents.
fn number(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    let digits: String = unsigned.chars().filter(|c| *c != '_').collect();
    let (radix, rest) = match digits.get(..2) {
        Some("0x" | "0X") => (16, digits.get(2..)?),
        Some("0o" | "0O") => (8, digits.get(2..)?),
        Some("0b" | "0B") => (2, digits.get(2..)?),
        _ if digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit()) => {
            (8, digits.as_str())
        }
        _ => (10, digits.as_str()),
    };
    if radix != 10 {
        // `0o` takes no second sign; a word such as 0xyz is a string, and so is 089's 9 (which go-yaml reads as 89.0).
        let whole = u64::from_str_radix(rest, radix).ok().map(as_float);
        return whole.or_else(|| digits.parse().ok()).map(|number| sign * number);
    }
    let decimal = digits
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    decimal
        .then(|| digits.parse::<f64>().ok())
        .flatten()
        .map(|number| sign * number)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "JSON's numbers in Go are floats of 64 bits, too"
)]
fn as_float(whole: u64) -> f64 {
    whole as f64
}
