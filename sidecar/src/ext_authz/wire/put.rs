//! Protobuf's wire format, written from its end: when a length must be written, what it measures is already there. Knows no
//! message.

use std::cell::Cell;

use bytes::Bytes;

thread_local! {
    /// What the last message of this thread was written in. A message is written in here and copied out once it is known how
    /// long it is: neither is memory cleared for it, nor more of it kept than it needs.
    static DESK: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A desk larger than this isn't kept.
const LARGEST_DESK: usize = 16 << 10;

/// A message being written, last field first.
#[derive(Debug)]
pub(super) struct Backwards {
    buffer: Vec<u8>,
    /// Where what has been written begins.
    begin: usize,
}

impl Backwards {
    /// Room for about `bytes`; more is made when needed.
    pub(super) fn with_room_for(bytes: usize) -> Self {
        let mut buffer = DESK.take();
        if buffer.len() < bytes {
            buffer = vec![0; bytes];
        }
        Self {
            begin: buffer.len(),
            buffer,
        }
    }

    /// How much has been written.
    pub(super) fn len(&self) -> usize {
        self.buffer.len() - self.begin
    }

    /// Bytes as they are.
    #[inline]
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        if bytes.len() > self.begin {
            self.make_room(bytes.len());
        }
        let begin = self.begin - bytes.len();
        if let Some(place) = self.buffer.get_mut(begin..self.begin) {
            place.copy_from_slice(bytes);
            self.begin = begin;
        }
    }

    #[cold]
    fn make_room(&mut self, needed: usize) {
        let written = self.len();
        let room = (needed + written) * 2;
        let mut larger = vec![0; room];
        if let (Some(to), Some(from)) = (larger.get_mut(room - written..), self.buffer.get(self.begin..)) {
            to.copy_from_slice(from);
        }
        self.begin = room - written;
        self.buffer = larger;
    }

    /// A varint.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
    pub(super) fn varint(&mut self, value: u64) {
        if value < 0x80 {
            return self.raw(&[value as u8]);
        }
        let mut bytes = [0; 10];
        let mut rest = value;
        let mut length = 0;
        for byte in &mut bytes {
            length += 1;
            *byte = rest as u8 & 0x7f;
            rest >>= 7;
            if rest == 0 {
                break;
            }
            *byte |= 0x80;
        }
        self.raw(bytes.get(..length).unwrap_or_default());
    }

    /// The key of a field whose value has been written: `wire` is 0 for a varint, 1 for 64 bits, 2 for a length.
    #[inline]
    fn key(&mut self, number: u32, wire: u32) {
        self.varint(u64::from(number << 3 | wire));
    }

    /// A field that is a varint; 0 is what is read where there is none.
    pub(super) fn number(&mut self, number: u32, value: u64) {
        if value != 0 {
            self.varint(value);
            self.key(number, 0);
        }
    }

    /// A field of a oneof that is a varint: there even when it is 0.
    pub(super) fn chosen_number(&mut self, number: u32, value: u64) {
        self.varint(value);
        self.key(number, 0);
    }

    /// A field of a oneof that is a double.
    pub(super) fn chosen_double(&mut self, number: u32, value: f64) {
        self.raw(&value.to_le_bytes());
        self.key(number, 1);
    }

    /// A string; an empty one is what is read where there is none.
    #[inline]
    pub(super) fn text(&mut self, number: u32, text: &str) {
        if !text.is_empty() {
            self.chosen_text(number, text);
        }
    }

    /// A string of a list or of a oneof: there even when it is empty.
    #[inline]
    pub(super) fn chosen_text(&mut self, number: u32, text: &str) {
        let end = self.len();
        self.raw(text.as_bytes());
        self.close(number, end);
    }

    /// Makes all that was written since `len` was `end` one field.
    #[inline]
    pub(super) fn close(&mut self, number: u32, end: usize) {
        let length = self.len() - end;
        match (u8::try_from(number << 3 | 2), u8::try_from(length)) {
            // Nearly all are of one byte each.
            (Ok(key @ ..0x80), Ok(length @ ..0x80)) => self.raw(&[key, length]),
            _ => {
                self.varint(length as u64);
                self.key(number, 2);
            }
        }
    }

    /// A message within, which `fields` writes, last first.
    #[inline]
    pub(super) fn message(&mut self, number: u32, fields: impl FnOnce(&mut Self)) {
        let end = self.len();
        fields(self);
        self.close(number, end);
    }

    /// What was written.
    pub(super) fn finish(self) -> Bytes {
        let written = self.buffer.get(self.begin..).unwrap_or_default();
        let written = Bytes::copy_from_slice(written);
        if self.buffer.len() <= LARGEST_DESK {
            DESK.set(self.buffer);
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_made_for_what_was_not_foreseen() {
        let mut out = Backwards::with_room_for(1);
        out.text(2, &"b".repeat(300));
        out.text(1, "a");
        let written = out.finish();
        assert_eq!(&written[..6], [0x0a, 1, b'a', 0x12, 0xac, 0x02]);
        assert_eq!(written.len(), 6 + 300);
    }

    #[test]
    fn varints_are_as_short_as_they_can_be() {
        let varint = |value| {
            let mut out = Backwards::with_room_for(0);
            out.varint(value);
            out.finish().to_vec()
        };
        assert_eq!(varint(0), [0]);
        assert_eq!(varint(127), [127]);
        assert_eq!(varint(128), [0x80, 1]);
        assert_eq!(
            varint(u64::MAX),
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]
        );
    }
}
