//! Durations: Go's `ParseDuration`, and OPA's days, weeks and years.

use crate::builtins::go_text::quote;

/// Nanoseconds. The error is in Go's words.
pub(in crate::builtins) fn parse(text: &str) -> Result<i64, String> {
    if text.contains(['d', 'w', 'y']) {
        return extended(text);
    }
    go(text)
}

fn error(problem: &str, text: &str) -> String {
    let mut message = format!("time: {problem} ");
    quote(text, &mut message);
    message
}

/// With `d`, `w` and `y`, which are so many hours each.
fn extended(text: &str) -> Result<i64, String> {
    let invalid = || error("invalid duration", text);
    let rewritten = in_hours(text).ok_or_else(invalid)?;
    go(&rewritten).map_err(|message| {
        // The text as it was given.
        let problem = message.rsplit_once(' ').map_or("", |(problem, _)| problem);
        let mut message = format!("{problem} ");
        quote(text, &mut message);
        message
    })
}

fn in_hours(text: &str) -> Option<String> {
    let unsigned = text.strip_prefix(['-', '+']);
    let mut out = if unsigned.is_some() {
        text.get(..1)?.to_owned()
    } else {
        String::new()
    };
    let mut rest = unsigned.unwrap_or(text);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|char: char| !char.is_ascii_digit() && char != '.')?;
        let (digits, after) = rest
            .split_at_checked(end)
            .filter(|(digits, _)| !digits.is_empty())?;
        let long = ["ms", "us", "µs", "ns"]
            .into_iter()
            .find(|unit| after.starts_with(unit));
        let unit = match long {
            Some(unit) => unit,
            None => after
                .get(..1)
                .filter(|unit| unit.bytes().all(|byte| byte.is_ascii_lowercase()))?,
        };
        rest = after.strip_prefix(unit)?;
        let hours = match unit {
            "d" => 24.0,
            "w" => 7.0 * 24.0,
            "y" => 365.0 * 24.0,
            _ => {
                out.push_str(digits);
                out.push_str(unit);
                continue;
            }
        };
        let value: f64 = digits.parse().ok().filter(|value: &f64| value.is_finite())?;
        out.push_str(&format!("{}h", value * hours));
    }
    Some(out)
}

const LARGEST: u64 = 1 << 63;

/// Go's `time.ParseDuration`, in nanoseconds. The error is in Go's words.
pub(in crate::builtins) fn go(text: &str) -> Result<i64, String> {
    let invalid = || error("invalid duration", text);
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0_u64;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => digits(after),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let whole = if whole.is_empty() {
            0
        } else {
            whole
                .parse::<u64>()
                .ok()
                .filter(|&whole| whole <= LARGEST)
                .ok_or_else(invalid)?
        };
        let end = after
            .find(|char: char| char == '.' || char.is_ascii_digit())
            .unwrap_or(after.len());
        let Some((unit, after)) = after.split_at_checked(end).filter(|(unit, _)| !unit.is_empty()) else {
            return Err(error("missing unit in duration", text));
        };
        let Some(scale) = nanoseconds(unit) else {
            let mut quoted = String::new();
            quote(unit, &mut quoted);
            return Err(error(&format!("unknown unit {quoted} in duration"), text));
        };
        if whole > LARGEST / scale {
            return Err(invalid());
        }
        let part = (whole * scale)
            .checked_add(part_of(fraction, scale))
            .filter(|&part| part <= LARGEST)
            .ok_or_else(invalid)?;
        total = total
            .checked_add(part)
            .filter(|&total| total <= LARGEST)
            .ok_or_else(invalid)?;
        rest = after;
    }
    let total = i128::from(total);
    i64::try_from(if negative { -total } else { total }).map_err(|_| invalid())
}

fn digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|char: char| !char.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn nanoseconds(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// What digits behind the point are of a unit, in Go's floats. Digits beyond 64 bits don't count.
fn part_of(digits: &str, unit: u64) -> u64 {
    let (mut value, mut scale) = (0_u64, 1.0_f64);
    for digit in digits.bytes().map(|byte| u64::from(byte - b'0')) {
        let next = if value > (LARGEST - 1) / 10 {
            None
        } else {
            Some(value * 10 + digit).filter(|&next| next <= LARGEST)
        };
        let Some(next) = next else { break };
        value = next;
        scale *= 10.0;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "Go converts likewise, and the value is at most the unit"
    )]
    {
        (value as f64 * (unit as f64 / scale)) as u64
    }
}
