//! URLs as Go's `net/url` reads and writes them. What is rare in policies (addresses of IPv6, user names, percent signs
//! in a host) is refused, never guessed at.

use postern_rego::BuiltinError;

use super::{fail, refuse};
use crate::path_unescape::path_unescape;

/// The parts of a URL, by Go's names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct GoUrl {
    pub(super) scheme: String,
    pub(super) opaque: String,
    pub(super) host: String,
    /// With percent signs decoded.
    pub(super) path: String,
    /// As written, where Go would encode it otherwise.
    pub(super) raw_path: String,
    pub(super) omit_host: bool,
    pub(super) force_query: bool,
    pub(super) raw_query: String,
    pub(super) has_fragment: bool,
}

impl GoUrl {
    /// Go's `url.Parse`.
    pub(super) fn parse(text: &str) -> Result<Self, BuiltinError> {
        let error = |why: &str| fail(format!("parse {text:?}: {why}"));
        let (text_before, fragment) = text.split_once('#').unwrap_or((text, ""));
        if text_before.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return error("net/url: invalid control character in URL");
        }
        let mut url = Self {
            has_fragment: !fragment.is_empty(),
            ..Self::default()
        };
        if text_before == "*" {
            "*".clone_into(&mut url.path);
            return Ok(url);
        }
        let Some((scheme, mut rest)) = scheme(text_before) else {
            return error("missing protocol scheme");
        };
        url.scheme = scheme.to_ascii_lowercase();
        if rest.ends_with('?') && rest.matches('?').count() == 1 {
            url.force_query = true;
            rest = rest.strip_suffix('?').unwrap_or(rest);
        } else if let Some((before, query)) = rest.split_once('?') {
            rest = before;
            query.clone_into(&mut url.raw_query);
        }
        if !rest.starts_with('/') {
            if !url.scheme.is_empty() {
                rest.clone_into(&mut url.opaque);
                return Ok(url);
            }
            if rest
                .split('/')
                .next()
                .is_some_and(|segment| segment.contains(':'))
            {
                return error("first path segment in URL cannot contain colon");
            }
        }
        let may_have_host = !url.scheme.is_empty() || !rest.starts_with("///");
        if let Some(authority) = rest.strip_prefix("//").filter(|_| may_have_host) {
            let end = authority.find('/').unwrap_or(authority.len());
            let (authority, path) = authority.split_at(end);
            url.host = host(&url.scheme, authority)?;
            rest = path;
        } else {
            url.omit_host = !url.scheme.is_empty() && rest.starts_with('/');
        }
        let Some(path) = path_unescape(rest.as_bytes()) else {
            return error("invalid URL escape");
        };
        if escape(&path) != rest {
            rest.clone_into(&mut url.raw_path);
        }
        let Ok(path) = String::from_utf8(path) else {
            return refuse("a URL whose path is not UTF-8");
        };
        url.path = path;
        Ok(url)
    }

    /// Go's `EscapedPath`.
    pub(super) fn escaped_path(&self) -> String {
        if !self.raw_path.is_empty() && is_encoded(&self.raw_path) {
            return self.raw_path.clone();
        }
        if self.path == "*" {
            return "*".to_owned();
        }
        escape(self.path.as_bytes())
    }

    /// Go's `String`.
    pub(super) fn to_text(&self) -> Result<String, BuiltinError> {
        if self.has_fragment {
            return refuse("a URL with a fragment");
        }
        let mut text = String::new();
        if !self.scheme.is_empty() {
            text.push_str(&self.scheme);
            text.push(':');
        }
        if self.opaque.is_empty() {
            let has_authority = !self.scheme.is_empty() || !self.host.is_empty();
            let omits = self.omit_host && self.host.is_empty();
            if has_authority && !omits {
                if !self.host.is_empty() || !self.path.is_empty() {
                    text.push_str("//");
                }
                text.push_str(&self.host);
            }
            let path = self.escaped_path();
            if !path.is_empty() && !path.starts_with('/') && !self.host.is_empty() {
                text.push('/');
            }
            if text.is_empty() && path.split('/').next().is_some_and(|first| first.contains(':')) {
                text.push_str("./");
            }
            text.push_str(&path);
        } else {
            text.push_str(&self.opaque);
        }
        if self.force_query || !self.raw_query.is_empty() {
            text.push('?');
            text.push_str(&self.raw_query);
        }
        Ok(text)
    }
}

/// The scheme, if there is one, and what follows; none if only its name is missing.
fn scheme(text: &str) -> Option<(&str, &str)> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return None,
            b':' => return Some((text.get(..at)?, text.get(at + 1..)?)),
            _ => break,
        }
    }
    Some(("", text))
}

fn host(scheme: &str, authority: &str) -> Result<String, BuiltinError> {
    if authority.contains(['@', '[', ']', '%']) {
        return refuse("a URL with a user, an IPv6 address or a percent sign before its path");
    }
    // Only for others than these has Go patience with colons in a host.
    let port = if matches!(scheme, "http" | "https") {
        authority.find(':')
    } else {
        authority.rfind(':')
    };
    let port = port.and_then(|at| authority.get(at + 1..)).unwrap_or_default();
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return fail(format!("invalid port \":{port}\" after host"));
    }
    let is_wrong =
        |c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && !"!\"$&'()*+,-.:;<=>_~".contains(c);
    if authority.contains(is_wrong) {
        return fail("invalid character in host name");
    }
    if authority.contains(|c: char| !c.is_ascii() || matches!(c, '<' | '>' | '"')) {
        return refuse("a URL with such a host");
    }
    Ok(authority.to_owned())
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'_' | b'.' | b'~' | b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'@'
        )
}

fn escape(path: &[u8]) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path {
        if is_plain(*byte) {
            text.push(char::from(*byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// Whether Go leaves a path as it was written.
fn is_encoded(path: &str) -> bool {
    path.bytes()
        .all(|byte| is_plain(byte) || matches!(byte, b'!' | b'\'' | b'(' | b')' | b'*' | b'[' | b']' | b'%'))
}

#[cfg(test)]
mod tests {
    use super::GoUrl;

    #[test]
    fn paths_are_written_as_go_writes_them() {
        let check = |text: &str, host: &str, path: &str| {
            let url = GoUrl::parse(text).unwrap();
            assert_eq!(
                (url.host.as_str(), url.escaped_path().as_str()),
                (host, path),
                "{text}"
            );
        };
        check("https://example.com", "example.com", "");
        check("https://example.com:8443/a/b?c=d#e", "example.com:8443", "/a/b");
        check("https://example.com/a b", "example.com", "/a%20b");
        check("https://example.com/a%20b", "example.com", "/a%20b");
        check("https://example.com/a%2Fb", "example.com", "/a%2Fb");
        check("https://example.com/a%2fb", "example.com", "/a%2fb");
        check("https://example.com/(a)!*", "example.com", "/(a)!*");
        check("https://example.com/(a) %41", "example.com", "/%28a%29%20A");
        check("https://example.com/ü", "example.com", "/%C3%BC");
        check("//example.com/a", "example.com", "/a");
        check("///a", "", "///a");
        check("mailto:a@b", "", "");
        check("/a", "", "/a");
    }

    #[test]
    fn text_goes_there_and_back() {
        for text in [
            "spiffe://example.org/ns/a/sa/b",
            "https://example.com",
            "https://example.com/?",
            "https://example.com/a?b=c",
            "mailto:a@example.com",
            "urn:uuid:00000000-0000-4000-8000-000000000000",
            "file:///a",
            "unix:/a",
            "a/b",
        ] {
            assert_eq!(
                GoUrl::parse(text).unwrap().to_text().as_deref(),
                Ok(text),
                "{text}"
            );
        }
    }

    #[test]
    fn what_go_refuses_fails_and_what_is_not_known_halts() {
        use postern_rego::BuiltinError::{Halt, Lenient};
        for text in [
            "http://a:b/",
            "http://a b/",
            "http://a/%zz",
            "a\u{1}",
            ":a",
            "a:b:c/d",
        ] {
            let parsed = GoUrl::parse(text);
            if text == "a:b:c/d" {
                assert!(parsed.is_ok());
            } else {
                assert!(matches!(parsed, Err(Lenient(_))), "{text}: {parsed:?}");
            }
        }
        for text in [
            "http://[::1]/",
            "http://u@a/",
            "http://%C3/",
            "http://ü/",
            "http://a/%ff",
        ] {
            assert!(matches!(GoUrl::parse(text), Err(Halt(_))), "{text}");
        }
    }
}
