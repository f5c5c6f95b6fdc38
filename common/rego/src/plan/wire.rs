//! Protobuf's wire format (protobuf.dev, *Encoding*), pulled apart field by field. Nothing is copied; what is wrong is
//! told with the byte at which it stands. Groups, which no plan has, are refused.

use thiserror::Error;

/// Why bytes aren't the protobuf that was expected, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("byte {at}: {problem}")]
pub struct ProtobufError {
    /// The byte, from 0.
    pub at: usize,
    /// What was expected, what came.
    pub problem: String,
}

/// A message, or any other field of a length: bytes, and where in the whole they begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A field's value, as the wire has it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wire<'a> {
    Varint(u64),
    /// Text, a message, or packed numbers.
    Bytes(Message<'a>),
    /// Of four or eight bytes, which no field of a plan is.
    Fixed,
}

impl<'a> Message<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Message { bytes, at: 0 }
    }

    /// An error at the place reached.
    pub(super) fn error(&self, problem: impl Into<String>) -> ProtobufError {
        ProtobufError {
            at: self.at,
            problem: problem.into(),
        }
    }

    /// The next field's number and value; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Wire<'a>)>, ProtobufError> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => self.fixed(8)?,
            2 => {
                let length = self.varint()?;
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                Wire::Bytes(self.take(length)?)
            }
            5 => self.fixed(4)?,
            kind => {
                return Err(self.error(format!("a field of the wire type {kind}, which plans don't have")));
            }
        };
        match tag >> 3 {
            0 => Err(self.error("a field with the number 0")),
            number => Ok(Some((number, value))),
        }
    }

    /// The next of packed numbers; `None` at the end.
    pub(super) fn next_packed(&mut self) -> Result<Option<u64>, ProtobufError> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        self.varint().map(Some)
    }

    /// All of it as text.
    pub(super) fn text(self) -> Result<&'a str, ProtobufError> {
        std::str::from_utf8(self.bytes).map_err(|_| self.error("text that isn't UTF-8"))
    }

    fn varint(&mut self) -> Result<u64, ProtobufError> {
        let mut value = 0_u64;
        for place in 0..10 {
            let Some((&byte, rest)) = self.bytes.split_first() else {
                return Err(self.error("the plan ends in the middle of a number"));
            };
            self.bytes = rest;
            self.at += 1;
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit.
            if place == 9 && bits > 1 {
                break;
            }
            value |= bits << (place * 7);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.error("a number of more than 64 bits"))
    }

    fn fixed(&mut self, length: usize) -> Result<Wire<'a>, ProtobufError> {
        self.take(length).map(|_| Wire::Fixed)
    }

    fn take(&mut self, length: usize) -> Result<Message<'a>, ProtobufError> {
        let Some((taken, rest)) = self.bytes.split_at_checked(length) else {
            let left = self.bytes.len();
            return Err(self.error(format!("a field of {length} bytes where {left} are left")));
        };
        let taken = Message {
            bytes: taken,
            at: self.at,
        };
        self.bytes = rest;
        self.at += length;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(bytes: &[u8]) -> Result<Vec<(u64, String)>, ProtobufError> {
        let mut message = Message::new(bytes);
        let mut fields = Vec::new();
        while let Some((number, value)) = message.next()? {
            let value = match value {
                Wire::Varint(value) => value.to_string(),
                Wire::Bytes(bytes) => format!("{:?}", bytes.text()?),
                Wire::Fixed => "fixed".to_owned(),
            };
            fields.push((number, value));
        }
        Ok(fields)
    }

    #[test]
    fn fields_are_read_as_the_encoding_guide_writes_them() {
        // protobuf.dev, Encoding: `a: 150` is 08 96 01, `b: "testing"` is 12 07 74 65 73 74 69 6e 67.
        let bytes = [
            &[0x08, 0x96, 0x01, 0x12, 0x07][..],
            b"testing",
            &[0x25, 1, 2, 3, 4],
            &[0x29, 1, 2, 3, 4, 5, 6, 7, 8],
        ];
        let wanted = [(1, "150"), (2, "\"testing\""), (4, "fixed"), (5, "fixed")];
        let wanted: Vec<_> = wanted.map(|(number, text)| (number, text.to_owned())).to_vec();
        assert_eq!(fields(&bytes.concat()), Ok(wanted));
        let minus_one = [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(fields(&minus_one), Ok(vec![(1, u64::MAX.to_string())]));
    }

    #[test]
    fn what_is_cut_short_or_too_long_is_told_with_its_place() {
        for (bytes, at) in [
            (&[0x08][..], 1),
            (&[0x08, 0x96], 2),
            (&[0x12, 0x07, b't'], 2),
            (&[0x0b], 1),
            (&[0x00, 0x00], 2),
            (&[0x25, 1], 1),
            (
                &[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],
                11,
            ),
            (&[0x12, 0x01, 0xff], 2),
        ] {
            assert_eq!(fields(bytes).unwrap_err().at, at, "{bytes:?}");
        }
    }
}
