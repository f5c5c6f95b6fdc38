//! Small parts of a time's text, read from its start. Bytes, since Go counts them.

/// The text isn't what it should be.
#[derive(Debug)]
pub(super) struct Bad;

/// What follows the literal text of a layout, a space of which is as many as one likes. The error is what is left of the text.
pub(super) fn skip<'t>(mut text: &'t [u8], mut prefix: &[u8]) -> Result<&'t [u8], &'t [u8]> {
    while let Some((first, after)) = prefix.split_first() {
        if *first == b' ' {
            if text.first().is_some_and(|byte| *byte != b' ') {
                return Err(text);
            }
            (prefix, text) = (without_spaces(prefix), without_spaces(text));
            continue;
        }
        match text.split_first() {
            Some((byte, rest)) if byte == first => (prefix, text) = (after, rest),
            _ => return Err(text),
        }
    }
    Ok(text)
}

fn without_spaces(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|byte| **byte == b' ').count();
    text.get(spaces..).unwrap_or_default()
}

/// So many bytes.
pub(super) fn fixed<'t>(text: &mut &'t [u8], length: usize) -> Result<&'t [u8], Bad> {
    let (taken, rest) = text.split_at_checked(length).ok_or(Bad)?;
    *text = rest;
    Ok(taken)
}

/// A number that may have a sign.
pub(super) fn integer(text: &[u8]) -> Result<i64, Bad> {
    let (negative, digits) = match text.split_first() {
        Some((b'-', digits)) => (true, digits),
        Some((b'+', digits)) => (false, digits),
        _ => (false, text),
    };
    if digits.len() > 18 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Bad);
    }
    let value = digits
        .iter()
        .fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
    Ok(if negative { -value } else { value })
}

/// One or two digits, or exactly two.
pub(super) fn number(text: &mut &[u8], two: bool) -> Result<i64, Bad> {
    let digits = text
        .iter()
        .take(2)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    match digits {
        2 => {}
        1 if !two => {}
        _ => return Err(Bad),
    }
    integer(fixed(text, digits)?)
}

/// Up to three digits, or exactly three.
pub(super) fn year_day(text: &mut &[u8], three: bool) -> Result<i64, Bad> {
    let digits = text
        .iter()
        .take(3)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if digits == 0 || three && digits != 3 {
        return Err(Bad);
    }
    integer(fixed(text, digits)?)
}

/// The position of the name that comes, as far as so many letters of it, in any case.
pub(super) fn lookup(text: &mut &[u8], names: &[&str], letters: usize) -> Result<i64, Bad> {
    for (index, name) in names.iter().enumerate() {
        let name = name.get(..letters.min(name.len())).unwrap_or_default();
        if let Some((start, rest)) = text.split_at_checked(name.len())
            && start.eq_ignore_ascii_case(name.as_bytes())
        {
            *text = rest;
            return i64::try_from(index).map_err(|_| Bad);
        }
    }
    Err(Bad)
}

/// How many bytes a point or comma and the digits after it are; 0 where there are none.
pub(super) fn fraction_length(text: &[u8]) -> usize {
    match text.split_first() {
        Some((b'.' | b',', rest)) => match rest.iter().take_while(|byte| byte.is_ascii_digit()).count() {
            0 => 0,
            digits => digits + 1,
        },
        _ => 0,
    }
}

/// What a point or comma and digits are of a second. More than nine digits don't count.
pub(super) fn nanoseconds(text: &[u8]) -> Result<i64, Bad> {
    let Some((b'.' | b',', digits)) = text.split_first() else {
        return Err(Bad);
    };
    let digits = digits.get(..9).unwrap_or(digits);
    let missing = u32::try_from(9 - digits.len()).map_err(|_| Bad)?;
    Ok(integer(digits)? * 10_i64.pow(missing))
}

/// How long the name of a zone at the start is.
pub(super) fn zone_length(text: &[u8]) -> Option<usize> {
    if text.len() < 3 {
        return None;
    }
    if text.starts_with(b"ChST") || text.starts_with(b"MeST") {
        return Some(4);
    }
    if let Some(offset) = text.strip_prefix(b"GMT") {
        return Some(3 + signed_offset(offset));
    }
    if matches!(text.first(), Some(b'+' | b'-')) {
        return Some(signed_offset(text)).filter(|length| *length > 0);
    }
    match text
        .iter()
        .take(6)
        .take_while(|byte| byte.is_ascii_uppercase())
        .count()
    {
        5 if text.get(4) == Some(&b'T') => Some(5),
        4 if text.get(3) == Some(&b'T') || text.starts_with(b"WITA") => Some(4),
        3 => Some(3),
        _ => None,
    }
}

/// How long a signed number of hours up to 23 at the start is; 0 where there is none.
fn signed_offset(text: &[u8]) -> usize {
    let Some((b'+' | b'-', rest)) = text.split_first() else {
        return 0;
    };
    let digits: Vec<u8> = rest.iter().copied().take_while(u8::is_ascii_digit).collect();
    let value = std::str::from_utf8(&digits)
        .ok()
        .and_then(|digits| digits.parse::<u64>().ok());
    match value {
        Some(hours) if hours <= 23 => 1 + digits.len(),
        _ => 0,
    }
}
