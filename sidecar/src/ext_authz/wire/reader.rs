//! Protobuf's wire format (protobuf.dev/programming-guides/encoding), read from a slice without copying. Refuses exactly
//! what `prost` refuses; knows no message.

/// How deep messages and groups may nest, the outermost one included; what protobuf's own parsers allow.
const MAX_DEPTH: u32 = 100;

/// Why bytes are no message of ours. Nothing of them is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WireError {
    /// The bytes end within a field, or a length reaches beyond its message.
    #[error("a field reaches beyond the end of its message")]
    Truncated,
    /// A varint of more than ten bytes, or one above 64 bits.
    #[error("a varint is longer than 64 bits")]
    Varint,
    /// A key whose number is 0 or too large, or whose wire type doesn't exist.
    #[error("a field has an impossible key")]
    Key,
    /// A field has another wire type than its definition.
    #[error("field {0} has another wire type than its definition")]
    WireType(u32),
    /// A map has another wire type than its definition. `prost` alone reads on here; no parser takes it for an entry.
    #[error("map {0} has another wire type than its definition")]
    MapWireType(u32),
    /// A group ends that didn't begin.
    #[error("a group ends that didn't begin")]
    EndGroup,
    /// A string isn't UTF-8.
    #[error("a string is not UTF-8")]
    Utf8,
    /// Messages or groups nest deeper than anybody's do.
    #[error("messages nest deeper than {MAX_DEPTH}")]
    TooDeep,
}

/// How a field's value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    Varint,
    Fixed64,
    Delimited,
    StartGroup,
    EndGroup,
    Fixed32,
}

/// The key of a field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) number: u32,
    pub(super) wire: Wire,
}

/// One message being read, field by field.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    /// How many levels may still open.
    depth: u32,
}

impl<'a> Reader<'a> {
    /// Reads the outermost message.
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self {
            rest: message,
            depth: MAX_DEPTH,
        }
    }

    /// The two fields of a message that is two strings or bytes, both short, and nothing else: what nearly every header is.
    /// Each with its number. `None` says nothing of the message.
    #[inline]
    pub(super) fn two_short(&self) -> Option<[(u8, &'a [u8]); 2]> {
        let mut rest = self.rest;
        let fields = [short(&mut rest)?, short(&mut rest)?];
        rest.is_empty().then_some(fields)
    }

    /// How much of the message isn't read yet.
    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Passes over bytes that were read in another way.
    #[inline]
    pub(super) fn pass(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    /// The key of the next field; `None` at the end of the message. Its value must be read, or skipped, before the next.
    #[inline]
    pub(super) fn field(&mut self) -> Result<Option<Field>, WireError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        self.key().map(Some)
    }

    #[inline]
    fn key(&mut self) -> Result<Field, WireError> {
        let key = u32::try_from(self.varint()?).map_err(|_| WireError::Key)?;
        let wire = match key & 7 {
            0 => Wire::Varint,
            1 => Wire::Fixed64,
            2 => Wire::Delimited,
            3 => Wire::StartGroup,
            4 => Wire::EndGroup,
            5 => Wire::Fixed32,
            _ => return Err(WireError::Key),
        };
        match key >> 3 {
            0 => Err(WireError::Key),
            number => Ok(Field { number, wire }),
        }
    }

    /// A `string`.
    #[inline]
    pub(super) fn text(&mut self, field: Field) -> Result<&'a str, WireError> {
        self.bytes(field).and_then(utf8)
    }

    /// `bytes`.
    #[inline]
    pub(super) fn bytes(&mut self, field: Field) -> Result<&'a [u8], WireError> {
        field.is(Wire::Delimited)?;
        self.delimited()
    }

    /// A message within this one.
    #[inline]
    pub(super) fn message(&mut self, field: Field) -> Result<Self, WireError> {
        field.is(Wire::Delimited)?;
        self.nested()
    }

    /// An entry of a map: a message of key and value.
    #[inline]
    pub(super) fn entry(&mut self, field: Field) -> Result<Self, WireError> {
        field
            .is(Wire::Delimited)
            .map_err(|_| WireError::MapWireType(field.number))?;
        self.nested()
    }

    /// `int64`; other integers are its low bits.
    #[inline]
    #[expect(
        clippy::cast_possible_wrap,
        reason = "two's complement is how they are written"
    )]
    pub(super) fn int64(&mut self, field: Field) -> Result<i64, WireError> {
        field.is(Wire::Varint)?;
        self.varint().map(|value| value as i64)
    }

    /// `int32` and enumerations.
    #[expect(clippy::cast_possible_truncation, reason = "the low bits are the value")]
    pub(super) fn int32(&mut self, field: Field) -> Result<i32, WireError> {
        self.int64(field).map(|value| value as i32)
    }

    /// `uint32`.
    #[expect(clippy::cast_sign_loss, reason = "two's complement is how they are written")]
    pub(super) fn uint32(&mut self, field: Field) -> Result<u32, WireError> {
        self.int32(field).map(|value| value as u32)
    }

    /// `double`.
    pub(super) fn double(&mut self, field: Field) -> Result<f64, WireError> {
        field.is(Wire::Fixed64)?;
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(f64::from_le_bytes(*bytes))
    }

    /// Passes over the value of a field that isn't known here.
    pub(super) fn skip(&mut self, field: Field) -> Result<(), WireError> {
        if self.depth == 0 {
            return Err(WireError::TooDeep);
        }
        match field.wire {
            Wire::Varint => self.varint().map(drop),
            Wire::Fixed64 => self.take(8).map(drop),
            Wire::Fixed32 => self.take(4).map(drop),
            Wire::Delimited => self.delimited().map(drop),
            Wire::StartGroup => {
                self.depth -= 1;
                self.skip_group(field.number)?;
                self.depth += 1;
                Ok(())
            }
            Wire::EndGroup => Err(WireError::EndGroup),
        }
    }

    fn skip_group(&mut self, number: u32) -> Result<(), WireError> {
        loop {
            let inner = self.key()?;
            match inner.wire {
                Wire::EndGroup if inner.number == number => return Ok(()),
                _ => self.skip(inner)?,
            }
        }
    }

    #[inline]
    fn nested(&mut self) -> Result<Self, WireError> {
        let depth = self.depth.checked_sub(1).ok_or(WireError::TooDeep)?;
        self.delimited().map(|rest| Self { rest, depth })
    }

    #[inline]
    fn delimited(&mut self) -> Result<&'a [u8], WireError> {
        let length = usize::try_from(self.varint()?).map_err(|_| WireError::Truncated)?;
        self.take(length)
    }

    #[inline]
    fn take(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, WireError> {
        match self.rest.split_first() {
            Some((&byte, rest)) if byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.rest.split_first().ok_or(WireError::Truncated)?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                // Of the tenth byte only one bit fits.
                return if shift == 63 && byte > 1 {
                    Err(WireError::Varint)
                } else {
                    Ok(value)
                };
            }
        }
        Err(WireError::Varint)
    }
}

impl Field {
    /// Holds a field to the wire type of its definition.
    #[inline]
    pub(super) fn is(self, wire: Wire) -> Result<(), WireError> {
        if self.wire == wire {
            Ok(())
        } else {
            Err(WireError::WireType(self.number))
        }
    }
}

/// Takes a field of few bytes that are preceded by their length.
#[inline]
fn short<'a>(rest: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    const DELIMITED: u8 = 2;
    let (&[key, length], after) = rest.split_first_chunk()?;
    if key >= 0x80 || key & 7 != DELIMITED || length >= 0x80 {
        return None;
    }
    let (value, after) = after.split_at_checked(length.into())?;
    *rest = after;
    Some((key >> 3, value))
}

/// Bytes as the text that they must be.
#[inline]
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, WireError> {
    std::str::from_utf8(bytes).map_err(|_| WireError::Utf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(bytes: &[u8]) -> Result<(u32, Wire), WireError> {
        let field = Reader::new(bytes).field()?.unwrap();
        Ok((field.number, field.wire))
    }

    #[test]
    fn keys_are_read_up_to_their_largest_number() {
        assert_eq!(key(&[0x0a]), Ok((1, Wire::Delimited)));
        assert_eq!(
            key(&[0xff, 0xff, 0xff, 0xff, 0x0f]),
            Err(WireError::Key),
            "wire type 7"
        );
        assert_eq!(
            key(&[0xf8, 0xff, 0xff, 0xff, 0x0f]),
            Ok((0x1fff_ffff, Wire::Varint))
        );
        assert_eq!(
            key(&[0x80, 0x80, 0x80, 0x80, 0x10]),
            Err(WireError::Key),
            "above 32 bits"
        );
        assert_eq!(key(&[0x02]), Err(WireError::Key), "number 0");
    }

    #[test]
    fn a_varint_is_64_bits_and_no_more() {
        let varint = |bytes: &[u8]| Reader::new(bytes).varint();
        let longest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(varint(&longest), Ok(u64::MAX));
        assert_eq!(varint(&[0x80, 0x00]), Ok(0), "longer than needed is allowed");
        let mut above = longest;
        above[9] = 0x02;
        assert_eq!(varint(&above), Err(WireError::Varint));
        assert_eq!(varint(&[0x80; 11]), Err(WireError::Varint));
        assert_eq!(varint(&[0x80]), Err(WireError::Truncated));
    }

    #[test]
    fn a_length_beyond_the_message_is_refused_however_large() {
        for length in [
            &[0x02, b'a'][..],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, b'a'],
        ] {
            assert_eq!(Reader::new(length).delimited(), Err(WireError::Truncated));
        }
    }

    #[test]
    fn unknown_groups_are_skipped_when_they_end_as_they_began() {
        let skipped = |bytes: &[u8]| {
            let mut reader = Reader::new(bytes);
            let field = reader.field().unwrap().unwrap();
            reader.skip(field).map(|()| reader.rest.len())
        };
        assert_eq!(skipped(&[0x0b, 0x13, 0x08, 0x01, 0x14, 0x0c]), Ok(0));
        assert_eq!(skipped(&[0x0b, 0x14]), Err(WireError::EndGroup));
        assert_eq!(skipped(&[0x0c]), Err(WireError::EndGroup));
        assert_eq!(skipped(&[0x0b, 0x08]), Err(WireError::Truncated));
        assert_eq!(skipped(&[0x0b; 200]), Err(WireError::TooDeep));
    }
}
