//! URL encoding as Envoy puts it around a PEM certificate. Strict: a text that two decoders could read differently (`+` is
//! a space to some) is refused.

/// Why a text is not URL-encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlEncodingError {
    /// A `%` without two hexadecimal digits after it; counted in bytes from 0.
    #[error("byte {0} is a `%` without two hexadecimal digits")]
    Escape(usize),
    /// A byte that URL encoding escapes; counted in bytes from 0.
    #[error("byte {0} should be percent-encoded; send the PEM URL-encoded, as Envoy does")]
    Bare(usize),
    /// What was encoded is not UTF-8.
    #[error("the decoded bytes are not UTF-8")]
    NotUtf8,
}

/// What `text` encodes.
pub(crate) fn decode(text: &str) -> Result<String, UrlEncodingError> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'%' => {
                let mut digit = || bytes.next().and_then(|(_, digit)| hex_digit(digit));
                let (Some(high), Some(low)) = (digit(), digit()) else {
                    return Err(UrlEncodingError::Escape(at));
                };
                decoded.push(high << 4 | low);
            }
            // RFC 3986 §2.3, and two that mean themselves in every reading.
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'=' => {
                decoded.push(byte);
            }
            _ => return Err(UrlEncodingError::Bare(at)),
        }
    }
    String::from_utf8(decoded).map_err(|_| UrlEncodingError::NotUtf8)
}

const fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_envoy_encodes_is_decoded() {
        // Envoy escapes line ends, spaces and `+ / =`, nothing else.
        assert_eq!(
            decode("-----BEGIN%20CERTIFICATE-----%0Aa%2Bb%2Fc%3D%0A").as_deref(),
            Ok("-----BEGIN CERTIFICATE-----\na+b/c=\n")
        );
        assert_eq!(decode("%c3%A9").as_deref(), Ok("é"));
        assert_eq!(decode("").as_deref(), Ok(""));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for (text, error) in [
            ("a%", UrlEncodingError::Escape(1)),
            ("a%2", UrlEncodingError::Escape(1)),
            ("%zz", UrlEncodingError::Escape(0)),
            ("%+1", UrlEncodingError::Escape(0)),
            ("%%20", UrlEncodingError::Escape(0)),
            ("a+b", UrlEncodingError::Bare(1)),
            ("a b", UrlEncodingError::Bare(1)),
            ("a\nb", UrlEncodingError::Bare(1)),
            ("é", UrlEncodingError::Bare(0)),
            ("a&b", UrlEncodingError::Bare(1)),
            ("%ff", UrlEncodingError::NotUtf8),
            ("%c0%af", UrlEncodingError::NotUtf8),
        ] {
            assert_eq!(decode(text), Err(error), "{text:?}");
        }
    }
}
