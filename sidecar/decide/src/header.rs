//! A header that Postern writes: proved to be one that Envoy accepts, or not made. Never sent unchecked.

use crate::text::Text;

/// A name and a value that any HTTP/1.1 or HTTP/2 peer accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    name: Text,
    value: Text,
}

/// Why something can't be a header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The name isn't a token (RFC 9110 §5.6.2), nor a pseudo-header that may be set.
    #[error("{0:?} can't be a header name")]
    Name(String),
    /// The value holds a control character, or begins or ends with white space (RFC 9110 §5.5).
    #[error("the value of header {0:?} holds a control character or surrounding white space")]
    Value(String),
}

/// The pseudo-headers that an authorisation service may rewrite.
const PSEUDO: [&str; 4] = [":authority", ":method", ":path", ":scheme"];

impl Header {
    /// A header from names and values of others (policy, claims). The name is put in lower case.
    ///
    /// # Errors
    /// Says which of the two can't be sent.
    pub fn new(name: &str, value: impl Into<String>) -> Result<Self, HeaderError> {
        let value = value.into();
        if !is_name(name) {
            return Err(HeaderError::Name(name.to_owned()));
        }
        if !is_value(&value) {
            return Err(HeaderError::Value(name.to_owned()));
        }
        Ok(Self {
            name: Text::from(name.to_ascii_lowercase()),
            value: Text::from(value),
        })
    }

    /// A header whose name and value are valid by construction: ids that were parsed or made here.
    pub(crate) fn ours(name: impl Into<Text>, value: impl Into<Text>) -> Self {
        let header = Self {
            name: name.into(),
            value: value.into(),
        };
        debug_assert!(is_name(&header.name) && is_value(&header.value), "{header:?}");
        header
    }

    /// The name, in lower case.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Name and value, to be moved into a message.
    pub fn into_parts(self) -> (String, String) {
        (self.name.into(), self.value.into())
    }
}

/// Whether `name` is a token of RFC 9110, or one of the pseudo-headers that may be set.
pub fn is_name(name: &str) -> bool {
    PSEUDO.contains(&name) || (!name.is_empty() && name.bytes().all(is_token_byte))
}

/// Whether `value` can be sent as it is, and arrives as it is (surrounding white space would not).
pub fn is_value(value: &str) -> bool {
    let edge = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    let bytes = value.as_bytes();
    !edge(bytes.first())
        && !edge(bytes.last())
        && bytes
            .iter()
            .all(|&byte| byte == b'\t' || (byte >= 0x20 && byte != 0x7f))
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_that_smuggle_are_refused() {
        for name in ["", "a b", "a:b", "a\r\nb", ":status", "é", "a\0"] {
            assert_eq!(
                Header::new(name, "v"),
                Err(HeaderError::Name(name.to_owned())),
                "{name:?}"
            );
        }
        for value in ["a\r\nx-evil: 1", "a\nb", "a\0b", " a", "a ", "\ta", "a\x7f"] {
            assert_eq!(
                Header::new("x", value),
                Err(HeaderError::Value("x".to_owned())),
                "{value:?}"
            );
        }
    }

    #[test]
    fn ordinary_headers_pass_and_names_come_out_in_lower_case() {
        let header = Header::new("X-Role", "a b\tc é").unwrap();
        assert_eq!((header.name(), header.value()), ("x-role", "a b\tc é"));
        assert!(Header::new(":path", "/a").is_ok());
        assert!(Header::new("x", "").is_ok());
    }
}
