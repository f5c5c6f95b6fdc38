//! The id that ties together everything that one request caused. It never carries meaning of its own.

use std::fmt;
use std::sync::Arc;

/// The header that carries a correlation id in and out.
pub const X_REQUEST_ID: &str = "x-request-id";

const MAX_BYTES: usize = 128;

/// A correlation id: 1 to 128 characters of `A-Z a-z 0-9 . _ -`, so that it is safe in headers, logs and shells.
/// Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CorrelationId(Arc<str>);

impl CorrelationId {
    /// Takes a caller's id if it is well-formed. One that isn't is replaced by a new one, never repaired or refused.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let well_formed = (1..=MAX_BYTES).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
        well_formed.then(|| CorrelationId(text.into()))
    }

    /// Makes a new one from 16 random bytes, in the form of a UUID version 4 (RFC 9562 §5.4).
    #[must_use]
    pub fn from_bytes(entropy: [u8; 16]) -> Self {
        let uuid = uuid::Builder::from_random_bytes(entropy).into_uuid();
        let mut buffer = uuid::Uuid::encode_buffer();
        CorrelationId((&*uuid.hyphenated().encode_lower(&mut buffer)).into())
    }

    /// The id of a request: what the caller `sent` in [`X_REQUEST_ID`] if it is well-formed, or else a new one.
    /// `entropy` is asked for only then.
    #[must_use]
    pub fn of(sent: Option<&str>, entropy: impl FnOnce() -> [u8; 16]) -> Self {
        sent.and_then(Self::parse)
            .unwrap_or_else(|| Self::from_bytes(entropy()))
    }

    /// The id as text that can be shared.
    #[must_use]
    pub const fn shared(&self) -> &Arc<str> {
        &self.0
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for CorrelationId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_formed_ids_are_taken_as_they_are() {
        for text in [
            "a",
            "req-1.2_3",
            "f1a84cd4-4e0b-4d41-8a5c-0d6e7e6f0b1a",
            &"x".repeat(128),
        ] {
            assert_eq!(CorrelationId::parse(text).expect(text).as_str(), text);
        }
    }

    #[test]
    fn ids_that_could_break_a_header_or_a_log_line_are_not() {
        for text in [
            "",
            " ",
            "a b",
            "a\r\nx-evil: 1",
            "a\"",
            "ä",
            "a,b",
            &"x".repeat(129),
        ] {
            assert_eq!(CorrelationId::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_request_keeps_its_well_formed_id_and_gets_a_new_one_otherwise() {
        let kept = CorrelationId::of(Some("req-1"), || unreachable!("no entropy is needed"));
        assert_eq!(kept.as_str(), "req-1");
        for sent in [None, Some(""), Some("a b")] {
            let made = CorrelationId::of(sent, || [0xff; 16]);
            assert_eq!(made, CorrelationId::from_bytes([0xff; 16]), "{sent:?}");
        }
    }

    #[test]
    fn a_made_one_is_a_random_uuid_and_well_formed() {
        let id = CorrelationId::from_bytes([0xff; 16]);
        assert_eq!(id.as_str(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(CorrelationId::parse(id.as_str()), Some(id));
    }
}
