//! `format`: what gojsonschema knows of it. Where Go's reader takes more than can be told here for sure, such a text is
//! refused.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{BuiltinError, Context, is_pattern, refused};

/// Whether a text has the format; unknown formats take all.
pub(super) fn is_format(context: &mut Context<'_>, format: &str, text: &str) -> Result<bool, BuiltinError> {
    Ok(match format {
        "date" => date(text) == Some(""),
        "time" => zoned(text) || time(text) == Some(""),
        "date-time" => date_time(text),
        "hostname" => text.len() < 256 && text.split('.').all(is_label),
        "email" | "idn-email" => return email(text),
        "ipv4" => text.contains('.') && is_ip(text),
        "ipv6" => text.contains(':') && is_ip(text),
        "uuid" => is_uuid(text),
        "regex" => text.is_empty() || is_pattern(context, text)?,
        "json-pointer" => is_pointer(text),
        "relative-json-pointer" => is_relative_pointer(text),
        "uri" | "iri" | "uri-reference" | "iri-reference" | "uri-template" => return uri(format, text),
        _ => true,
    })
}

/// So many digits, and what follows.
fn digits(text: &str, count: usize) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(count)?;
    let all = digits.bytes().all(|byte| byte.is_ascii_digit());
    Some((digits.parse().ok().filter(|_| all)?, rest))
}

/// What follows a date.
fn date(text: &str) -> Option<&str> {
    let (year, rest) = digits(text, 4)?;
    let (month, rest) = digits(rest.strip_prefix('-')?, 2)?;
    let (day, rest) = digits(rest.strip_prefix('-')?, 2)?;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    (1..=days).contains(&day).then_some(rest)
}

/// What follows a time; Go reads an hour of one digit, and fractions, though nobody asked for them.
fn time(text: &str) -> Option<&str> {
    let (hour, rest) = digits(text, 2).or_else(|| digits(text, 1))?;
    let (minute, rest) = digits(rest.strip_prefix(':')?, 2)?;
    let (second, rest) = digits(rest.strip_prefix(':')?, 2)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let fraction = rest.strip_prefix(['.', ',']).unwrap_or_default();
    let after = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    Some(if after.len() < fraction.len() { after } else { rest })
}

fn zoned(text: &str) -> bool {
    time(text).is_some_and(|zone| {
        if zone == "Z" {
            return true;
        }
        let offset = zone.strip_prefix(['+', '-']).and_then(|zone| digits(zone, 2));
        let Some((hours, rest)) = offset else { return false };
        let minutes = rest.strip_prefix(':').and_then(|rest| digits(rest, 2));
        matches!(minutes, Some((minutes, "")) if hours <= 24 && minutes <= 60)
    })
}

fn date_time(text: &str) -> bool {
    match date(text) {
        Some("") => true,
        Some(rest) => rest.strip_prefix('T').is_some_and(zoned),
        None => zoned(text) || time(text) == Some(""),
    }
}

fn is_label(label: &str) -> bool {
    let bytes = label.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    (1..=63).contains(&bytes.len())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        && ends.iter().all(|end| end.is_some_and(u8::is_ascii_alphanumeric))
}

/// One plain address is one; a text without `@` is none; what else Go reads as one is its secret.
fn email(text: &str) -> Result<bool, BuiltinError> {
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte))
    };
    let Some((local, domain)) = text.split_once('@') else {
        return Ok(false);
    };
    if local.split('.').all(is_atom) && domain.split('.').all(is_atom) {
        return Ok(true);
    }
    Err(refused(
        "an e-mail address of an unusual form under a JSON schema",
    ))
}

fn is_ip(text: &str) -> bool {
    text.parse::<Ipv4Addr>().is_ok() || text.parse::<Ipv6Addr>().is_ok()
}

fn is_uuid(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let parts: Vec<&str> = text.split('-').collect();
    let is_part = |(part, length): (&&str, usize)| {
        part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    parts.len() == lengths.len() && parts.iter().zip(lengths).all(is_part)
}

fn is_pointer(text: &str) -> bool {
    let tokens_are_escaped = text.split('~').skip(1).all(|after| after.starts_with(['0', '1']));
    (text.is_empty() || text.starts_with('/')) && tokens_are_escaped
}

fn is_relative_pointer(text: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = text.strip_suffix(rest).unwrap_or_default();
    let is_number = number == "0" || !(number.is_empty() || number.starts_with('0'));
    is_number && (rest == "#" || is_pointer(rest))
}

/// Whether a plain URL is one is plain.
fn uri(format: &str, text: &str) -> Result<bool, BuiltinError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
    let is_absolute = match text.split_once("://") {
        Some(("http" | "https", rest)) => {
            rest.starts_with(|c: char| c.is_ascii_alphanumeric()) && rest.chars().all(is_plain)
        }
        _ => false,
    };
    if is_absolute {
        return Ok(true);
    }
    if !text.is_empty() && text.chars().all(is_plain) {
        // A path, which has no scheme.
        return Ok(!matches!(format, "uri" | "iri"));
    }
    Err(refused("a URI of an unusual form under a JSON schema"))
}
