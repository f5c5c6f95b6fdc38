//! The one form of a path that routes and policy decide on: decoded once, without the query, without what readers skip or
//! resolve. A path that a proxy, a policy and an upstream could read in different ways is told apart from one that all read
//! alike; one that can't be read for certain has no such form. Never changes what is sent on.

use std::borrow::Cow;
use std::ops::Deref;

/// A path in canonical form. The canonical form of one is itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanonicalPath<'a> {
    text: Cow<'a, str>,
    ambiguity: Option<AmbiguousPath>,
}

impl CanonicalPath<'_> {
    /// The path. Begins with a slash, or is `*` (RFC 9112 §3.2.4).
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether all readers read the path alike as it came (`paths: strict`).
    ///
    /// # Errors
    /// The first thing in it that some readers take for something else.
    pub fn strict(&self) -> Result<(), AmbiguousPath> {
        self.ambiguity.map_or(Ok(()), Err)
    }
}

impl Deref for CanonicalPath<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

/// What of a path readers differ about. The text is for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmbiguousPath {
    /// An absolute URL, an authority, nothing: not a path. Never has a canonical form.
    #[error("it doesn't begin with a slash")]
    NoSlash,
    /// NUL, a line break and their like, also encoded. Never has a canonical form.
    #[error("it has a control character")]
    Control,
    /// Encoded bytes that aren't UTF-8, overlong forms included. Never has a canonical form.
    #[error("it is not UTF-8 when decoded")]
    NotUtf8,
    /// `%` without two hexadecimal digits. Never has a canonical form.
    #[error("it has a % without two hexadecimal digits")]
    BadEscape,
    /// `%2F`, `%5C`, `%2E`, `%3B`, `%3F`, `%23` or `%25`.
    #[error("it has an encoded delimiter, dot or percent sign")]
    EncodedDelimiter,
    /// A slash to some.
    #[error("it has a backslash")]
    Backslash,
    /// The end of the path to some.
    #[error("it has a fragment")]
    Fragment,
    /// Path parameters (RFC 3986 §3.3): part of the name to some, dropped by others.
    #[error("it has a path parameter (a semicolon)")]
    Parameter,
    /// `//`.
    #[error("it has an empty segment")]
    EmptySegment,
    /// `.` or `..`.
    #[error("it has a dot segment")]
    DotSegment,
}

/// The canonical form of a request target's path:
/// - it ends before the first `?` or `#`;
/// - escapes are decoded, once; `%25`, `%3F` and `%23` stay, in upper case, since decoded they would mean something else;
/// - a backslash is a slash;
/// - a segment ends before its first `;`;
/// - empty and `.` segments are dropped, `..` drops the one before it, and a slash at the end stays (RFC 3986 §5.2.4).
///
/// # Errors
/// When the path can't be read for certain, so that no route may take it.
pub fn canonical(target: &str) -> Result<CanonicalPath<'_>, AmbiguousPath> {
    let end = target.find(['?', '#']).unwrap_or(target.len());
    let (path, rest) = target.split_at(end);
    let mut ambiguity = rest.starts_with('#').then_some(AmbiguousPath::Fragment);
    if path != "*" && !path.starts_with('/') {
        return Err(AmbiguousPath::NoSlash);
    }
    if path == "*" || is_plain(path) {
        let text = Cow::Borrowed(path);
        return Ok(CanonicalPath { text, ambiguity });
    }
    let decoded = decoded(path, &mut ambiguity)?;
    let text = resolved(&decoded, &mut ambiguity);
    Ok(CanonicalPath {
        text: if text == path {
            Cow::Borrowed(path)
        } else {
            Cow::Owned(text)
        },
        ambiguity,
    })
}

/// Whether there is nothing in `path` that has to be looked at twice.
fn is_plain(path: &str) -> bool {
    let mut after_slash = false;
    path.bytes().all(|byte| {
        let plain = match byte {
            b'/' | b'.' => !after_slash,
            b'%' | b'\\' | b';' => false,
            _ => (0x20..0x7f).contains(&byte),
        };
        after_slash = byte == b'/';
        plain
    })
}

/// Each `%xx` decoded, once, and backslashes turned; what readers differ about is noted.
fn decoded(path: &str, ambiguity: &mut Option<AmbiguousPath>) -> Result<String, AmbiguousPath> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        let (byte, escaped) = if byte == b'%' {
            let digit = |digit: Option<u8>| digit.and_then(|digit| char::from(digit).to_digit(16));
            let value = digit(rest.next())
                .zip(digit(rest.next()))
                .and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
            (value.ok_or(AmbiguousPath::BadEscape)?, true)
        } else {
            (byte, false)
        };
        let noted = match byte {
            b'/' | b'.' | b'%' | b'?' | b'#' | b';' | b'\\' if escaped => {
                Some(AmbiguousPath::EncodedDelimiter)
            }
            b'\\' => Some(AmbiguousPath::Backslash),
            _ => None,
        };
        *ambiguity = ambiguity.or(noted);
        match byte {
            b'%' if escaped => bytes.extend_from_slice(b"%25"),
            b'?' if escaped => bytes.extend_from_slice(b"%3F"),
            b'#' if escaped => bytes.extend_from_slice(b"%23"),
            b'\\' => bytes.push(b'/'),
            byte => bytes.push(byte),
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| AmbiguousPath::NotUtf8)?;
    if text.chars().any(char::is_control) {
        return Err(AmbiguousPath::Control);
    }
    Ok(text)
}

/// Without parameters, empty segments and dot segments.
fn resolved(path: &str, ambiguity: &mut Option<AmbiguousPath>) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut ends_with_slash = false;
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        let name = match segment.split_once(';') {
            Some((name, _)) => {
                *ambiguity = ambiguity.or(Some(AmbiguousPath::Parameter));
                name
            }
            None => segment,
        };
        let noted = match name {
            "" if !last => Some(AmbiguousPath::EmptySegment),
            "." | ".." => Some(AmbiguousPath::DotSegment),
            _ => None,
        };
        *ambiguity = ambiguity.or(noted);
        ends_with_slash = matches!(name, "" | "." | "..");
        match name {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            name => kept.push(name),
        }
    }
    let mut text = String::with_capacity(path.len());
    for name in &kept {
        text.push('/');
        text.push_str(name);
    }
    if ends_with_slash || text.is_empty() {
        text.push('/');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_paths_are_decoded_and_lose_their_query() {
        for (target, expected) in [
            ("/", "/"),
            ("/orders", "/orders"),
            ("/orders/?a=/../b#c", "/orders/"),
            ("/orders/a%20b/%C3%A9", "/orders/a b/é"),
            ("/a:v=1/b.json/..c", "/a:v=1/b.json/..c"),
            ("/a/.well-known/b", "/a/.well-known/b"),
            ("/é", "/é"),
            ("*", "*"),
        ] {
            let path = canonical(target).unwrap();
            assert_eq!((path.as_str(), path.strict()), (expected, Ok(())), "{target}");
        }
    }

    #[test]
    fn paths_that_two_readers_read_differently_are_not_strict_and_have_one_form() {
        use AmbiguousPath::{Backslash, DotSegment, EmptySegment, EncodedDelimiter, Fragment, Parameter};
        for (target, expected, why) in [
            ("/orders/../admin", "/admin", DotSegment),
            ("/orders/..", "/", DotSegment),
            ("/a/b/..", "/a/", DotSegment),
            ("/../..", "/", DotSegment),
            ("/./a", "/a", DotSegment),
            ("/a/.", "/a/", DotSegment),
            ("/orders/..;/admin", "/admin", Parameter),
            ("/a;v=1/b;c", "/a/b", Parameter),
            ("/a/;x", "/a/", Parameter),
            ("/;/a", "/a", Parameter),
            ("/orders//a", "/orders/a", EmptySegment),
            ("//", "/", EmptySegment),
            ("//evil.example/a", "/evil.example/a", EmptySegment),
            ("/orders%2f..%2fadmin", "/admin", EncodedDelimiter),
            ("/orders/%2e%2e/admin", "/admin", EncodedDelimiter),
            ("/orders/.%2E/admin", "/admin", EncodedDelimiter),
            ("/a%5cb", "/a/b", EncodedDelimiter),
            ("/a\\b", "/a/b", Backslash),
            ("/a\\..\\b", "/b", Backslash),
            ("/a#b", "/a", Fragment),
            ("/a#b?c", "/a", Fragment),
            ("/a%23b", "/a%23b", EncodedDelimiter),
            ("/a%3fb", "/a%3Fb", EncodedDelimiter),
            ("/a%252fb", "/a%252fb", EncodedDelimiter),
            ("/a%3bb", "/a", EncodedDelimiter),
            ("/a%2ejson", "/a.json", EncodedDelimiter),
        ] {
            let path = canonical(target).unwrap();
            assert_eq!((path.as_str(), path.strict()), (expected, Err(why)), "{target}");
        }
    }

    #[test]
    fn paths_that_cannot_be_read_for_certain_have_no_form() {
        use AmbiguousPath::{BadEscape, Control, NoSlash, NotUtf8};
        for (target, why) in [
            ("", NoSlash),
            ("?a=/b", NoSlash),
            ("orders", NoSlash),
            ("*a", NoSlash),
            ("http://a/b", NoSlash),
            ("/a%00", Control),
            ("/a\0", Control),
            ("/a\tb", Control),
            ("/a%0d%0ab", Control),
            ("/a%7f", Control),
            ("/a%C2%85", Control),
            ("/a%", BadEscape),
            ("/a%2", BadEscape),
            ("/a%zz", BadEscape),
            ("/a%+1", BadEscape),
            ("/%c0%af", NotUtf8),
            ("/%e0%80%af", NotUtf8),
            ("/%ff", NotUtf8),
            ("/%ed%a0%80", NotUtf8),
        ] {
            assert_eq!(canonical(target), Err(why), "{target:?}");
        }
    }
}
