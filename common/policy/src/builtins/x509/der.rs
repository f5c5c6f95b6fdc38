//! DER (X.690) as Go's `cryptobyte` reads it: elements of one-byte tags and lengths of at most four bytes, in the
//! shortest form. Total over any bytes.

use postern_rego::BuiltinError;

use super::super::{calendar, refuse};

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OID: u8 = 0x06;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// A context-specific tag.
pub(super) const fn context(number: u8) -> u8 {
    0x80 | number
}

/// A context-specific tag of what holds other elements.
pub(super) const fn constructed(number: u8) -> u8 {
    0xa0 | number
}

/// Bytes that are read from the left.
#[derive(Clone, Copy)]
pub(super) struct Der<'a>(pub(super) &'a [u8]);

/// An element.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    /// With tag and length.
    pub(super) whole: &'a [u8],
    pub(super) contents: &'a [u8],
}

impl<'a> Der<'a> {
    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Whether an element with that tag comes next.
    pub(super) fn is_next(self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// The next element, whatever it is.
    pub(super) fn any(&mut self) -> Option<Element<'a>> {
        let (header, tag, length) = match self.0 {
            [tag, ..] if tag & 0x1f == 0x1f => return None,
            [tag, length @ 0..=0x7f, ..] => (2, *tag, usize::from(*length)),
            [tag, form, rest @ ..] => {
                let count = usize::from(form & 0x7f);
                let bytes = rest.get(..count).filter(|_| (1..=4).contains(&count))?;
                let length = bytes
                    .iter()
                    .fold(0, |length, byte| length << 8 | usize::from(*byte));
                if length < 128 || bytes.first() == Some(&0) {
                    return None;
                }
                (2 + count, *tag, length)
            }
            _ => return None,
        };
        let (whole, rest) = self.0.split_at_checked(length.checked_add(header)?)?;
        self.0 = rest;
        Some(Element {
            tag,
            whole,
            contents: whole.get(header..)?,
        })
    }

    /// The next element, which must have that tag.
    pub(super) fn element(&mut self, tag: u8) -> Option<Element<'a>> {
        self.any().filter(|element| element.tag == tag)
    }

    /// The contents of the next element, which must have that tag.
    pub(super) fn read(&mut self, tag: u8) -> Option<Der<'a>> {
        self.element(tag).map(|element| Der(element.contents))
    }

    /// As [`Der::read`], if such an element comes next.
    pub(super) fn optional(&mut self, tag: u8) -> Option<Option<Der<'a>>> {
        if self.is_next(tag) {
            self.read(tag).map(Some)
        } else {
            Some(None)
        }
    }

    pub(super) fn boolean(&mut self) -> Option<bool> {
        match self.read(BOOLEAN)?.0 {
            [0] => Some(false),
            [0xff] => Some(true),
            _ => None,
        }
    }

    /// The two's complement of an integer, in the shortest form.
    pub(super) fn integer_with(&mut self, tag: u8) -> Option<&'a [u8]> {
        match self.read(tag)?.0 {
            [] => None,
            [0, second, ..] if second & 0x80 == 0 => None,
            [0xff, second, ..] if second & 0x80 != 0 => None,
            bytes => Some(bytes),
        }
    }

    pub(super) fn integer(&mut self) -> Option<&'a [u8]> {
        self.integer_with(INTEGER)
    }

    /// An integer of at most 64 bits.
    pub(super) fn small_with(&mut self, tag: u8) -> Option<i64> {
        let bytes = self.integer_with(tag)?;
        if bytes.len() > 8 {
            return None;
        }
        let sign = if bytes.first()? & 0x80 == 0 { 0 } else { -1 };
        Some(
            bytes
                .iter()
                .fold(sign, |value, byte| value << 8 | i64::from(*byte)),
        )
    }

    /// An object identifier.
    pub(super) fn oid(&mut self) -> Option<Vec<u32>> {
        oid(self.read(OID)?.0)
    }

    /// A string of bits: how many of the last byte aren't used, and the bytes.
    pub(super) fn bits(&mut self) -> Option<(u8, &'a [u8])> {
        let (unused, bytes) = self.read(BIT_STRING)?.0.split_first()?;
        let mask = 1_u8.checked_shl(u32::from(*unused))?.wrapping_sub(1);
        match bytes.last() {
            None if *unused != 0 => None,
            Some(last) if *unused > 7 || last & mask != 0 => None,
            _ => Some((*unused, bytes)),
        }
    }

    /// A time, in seconds since the Unix epoch.
    pub(super) fn time(&mut self) -> Result<Option<i64>, BuiltinError> {
        let Some(element) = self.any() else {
            return Ok(None);
        };
        let Ok(text) = std::str::from_utf8(element.contents) else {
            return Ok(None);
        };
        if text.contains(['+', '-']) {
            return refuse("a time with an offset from UTC");
        }
        Ok(match element.tag {
            UTC_TIME => utc_time(text),
            GENERALIZED_TIME if text.len() == 15 => text
                .split_at_checked(4)
                .and_then(|(year, rest)| seconds(digits(year)?, rest)),
            _ => None,
        })
    }
}

/// `YYMMDDHHMMSSZ`, of 1950 to 2049; the seconds may be left out.
fn utc_time(text: &str) -> Option<i64> {
    let (year, rest) = text.split_at_checked(2)?;
    let year = digits(year)?;
    // Go reads two digits as 1969 to 2068, and then takes a century from those past 2049: the leap days are the same.
    let year = if year >= 50 { 1900 + year } else { 2000 + year };
    match rest.len() {
        11 => seconds(year, rest),
        9 => seconds(year, &format!("{}00Z", rest.strip_suffix('Z')?)),
        _ => None,
    }
}

/// `MMDDHHMMSSZ` of a year.
fn seconds(year: i64, text: &str) -> Option<i64> {
    let text = text.strip_suffix('Z')?;
    let part = |at: usize| text.get(at..at + 2).and_then(digits);
    let (month, day) = (part(0)?, part(2)?);
    let (hour, minute, second) = (part(4)?, part(6)?, part(8)?);
    let is_date = (1..=12).contains(&month) && (1..=calendar::month_length(year, month)).contains(&day);
    if text.len() != 10 || !is_date || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(calendar::days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

fn digits(text: &str) -> Option<i64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

/// The numbers of an object identifier, of which Go takes those below 2^31.
pub(super) fn oid(bytes: &[u8]) -> Option<Vec<u32>> {
    let mut numbers = Vec::with_capacity(bytes.len() + 1);
    let mut rest = bytes;
    while !rest.is_empty() {
        let mut number = 0_u32;
        let mut first = true;
        loop {
            let (byte, after) = rest.split_first()?;
            rest = after;
            if number >= 1 << 24 || (first && *byte == 0x80) {
                return None;
            }
            first = false;
            number = number << 7 | u32::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                break;
            }
        }
        if numbers.is_empty() {
            let arc = (number / 40).min(2);
            numbers.extend([arc, number - 40 * arc]);
        } else {
            numbers.push(number);
        }
    }
    if numbers.is_empty() { None } else { Some(numbers) }
}

#[cfg(test)]
mod tests {
    use super::{Der, oid};

    #[test]
    fn lengths_are_in_the_shortest_form_or_refused() {
        let length = |bytes: &[u8]| Der(bytes).any().map(|element| element.contents.len());
        assert_eq!(length(&[4, 1, 0]), Some(1));
        assert_eq!(length(&[4, 2, 0]), None);
        assert_eq!(length(&[4, 0x81, 1, 0]), None);
        let mut long = vec![4, 0x81, 0x80];
        long.extend([0; 0x80]);
        assert_eq!(length(&long), Some(0x80));
        let mut long = vec![4, 0x82, 0, 0x80];
        long.extend([0; 0x80]);
        assert_eq!(length(&long), None);
        for bytes in [
            &[][..],
            &[4],
            &[0x1f, 1, 0],
            &[4, 0x80],
            &[4, 0x85, 0, 0, 0, 0, 1],
        ] {
            assert_eq!(length(bytes), None, "{bytes:x?}");
        }
    }

    #[test]
    fn integers_have_their_sign() {
        let small = |bytes: &[u8]| Der(bytes).small_with(2);
        assert_eq!(small(&[2, 1, 0x7f]), Some(127));
        assert_eq!(small(&[2, 1, 0x80]), Some(-128));
        assert_eq!(small(&[2, 2, 0, 0x80]), Some(128));
        assert_eq!(small(&[2, 2, 0, 0x7f]), None);
        assert_eq!(small(&[2, 0]), None);
        assert_eq!(small(&[2, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0]), None);
    }

    #[test]
    fn times_are_of_the_calendar() {
        let time = |tag: u8, text: &str| {
            let mut der = vec![tag, u8::try_from(text.len()).unwrap()];
            der.extend(text.as_bytes());
            Der(&der).time().unwrap()
        };
        assert_eq!(time(0x17, "700101000000Z"), Some(0));
        assert_eq!(time(0x17, "7001010001Z"), Some(60));
        assert_eq!(time(0x17, "491231235959Z"), Some(2_524_607_999));
        assert_eq!(time(0x17, "500101000000Z"), Some(-631_152_000));
        assert_eq!(time(0x18, "19700101000000Z"), Some(0));
        for text in [
            "700230000000Z",
            "701301000000Z",
            "700101240000Z",
            "700101000000",
            "70010100000Z",
        ] {
            assert_eq!(time(0x17, text), None, "{text}");
        }
        assert!(Der(&[0x17, 17]).time().unwrap().is_none());
    }

    #[test]
    fn object_identifiers_are_gos() {
        assert_eq!(oid(&[0x2a, 0x86, 0x48]), Some(vec![1, 2, 840]));
        assert_eq!(oid(&[0x88, 0x37]), Some(vec![2, 999]));
        for bytes in [
            &[][..],
            &[0x80, 1],
            &[0x2a, 0x86],
            &[0x2a, 0x88, 0x80, 0x80, 0x80, 0],
        ] {
            assert_eq!(oid(bytes), None, "{bytes:x?}");
        }
    }
}
