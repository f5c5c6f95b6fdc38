//! The one form of a path that policy decides on: decoded once, without the query. A path that a proxy, a policy and an
//! upstream could read in different ways has no such form and is refused: what policy allowed would not be what happens.

use std::borrow::Cow;

/// Why a path has no canonical form. The text is for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the path is ambiguous: {0}")]
pub(crate) struct AmbiguousPath(&'static str);

/// The canonical form of a request target's path; `*` (RFC 9112 §3.2.4) is its own.
pub(crate) fn canonical(target: &str) -> Result<Cow<'_, str>, AmbiguousPath> {
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    if path == "*" {
        return Ok(Cow::Borrowed(path));
    }
    if !path.starts_with('/') {
        return Err(AmbiguousPath("it doesn't begin with a slash"));
    }
    let decoded = decoded(path)?;
    if let Some(why) = decoded.bytes().find_map(refused_byte) {
        return Err(AmbiguousPath(why));
    }
    let mut segments = decoded.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        // `..;x` is `..` to servers that strip parameters from segments.
        match segment.split_once(';').map_or(segment, |(name, _)| name) {
            "." | ".." => return Err(AmbiguousPath("it has a dot segment")),
            "" if !last => return Err(AmbiguousPath("it has an empty segment")),
            _ => {}
        }
    }
    Ok(decoded)
}

fn refused_byte(byte: u8) -> Option<&'static str> {
    match byte {
        b'\\' => Some("it has a backslash"),
        b'#' => Some("it has a fragment"),
        0..=0x1f | 0x7f => Some("it has a control character"),
        _ => None,
    }
}

/// Each `%xx` decoded, once. What would then mean something else (a slash, another escape, a query) is refused.
fn decoded(path: &str) -> Result<Cow<'_, str>, AmbiguousPath> {
    if !path.contains('%') {
        return Ok(Cow::Borrowed(path));
    }
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |digit: Option<u8>| digit.and_then(|digit| char::from(digit).to_digit(16));
        let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) else {
            return Err(AmbiguousPath("it has a % without two hexadecimal digits"));
        };
        match u8::try_from(high * 16 + low) {
            Ok(b'/' | b'\\' | b'%' | b'?' | b'#' | b';' | b'.') => {
                return Err(AmbiguousPath("it has an encoded delimiter, dot or percent sign"));
            }
            Ok(byte) => bytes.push(byte),
            Err(_) => return Err(AmbiguousPath("it has a % without two hexadecimal digits")),
        }
    }
    String::from_utf8(bytes)
        .map(Cow::Owned)
        .map_err(|_| AmbiguousPath("it is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_paths_are_decoded_and_lose_their_query() {
        for (target, expected) in [
            ("/", "/"),
            ("/orders", "/orders"),
            ("/orders/?a=/../b", "/orders/"),
            ("/orders/a%20b/%C3%A9", "/orders/a b/é"),
            ("/a;v=1/b.json/..c", "/a;v=1/b.json/..c"),
            ("*", "*"),
        ] {
            assert_eq!(canonical(target).as_deref(), Ok(expected), "{target}");
        }
    }

    #[test]
    fn paths_that_two_readers_read_differently_are_refused() {
        for target in [
            "",
            "orders",
            "http://a/b",
            "/orders/../admin",
            "/orders/..",
            "/./a",
            "/orders/..;/admin",
            "/orders//a",
            "//",
            "//evil.example/a",
            "/orders%2f..%2fadmin",
            "/orders/%2e%2e/admin",
            "/orders/.%2E/admin",
            "/a%5cb",
            "/a\\b",
            "/a%00",
            "/a\0",
            "/a#b",
            "/a%23b",
            "/a%3fb",
            "/a%252fb",
            "/a%3b",
            "/a%",
            "/a%2",
            "/a%zz",
            "/a%+1",
            "/%c0%af",
            "/%ff",
            "/a\tb",
            "/;/a",
        ] {
            assert!(canonical(target).is_err(), "{target:?}: {:?}", canonical(target));
        }
    }
}
