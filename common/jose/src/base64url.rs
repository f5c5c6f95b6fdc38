//! base64url without padding (RFC 7515 §2). Refuses padding, white space, other alphabets and stray trailing bits, so
//! that one byte string has one spelling.

use base64_simd::URL_SAFE_NO_PAD;

/// The canonical spelling of `bytes`.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// The bytes that `text` spells, or `None` when it isn't their canonical spelling.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode_to_vec(text).ok()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Lengths on both sides of what a processor takes at once, each with a character in the wrong.
        #[test]
        fn what_is_read_is_what_the_other_library_reads(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            at: prop::sample::Index,
            wrong in prop::sample::select(&b"+/=.-_ \n\0A9\x7f"[..]),
        ) {
            let other = general_purpose::URL_SAFE_NO_PAD;
            let text = encode(&bytes);
            prop_assert_eq!(&text, &other.encode(&bytes));
            prop_assert_eq!(decode(&text), Some(bytes));
            let mut changed = text.into_bytes();
            if !changed.is_empty() {
                let at = at.index(changed.len());
                changed[at] = wrong;
                let text = String::from_utf8(changed).unwrap();
                prop_assert_eq!(decode(&text), other.decode(&text).ok(), "{}", text);
            }
        }
    }

    #[test]
    fn the_canonical_spelling_is_read() {
        assert_eq!(decode("-_8"), Some(vec![0xfb, 0xff]));
        assert_eq!(decode(""), Some(vec![]));
        assert_eq!(encode(&[0xfb, 0xff]), "-_8");
    }

    #[test]
    fn every_other_spelling_is_refused() {
        // Padding, the other alphabet, white space, a stray trailing bit, an impossible length, not ASCII.
        for text in ["-_8=", "+/8", " -_8", "-_8\n", "-_\t8", "-_9", "-", "-_8.", "é"] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }
}
