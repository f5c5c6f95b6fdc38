//! Where a redirect leads. WHATWG's reading of URLs, which ours is, and Go's differ on many texts: only what both read
//! alike is followed.

use postern_policy::http::plain_url;
use reqwest::Url;

/// The URL that a `Location` means, seen from where it was sent.
///
/// # Errors
/// Why it isn't followed.
pub(super) fn resolved(from: &Url, location: &str) -> Result<Url, String> {
    let reference = location.split('#').next().unwrap_or_default();
    let absolute = if has_scheme(reference) {
        reference.to_owned()
    } else if reference.starts_with("//") {
        format!("{}:{reference}", from.scheme())
    } else {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&()*+,;=:@/?".contains(&byte);
        let first = reference.split(['/', '?']).next().unwrap_or_default();
        if !reference.bytes().all(plain)
            || first.contains(':')
            || reference.to_ascii_lowercase().contains("%2e")
        {
            return Err("it can be read in two ways".to_owned());
        }
        let mut joined = from.join(reference).map_err(|error| error.to_string())?;
        joined.set_fragment(None);
        joined.to_string()
    };
    let plain = plain_url(&absolute).map_err(|problem| format!("the URL {problem}"))?;
    let url = Url::parse(&plain).map_err(|error| error.to_string())?;
    if says_the_same(&url, &plain) {
        Ok(url)
    } else {
        Err("it can be read in two ways".to_owned())
    }
}

/// Whether a URL is as it is written, but for a default port: what is asked must be what was written.
pub(super) fn says_the_same(url: &Url, written: &str) -> bool {
    if url.as_str() == written {
        return true;
    }
    let port = url.port_or_known_default().unwrap_or_default();
    let host = url.host_str().unwrap_or_default();
    let with = format!("{}://{host}:{port}", url.scheme());
    let without = format!("{}://{host}", url.scheme());
    written
        .strip_prefix(&with)
        .is_some_and(|rest| url.as_str().strip_prefix(&without) == Some(rest))
}

/// RFC 3986 §3.1.
fn has_scheme(reference: &str) -> bool {
    let Some((scheme, _)) = reference.split_once(':') else {
        return false;
    };
    let mut bytes = scheme.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_leads_where_go_would_go_or_nowhere() {
        let from = Url::parse("https://a.example/b/c?d=e").unwrap();
        for (location, wanted) in [
            ("/x", Some("https://a.example/x")),
            ("x?y#z", Some("https://a.example/b/x?y")),
            ("?y", Some("https://a.example/b/c?y")),
            ("#z", Some("https://a.example/b/c?d=e")),
            ("../x", Some("https://a.example/x")),
            ("/a//../x", Some("https://a.example/a/x")),
            ("//h.example:8443/x", Some("https://h.example:8443/x")),
            ("http://H.example:80/x", Some("http://h.example/x")),
            ("HTTP://h.example", Some("http://h.example/")),
            ("http:/x", None),
            ("http:x", None),
            ("https:///h.example/x", None),
            ("///h.example/x", None),
            ("/\\h.example/x", None),
            ("\\\\h.example/x", None),
            ("/a b", None),
            ("/\u{e9}", None),
            ("/%2e%2e/x", None),
            ("/?a='b'", None),
            ("1:2", None),
            ("ftp://h.example/", None),
            ("file:///etc/passwd", None),
            ("unix://h/?socket=%2Ftmp%2Fs", None),
            ("javascript:1", None),
            ("//u@h.example/", None),
            ("//u:p@h.example/", None),
            ("//127.1/", None),
            ("//0x7f.1/", None),
            ("//h%2eexample/", None),
            ("//[::1/", None),
            ("//h.example:99999/", None),
            ("https://h.example/a/../b", None),
        ] {
            let led = resolved(&from, location).ok();
            assert_eq!(led.as_ref().map(Url::as_str), wanted, "{location}");
        }
    }
}
