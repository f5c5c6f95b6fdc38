//! URIs of requests as DPoP compares them (RFC 9449 §4.3): in the normal form of RFC 3986 §6.2.2 and §6.2.3, without query
//! and fragment. Two texts with one normal form name one resource; nothing is guessed beyond that.

/// Whether `text` is a scheme, host and optional port, and nothing else, such as `https://orders.example`.
#[must_use]
pub fn is_public_origin(text: &str) -> bool {
    origin(text).is_some()
}

/// The URI in normal form that a proof for this request must have: the route's origin with the request's path.
pub(super) fn expected(public_origin: &str, target: &str) -> Option<String> {
    let path = without_query(target);
    // `*` and the authority of CONNECT have no path.
    if !path.starts_with('/') {
        return None;
    }
    Some(format!(
        "{}{}",
        origin(public_origin)?,
        path_in_normal_form(path)?
    ))
}

/// An `http` or `https` URI in normal form, or `None` for anything else.
pub(super) fn normal_form(uri: &str) -> Option<String> {
    let uri = without_query(uri);
    let authority_at = uri.find("://")? + "://".len();
    let path_at = uri
        .get(authority_at..)?
        .find('/')
        .map_or(uri.len(), |at| authority_at + at);
    let (before, path) = uri.split_at_checked(path_at)?;
    Some(format!("{}{}", origin(before)?, path_in_normal_form(path)?))
}

fn without_query(uri: &str) -> &str {
    uri.split_once(['?', '#']).map_or(uri, |(before, _)| before)
}

/// Scheme, host and port in normal form: lower case (§6.2.2.1), without the scheme's own port (§6.2.3).
fn origin(text: &str) -> Option<String> {
    let (scheme, authority) = text.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    let (host, port) = host_and_port(authority)?;
    let host = host.to_ascii_lowercase();
    match port {
        Some(port) if port != default_port => Some(format!("{scheme}://{host}:{port}")),
        _ => Some(format!("{scheme}://{host}")),
    }
}

/// Plain hosts and IP addresses only: a userinfo, an escape or an empty host is nothing that a route is known by.
fn host_and_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let host_end = match authority.strip_prefix('[') {
        Some(literal) => literal.find(']')? + 2,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at_checked(host_end)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let sound = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(plain),
    };
    if !sound {
        return None;
    }
    match port.strip_prefix(':') {
        None if port.is_empty() => Some((host, None)),
        Some("") => Some((host, None)),
        Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            Some((host, Some(digits.parse().ok()?)))
        }
        _ => None,
    }
}

/// §6.2.2.2 and §6.2.2.3, and the `/` that an empty path stands for (§6.2.3).
fn path_in_normal_form(path: &str) -> Option<String> {
    let path = escapes_in_normal_form(path)?;
    // §5.2.4, for a path that is empty or begins with a slash.
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    Some(format!("/{}", kept.join("/")))
}

/// Escapes of unreserved characters undone, the digits of the others in upper case. `None` for a `%` that begins none.
fn escapes_in_normal_form(path: &str) -> Option<String> {
    let mut normal = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        normal.push_str(before);
        let (digits, after) = after.split_at_checked(2)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        match u8::from_str_radix(digits, 16).ok()? {
            byte if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') => {
                normal.push(char::from(byte));
            }
            _ => {
                normal.push('%');
                normal.push_str(&digits.to_ascii_uppercase());
            }
        }
        rest = after;
    }
    normal.push_str(rest);
    Some(normal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_that_name_one_resource_have_one_normal_form() {
        for (uri, normal) in [
            ("https://a.example", "https://a.example/"),
            ("https://a.example/", "https://a.example/"),
            ("https://a.example?q", "https://a.example/"),
            ("https://a.example#f", "https://a.example/"),
            ("HTTPS://A.Example:443/", "https://a.example/"),
            ("https://a.example:/", "https://a.example/"),
            ("https://a.example:0443/x", "https://a.example/x"),
            ("http://a.example:80/x", "http://a.example/x"),
            ("http://a.example:443/x", "http://a.example:443/x"),
            ("https://[2001:DB8::1]:8443/x", "https://[2001:db8::1]:8443/x"),
            ("https://a.example/%7Euser/%41%2d", "https://a.example/~user/A-"),
            ("https://a.example/%c3%a9%2f", "https://a.example/%C3%A9%2F"),
            ("https://a.example/a/./b/../c", "https://a.example/a/c"),
            ("https://a.example/a/b/..", "https://a.example/a/"),
            ("https://a.example/a/b/.", "https://a.example/a/b/"),
            ("https://a.example/../../a", "https://a.example/a"),
            // §6.2.2.3 comes after §6.2.2.2.
            ("https://a.example/a/%2e%2E/b", "https://a.example/b"),
            ("https://a.example//a//", "https://a.example//a//"),
            ("https://a.example/a;b=c@d:e", "https://a.example/a;b=c@d:e"),
            ("https://a.example/x?https://b.example/", "https://a.example/x"),
        ] {
            assert_eq!(normal_form(uri).as_deref(), Some(normal), "{uri}");
        }
    }

    #[test]
    fn what_no_route_is_known_by_has_none() {
        for uri in [
            "",
            "/x",
            "a.example/x",
            "//a.example/x",
            "https:/a.example",
            "https://",
            "https:///x",
            "ftp://a.example/x",
            "javascript://a.example/x",
            "https://user@a.example/x",
            "https://user:pw@a.example/x",
            "https://a.example:port/x",
            "https://a.example:65536/x",
            "https://a.example:+443/x",
            "https://a.example:443:443/x",
            "https://a%2eexample/x",
            "https://a example/x",
            "https://ä.example/x",
            "https://a.example\\@b.example/x",
            "https://[::1/x",
            "https://[::1]x/",
            "https://[v1.x]/",
            "https://a.example/%",
            "https://a.example/%4",
            "https://a.example/%zz",
            "https://a.example/%+1",
            " https://a.example/x",
        ] {
            assert_eq!(normal_form(uri), None, "{uri}");
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for text in [
            "https://a.example",
            "http://127.0.0.1:8000",
            "https://[::1]",
            "HTTPS://A",
        ] {
            assert!(is_public_origin(text), "{text}");
        }
        for text in [
            "a.example",
            "https://a.example/",
            "https://a.example/x",
            "https://a.example?",
            "https://a.example#",
            "https://*.example",
            "https://u@a.example",
            "",
        ] {
            assert!(!is_public_origin(text), "{text}");
        }
    }

    #[test]
    fn what_is_expected_is_the_origin_with_the_requests_path() {
        let expected = |target| expected("https://A.example:443", target);
        assert_eq!(expected("/a%7e?q=/b").as_deref(), Some("https://a.example/a~"));
        assert_eq!(expected("/").as_deref(), Some("https://a.example/"));
        assert_eq!(
            expected("//evil.example/a").as_deref(),
            Some("https://a.example//evil.example/a")
        );
        for target in [
            "",
            "*",
            "a.example:443",
            "https://a.example/",
            "?q",
            "/%",
            "@evil.example/",
        ] {
            assert_eq!(expected(target), None, "{target}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn the_normal_form_of_a_normal_form_is_itself(uri in "https?://[A-Za-z.]{1,8}(:[0-9]{0,4})?(/[a-zA-Z.%0-9]{0,4}){0,5}") {
            if let Some(normal) = normal_form(&uri) {
                prop_assert_eq!(normal_form(&normal), Some(normal));
            }
        }

        #[test]
        fn no_text_makes_it_panic(uri in any::<String>(), target in any::<String>()) {
            drop(normal_form(&uri));
            drop(normal_form(&format!("https://{uri}")));
            // Whatever a request says, the resource is one of the route's origin.
            if let Some(uri) = expected("https://a.example", &target) {
                prop_assert!(uri.starts_with("https://a.example/"));
            }
        }

        #[test]
        fn a_request_is_proved_by_its_own_path_and_no_other(
            path in "(/[a-z%41.]{0,4}){1,4}",
            other in "(/[a-z%41.]{0,4}){1,4}",
        ) {
            let ours = expected("https://a.example", &path);
            prop_assert_eq!(&ours, &normal_form(&format!("https://a.example{path}")));
            if ours.is_some() && ours == normal_form(&format!("https://a.example{other}")) {
                prop_assert_eq!(ours, expected("https://a.example", &other));
            }
        }
    }
}
