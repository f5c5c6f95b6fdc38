//! Percent signs of paths.

/// Go's `url.PathUnescape`; `None` where a percent sign stands without two hexadecimal digits.
pub(crate) fn path_unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = if *first == b'%' {
            let (digits, after) = after.split_at_checked(2)?;
            let mut byte = [0];
            hex::decode_to_slice(digits, &mut byte).ok()?;
            plain.extend(byte);
            after
        } else {
            plain.push(*first);
            after
        };
    }
    Some(plain)
}
