//! Paths of patches as OPA reads them (`internal/json/patch`, `ParsePatchPathEscaped`; `v1/storage/path.go`).

use std::sync::Arc;

use super::DeltaError;
use crate::path_unescape::path_unescape;

/// The names that lead to a place below `data`.
pub(super) type Names = [Arc<str>];

/// Reads a path without slashes at its ends: percent signs first, then JSON Pointer's `~1` and `~0`.
pub(super) fn parse(trimmed: &str) -> Result<Vec<Arc<str>>, DeltaError> {
    if trimmed.is_empty() {
        return Ok(Vec::new());
    }
    let names = trimmed.split('/').map(|name| {
        let name = path_unescape(name.as_bytes()).ok_or(DeltaError::Path)?;
        let name = String::from_utf8(name).map_err(|_| DeltaError::LeadsOut(trimmed.to_owned()))?;
        Ok(name.replace("~1", "/").replace("~0", "~").into())
    });
    names.collect()
}

/// As OPA's messages show it (`storage.Path.String`).
pub(super) fn shown(names: &Names) -> String {
    if names.is_empty() {
        return "/".to_owned();
    }
    let mut text = String::new();
    for name in names {
        text.push('/');
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || b"-_.~$&+=:@".contains(&byte) {
                text.push(char::from(byte));
            } else {
                text.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    text
}

/// The element that a name stands for, as OPA's `util.Atoi` reads it: `+1` and `1.0` are 1. `Err` where it is no number.
pub(super) fn index(name: &str) -> Result<i64, NoNumber> {
    let (negative, digits) = match name.as_bytes() {
        [b'-', ..] => (true, name.get(1..)),
        [b'+', ..] => (false, name.get(1..)),
        _ => (false, Some(name)),
    };
    let digits = digits.filter(|digits| !digits.is_empty() && digits.len() <= 19);
    let (whole, fraction) = digits
        .map(|digits| digits.split_once('.').unwrap_or((digits, "")))
        .ok_or(NoNumber)?;
    let is_number =
        whole.bytes().all(|byte| byte.is_ascii_digit()) && fraction.bytes().all(|byte| byte == b'0');
    let number = match whole {
        _ if !is_number => return Err(NoNumber),
        "" => 0,
        whole => whole.parse::<i64>().map_err(|_| NoNumber)?,
    };
    Ok(if negative { -number } else { number })
}

/// A name that is no index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoNumber;

/// Whether a name is an index that is written in another way, too.
pub(super) fn is_odd_index(name: &str) -> bool {
    index(name).is_ok_and(|index| index.to_string() != name)
}

/// Whether Go's `strconv.Atoi`, which takes fewer of them, reads an index, too: where it doesn't, OPA crashes.
pub(super) fn is_plain_index(name: &str) -> bool {
    !name.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<String, DeltaError> {
        parse(text).map(|names| names.join("|"))
    }

    #[test]
    fn paths_are_unescaped_as_opa_does_it() {
        for (text, expected) in [
            ("", ""),
            ("a/b", "a|b"),
            ("a//b", "a||b"),
            ("-", "-"),
            ("github.com%2Fopa", "github.com/opa"),
            ("github.com~1opa", "github.com/opa"),
            ("~0opa", "~opa"),
            ("~01", "~1"),
            ("%7E1", "/"),
            ("a+b%20c", "a+b c"),
        ] {
            assert_eq!(parsed(text).as_deref(), Ok(expected), "{text}");
        }
        for text in ["%", "a/%2", "%zz"] {
            assert_eq!(parsed(text), Err(DeltaError::Path), "{text}");
        }
        assert!(matches!(parsed("%ff"), Err(DeltaError::LeadsOut(_))));
    }

    #[test]
    fn paths_are_shown_as_go_shows_them() {
        assert_eq!(shown(&[]), "/");
        let names = parse("a b/c~1d/é;,?/$&+=:@-_.~0x").unwrap();
        assert_eq!(shown(&names), "/a%20b/c%2Fd/%C3%A9%3B%2C%3F/$&+=:@-_.~x");
    }

    #[test]
    fn indices_are_numbers_as_opa_reads_them() {
        for (name, expected) in [
            ("0", Ok(0)),
            ("12", Ok(12)),
            ("007", Ok(7)),
            ("+1", Ok(1)),
            ("-1", Ok(-1)),
            ("1.0", Ok(1)),
            ("1.", Ok(1)),
            (".", Ok(0)),
            (".0", Ok(0)),
            ("", Err(NoNumber)),
            ("-", Err(NoNumber)),
            ("1.5", Err(NoNumber)),
            ("1.0.0", Err(NoNumber)),
            ("1e1", Err(NoNumber)),
            ("x", Err(NoNumber)),
            ("99999999999999999999", Err(NoNumber)),
            ("9999999999999999999", Err(NoNumber)),
        ] {
            assert_eq!(index(name), expected, "{name}");
        }
    }
}
