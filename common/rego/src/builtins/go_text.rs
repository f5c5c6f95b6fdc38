//! Text as Go treats it: one-to-one case mapping, what is printable, quoting. All as of Unicode 15.0, which Go knows.

/// Ranges of code points that Unicode has assigned since 15.0: Rust knows them, Go doesn't.
pub(super) const ASSIGNED_SINCE: &[(u32, u32)] = &[
    (0x88f, 0x88f),
    (0x897, 0x897),
    (0xc5c, 0xc5c),
    (0xcdc, 0xcdc),
    (0x1acf, 0x1add),
    (0x1ae0, 0x1aeb),
    (0x1b4e, 0x1b4f),
    (0x1b7f, 0x1b7f),
    (0x1c89, 0x1c8a),
    (0x20c1, 0x20c1),
    (0x2427, 0x2429),
    (0x2b96, 0x2b96),
    (0x2ffc, 0x2fff),
    (0x31e4, 0x31e5),
    (0x31ef, 0x31ef),
    (0xa7cb, 0xa7cf),
    (0xa7d2, 0xa7d2),
    (0xa7d4, 0xa7d4),
    (0xa7da, 0xa7dc),
    (0xa7f1, 0xa7f1),
    (0xfbc3, 0xfbd2),
    (0xfd90, 0xfd91),
    (0xfdc8, 0xfdce),
    (0x105c0, 0x105f3),
    (0x10940, 0x10959),
    (0x10d40, 0x10d65),
    (0x10d69, 0x10d85),
    (0x10d8e, 0x10d8f),
    (0x10ec2, 0x10ec7),
    (0x10ed0, 0x10ed8),
    (0x10efa, 0x10efc),
    (0x11380, 0x11389),
    (0x1138b, 0x1138b),
    (0x1138e, 0x1138e),
    (0x11390, 0x113b5),
    (0x113b7, 0x113c0),
    (0x113c2, 0x113c2),
    (0x113c5, 0x113c5),
    (0x113c7, 0x113ca),
    (0x113cc, 0x113d5),
    (0x113d7, 0x113d8),
    (0x113e1, 0x113e2),
    (0x116d0, 0x116e3),
    (0x11b60, 0x11b67),
    (0x11bc0, 0x11be1),
    (0x11bf0, 0x11bf9),
    (0x11db0, 0x11ddb),
    (0x11de0, 0x11de9),
    (0x11f5a, 0x11f5a),
    (0x13460, 0x143fa),
    (0x16100, 0x16139),
    (0x16d40, 0x16d79),
    (0x16ea0, 0x16eb8),
    (0x16ebb, 0x16ed3),
    (0x16ff2, 0x16ff6),
    (0x187f8, 0x187ff),
    (0x18cff, 0x18cff),
    (0x18d09, 0x18d1e),
    (0x18d80, 0x18df2),
    (0x1cc00, 0x1ccfc),
    (0x1cd00, 0x1ceb3),
    (0x1ceba, 0x1ced0),
    (0x1cee0, 0x1cef0),
    (0x1e5d0, 0x1e5fa),
    (0x1e5ff, 0x1e5ff),
    (0x1e6c0, 0x1e6de),
    (0x1e6e0, 0x1e6f5),
    (0x1e6fe, 0x1e6ff),
    (0x1f6d8, 0x1f6d8),
    (0x1f777, 0x1f77a),
    (0x1f8b2, 0x1f8bb),
    (0x1f8c0, 0x1f8c1),
    (0x1f8d0, 0x1f8d8),
    (0x1fa54, 0x1fa57),
    (0x1fa89, 0x1fa8a),
    (0x1fa8e, 0x1fa8f),
    (0x1fabe, 0x1fabe),
    (0x1fac6, 0x1fac6),
    (0x1fac8, 0x1fac8),
    (0x1facd, 0x1facd),
    (0x1fadc, 0x1fadc),
    (0x1fadf, 0x1fadf),
    (0x1fae9, 0x1faea),
    (0x1faef, 0x1faef),
    (0x1fbcb, 0x1fbef),
    (0x1fbfa, 0x1fbfa),
    (0x2b73a, 0x2b73f),
    (0x2cea2, 0x2cead),
    (0x2ebf0, 0x2ee5d),
    (0x323b0, 0x33479),
];

fn is_unknown_to_go(c: char) -> bool {
    let c = u32::from(c);
    let after = ASSIGNED_SINCE.partition_point(|&(first, _)| first <= c);
    after
        .checked_sub(1)
        .and_then(|at| ASSIGNED_SINCE.get(at))
        .is_some_and(|&(_, last)| c <= last)
}

/// As Go's `unicode.ToLower`: one code point for one.
pub(super) fn to_lower(c: char) -> char {
    let mut mapped = c.to_lowercase();
    match (mapped.next(), mapped.next()) {
        (Some(lower), None) if !is_unknown_to_go(c) && !is_unknown_to_go(lower) => lower,
        (Some(_), None) | (None, _) => c,
        // Only İ has a longer lower case.
        (Some(_), Some(_)) => 'i',
    }
}

/// As Go's `unicode.ToUpper`: one code point for one.
pub(super) fn to_upper(c: char) -> char {
    let mut mapped = c.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(upper), None) if !is_unknown_to_go(c) && !is_unknown_to_go(upper) => upper,
        (Some(_), None) | (None, _) => c,
        // Greek letters with an iota below have a title form, which is what they map to; the rest stay as they are.
        (Some(_), Some(_)) => {
            let distance = match u32::from(c) {
                0x1f80..=0x1f87 | 0x1f90..=0x1f97 | 0x1fa0..=0x1fa7 => 8,
                0x1fb3 | 0x1fc3 | 0x1ff3 => 9,
                _ => 0,
            };
            char::from_u32(u32::from(c) + distance).unwrap_or(c)
        }
    }
}

/// As Go's `strconv.IsPrint`: letters, marks, numbers, punctuation, symbols, and the space.
pub(super) fn is_print(c: char) -> bool {
    if c.is_ascii() {
        return c == ' ' || c.is_ascii_graphic();
    }
    // Rust's escapes leave the same alone, save for marks at the start of a text: hence the letter before.
    let mut escaped = ['a', c].iter().collect::<String>();
    escaped = escaped.escape_debug().collect();
    escaped.chars().nth(1) == Some(c) && !is_unknown_to_go(c)
}

/// As Go's `strconv.Quote`.
pub(super) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        push_escaped(c, '"', false, out);
    }
    out.push('"');
}

/// Appends a character as it stands between Go's quotes, in ASCII only if so wanted.
pub(super) fn push_escaped(c: char, quote: char, ascii: bool, out: &mut String) {
    let code = u32::from(c);
    match c {
        _ if c == quote || c == '\\' => out.extend(['\\', c]),
        _ if c.is_ascii() && is_print(c) => out.push(c),
        _ if !ascii && is_print(c) => out.push(c),
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        _ if code < 0x20 || code == 0x7f => out.push_str(&format!("\\x{code:02x}")),
        _ if code < 0x10000 => out.push_str(&format!("\\u{code:04x}")),
        _ => out.push_str(&format!("\\U{code:08x}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{is_print, quote, to_lower, to_upper};

    /// FNV-1a over what every code point maps to; the same loop in Go 1.26 gives the same number.
    #[test]
    fn every_code_point_is_treated_as_go_treats_it() {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for c in '\0'..=char::MAX {
            for word in [
                u32::from(to_lower(c)),
                u32::from(to_upper(c)),
                u32::from(is_print(c)),
            ] {
                for byte in word.to_le_bytes() {
                    hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
                }
            }
        }
        assert_eq!(hash, GO_HASH);
    }

    #[test]
    fn text_is_quoted_as_go_quotes_it() {
        let mut out = String::new();
        quote(
            "a\"b\\c\n\u{7}\u{1}\u{7f}é\u{ad}\u{301}\u{2028}\u{e0001}😀'",
            &mut out,
        );
        assert_eq!(
            out,
            "\"a\\\"b\\\\c\\n\\a\\x01\\x7fé\\u00ad\u{301}\\u2028\\U000e0001😀'\""
        );
    }

    const GO_HASH: u64 = 0x202f_1499_2816_5552;
}
