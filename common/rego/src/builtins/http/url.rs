//! URLs that everyone reads alike. Go's `net/url` and the host's own parser disagree on many texts, and who is asked must
//! not depend on it: what isn't plain is refused.

use super::{Failure, halt};

/// The longest.
const MAX_BYTES: usize = 8 * 1024;

/// The URL with its scheme and host in lower case and without a fragment.
pub(super) fn checked(text: &str) -> Result<String, Failure> {
    plain_url(text).map_err(|problem| halt(format!("the URL {problem}")))
}

/// A URL as [`HttpRequest::url`](super::HttpRequest) is: for hosts that follow redirects.
///
/// # Errors
/// What about it could be read in two ways, to go behind "the URL ".
pub fn plain_url(text: &str) -> Result<String, String> {
    if text.len() > MAX_BYTES {
        return Err(format!("is longer than {MAX_BYTES} bytes"));
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err("has no scheme; expected http:// or https://".to_owned());
    };
    let scheme = scheme.to_ascii_lowercase();
    if !matches!(scheme.as_str(), "http" | "https") {
        return Err(format!("has the scheme {scheme:?}; expected http or https"));
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let authority = authority.to_ascii_lowercase();
    check_authority(&authority)?;
    let target = target.split('#').next().unwrap_or_default();
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    check_characters("path", path, b"!$&'()*+,;=:@/")?;
    if path.split('/').any(is_dots) {
        return Err("has a segment of dots".to_owned());
    }
    let mut url = format!(
        "{scheme}://{authority}{}",
        if path.is_empty() { "/" } else { path }
    );
    if let Some(query) = query {
        // A quote is encoded by some.
        check_characters("query", query, b"!$&()*+,;=:@/?")?;
        url.push('?');
        url.push_str(query);
    }
    Ok(url)
}

/// A name, an IPv4 address in its usual form, or an IPv6 address in brackets; perhaps a port.
fn check_authority(authority: &str) -> Result<(), String> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, "")) => (address, None),
            Some((address, rest)) => (address, Some(rest.strip_prefix(':').unwrap_or("?"))),
            None => return Err("has a bracket too many".to_owned()),
        },
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let is_port = |port: &str| {
        let plain = port.bytes().all(|byte| byte.is_ascii_digit()) && !port.starts_with('0');
        plain && port.parse::<u16>().is_ok()
    };
    if !port.is_none_or(is_port) {
        return Err("has no port from 1 to 65535 after its host".to_owned());
    }
    let good = if authority.starts_with('[') {
        host.parse::<std::net::Ipv6Addr>().is_ok()
    } else {
        is_name(host) || host.parse::<std::net::Ipv4Addr>().is_ok()
    };
    if good {
        Ok(())
    } else {
        Err(
            "has a host that is neither a name in ASCII nor an address; user and password belong in a header"
                .to_owned(),
        )
    }
}

/// Labels of letters, digits, dashes and underscores; the last isn't a number, which some take for an address.
fn is_name(host: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(plain);
    let last = host.rsplit('.').next().unwrap_or_default();
    let starts_as_letter = last.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    host.len() <= 253 && host.split('.').all(label) && starts_as_letter
}

fn check_characters(part: &str, text: &str, others: &[u8]) -> Result<(), String> {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let good = match byte {
            b'%' => [bytes.next(), bytes.next()]
                .into_iter()
                .all(|digit| digit.is_some_and(|digit| digit.is_ascii_hexdigit())),
            byte => byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || others.contains(&byte),
        };
        if !good {
            return Err(format!(
                "has characters in its {part} that have to be percent-encoded; urlquery.encode does that"
            ));
        }
    }
    Ok(())
}

/// `.` or `..`, in any spelling: some resolve them.
fn is_dots(segment: &str) -> bool {
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    matches!(plain.as_str(), "." | "..")
}
