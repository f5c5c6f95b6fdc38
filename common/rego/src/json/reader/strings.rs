//! Strings: what stands between two quotes, and its escapes.

use std::borrow::Cow;

use super::{JsonError, Kind, Reader};

impl<'a> Reader<'a> {
    /// A string; borrowed where nothing in it is escaped.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.skip_space();
        if self.next_byte() != Some(b'"') {
            self.expect(Kind::String)?;
        }
        self.at += 1;
        let start = self.at;
        self.skip_plain();
        let plain = self.text(start, self.at)?;
        if self.next_byte() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        self.escaped(plain).map(Cow::Owned)
    }

    /// The rest of a string that begins with `plain`.
    #[cold]
    fn escaped(&mut self, plain: &str) -> Result<String, JsonError> {
        let mut text = plain.to_owned();
        loop {
            match self.next_byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => {
                    self.at += 1;
                    text.push(self.escape()?);
                }
                Some(_) => return Err(self.error("a control character in a string must be escaped")),
                None => return Err(self.error("expected '\"', found the end")),
            }
            let start = self.at;
            self.skip_plain();
            text.push_str(self.text(start, self.at)?);
        }
    }

    /// To the next quote, escape, or control character.
    #[inline]
    fn skip_plain(&mut self) {
        let mut rest = self.bytes.get(self.at..).unwrap_or_default();
        // Eight at once, since one byte after the other is what reading a plan costs most.
        while let Some((eight, after)) = rest.split_first_chunk() {
            let found = marks(u64::from_le_bytes(*eight));
            if found != 0 {
                self.at += found.trailing_zeros() as usize / 8;
                return;
            }
            self.at += 8;
            rest = after;
        }
        let plain = rest
            .iter()
            .position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20);
        self.at += plain.unwrap_or(rest.len());
    }

    /// What stands after a backslash.
    fn escape(&mut self) -> Result<char, JsonError> {
        let Some(mark) = self.next_byte() else {
            return Err(self.error("expected an escape, found the end"));
        };
        let escaped = match mark {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.at += 1;
                return self.unicode_escape();
            }
            other => return Err(self.error(format!("no such escape: \\{}", char::from(other)))),
        };
        self.at += 1;
        Ok(escaped)
    }

    /// Four hexadecimal digits, or two times four for a surrogate pair. Half a pair is U+FFFD, as Go reads it.
    fn unicode_escape(&mut self) -> Result<char, JsonError> {
        let unit = self.hex4()?;
        if !(0xD800..0xDC00).contains(&unit) {
            return Ok(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let before_low = self.at;
        if self
            .bytes
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(b"\\u"))
        {
            self.at += 2;
            let low = self.hex4()?;
            if (0xDC00..0xE000).contains(&low) {
                let scalar = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                return Ok(char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = before_low;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex4(&mut self) -> Result<u32, JsonError> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.next_byte().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else {
                return Err(self.error("expected four hexadecimal digits after \\u"));
            };
            unit = unit * 16 + digit;
            self.at += 1;
        }
        Ok(unit)
    }
}

/// Of eight bytes, the first in the lowest place, those that end plain text: the highest bit of each is set, and perhaps of bytes
/// above the first of them.
#[inline]
fn marks(bytes: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let zero = |bytes: u64| bytes.wrapping_sub(EACH) & !bytes;
    let quote = zero(bytes ^ (EACH * b'"' as u64));
    let backslash = zero(bytes ^ (EACH * b'\\' as u64));
    let control = bytes.wrapping_sub(EACH * 0x20) & !bytes;
    (quote | backslash | control) & HIGH
}

#[cfg(test)]
mod tests {
    use super::super::Reader;

    #[test]
    fn what_ends_plain_text_is_found_wherever_it_stands() {
        // Bytes around those that end it, in their low and their high half.
        let plain = [0x20, 0x21, 0x23, 0x5b, 0x5d, 0x7f];
        for length in 0..20 {
            for at in 0..length {
                for (end, byte) in [
                    (b'"', true),
                    (b'\\', true),
                    (0x1f, true),
                    (0x0a, true),
                    (0x00, true),
                    (b'#', false),
                ] {
                    for filler in plain {
                        let mut text = vec![filler; length];
                        text[at] = end;
                        let mut reader = Reader::new(&text, 1);
                        reader.skip_plain();
                        let expected = if byte { at } else { length };
                        assert_eq!(reader.at, expected, "{text:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn letters_beyond_ascii_are_plain() {
        for text in ["éééééééé", "a\u{7f}\u{80}\u{9f}\u{a0}ÿ日本語🦀 and so on"] {
            let quoted = format!("\"{text}\"");
            let read = Reader::of_long(quoted.as_bytes(), 1)
                .string()
                .map(std::borrow::Cow::into_owned);
            assert_eq!(read.as_deref(), Ok(text));
            let escaped = format!("\"{text}\\n{text}\"");
            let read = Reader::new(escaped.as_bytes(), 1)
                .string()
                .map(std::borrow::Cow::into_owned);
            assert_eq!(read, Ok(format!("{text}\n{text}")));
        }
    }
}
