//! The host of a request in its one form, and the patterns that it is compared with. Never resolves a name.

use std::fmt;

/// Longest host that patterns are compared with, in bytes: no DNS name is longer (RFC 1035 §2.3.4).
const MAX_HOST_BYTES: usize = 255;

/// A host in lower case, without port and without the dot of a full name, in place: nothing is allocated.
#[derive(Clone, Copy)]
pub(crate) struct Host {
    bytes: [u8; MAX_HOST_BYTES],
    len: usize,
}

impl Host {
    /// The host of `Host` or `:authority`; `None` where it is longer than any host, so that no pattern means it.
    pub(crate) fn of(authority: &str) -> Option<Self> {
        let host = without_port(authority);
        let host = host.strip_suffix('.').unwrap_or(host);
        let mut bytes = [0; MAX_HOST_BYTES];
        let place = bytes.get_mut(..host.len())?;
        place.copy_from_slice(host.as_bytes());
        place.make_ascii_lowercase();
        Some(Self {
            bytes,
            len: host.len(),
        })
    }

    /// Its text.
    pub(crate) fn as_str(&self) -> &str {
        // What came in was text, and changing the case of ASCII leaves it so.
        self.bytes
            .get(..self.len)
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .unwrap_or_default()
    }
}

/// `host`, `host:port`, `[v6]` and `[v6]:port` without the port. What is none of these stays as it is.
fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port))
            if port.bytes().all(|byte| byte.is_ascii_digit())
                && (!host.contains(':') || host.starts_with('[') && host.ends_with(']')) =>
        {
            host
        }
        _ => authority,
    }
}

/// A host, or all below one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern {
    /// In the form of [`Host`]; of a wildcard, what comes after `*.`.
    name: Box<str>,
    wildcard: bool,
}

/// Why a text is no [`HostPattern`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostPatternError {
    /// Ports aren't compared.
    #[error("expected a host without a port: requests match whatever port they name")]
    Port,
    /// `*` somewhere else.
    #[error("expected `*` only as the first label, such as *.shop.example; leave `hosts` out to mean any")]
    Wildcard,
    /// Not a host name, nor an address.
    #[error("expected a host, such as orders.example, *.shop.example, 10.0.0.1 or [fd00::1]")]
    Host,
}

impl HostPattern {
    /// Reads `orders.example`, or `*.shop.example` for every host below, at any depth, and not `shop.example` itself.
    ///
    /// # Errors
    /// When no host could ever match.
    pub fn parse(text: &str) -> Result<Self, HostPatternError> {
        let (name, wildcard) = match text.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (text, false),
        };
        if name.contains('*') {
            return Err(HostPatternError::Wildcard);
        }
        if without_port(name) != name {
            return Err(HostPatternError::Port);
        }
        let host = Host::of(name).ok_or(HostPatternError::Host)?;
        let name = host.as_str();
        let address = name
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok());
        if !(is_dns_name(name) || address && !wildcard) {
            return Err(HostPatternError::Host);
        }
        Ok(Self {
            name: Box::from(name),
            wildcard,
        })
    }

    /// Whether `host` is meant.
    pub(crate) fn matches(&self, host: &Host) -> bool {
        let host = host.as_str();
        if !self.wildcard {
            return *self.name == *host;
        }
        host.strip_suffix(&*self.name)
            .and_then(|rest| rest.strip_suffix('.'))
            .is_some_and(|labels| !labels.is_empty())
    }

    /// Whether every host that `other` means is meant here too.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        match (self.wildcard, other.wildcard) {
            (false, false) => self.name == other.name,
            (false, true) => false,
            (true, false) => Host::of(&other.name).is_some_and(|host| self.matches(&host)),
            (true, true) => {
                self.name == other.name || Host::of(&other.name).is_some_and(|host| self.matches(&host))
            }
        }
    }

    /// The host, or what comes after `*.`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether all below are meant.
    pub(crate) fn is_wildcard(&self) -> bool {
        self.wildcard
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.wildcard { "*." } else { "" };
        write!(formatter, "{star}{}", self.name)
    }
}

/// Letters, digits, dashes and underscores between single dots: what names in use look like.
fn is_dns_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    name.split('.')
        .all(|label| !label.is_empty() && label.len() <= 63 && label.bytes().all(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_one_form_whatever_its_case_port_or_final_dot() {
        for (authority, expected) in [
            ("orders.example", "orders.example"),
            ("Orders.EXAMPLE:8443", "orders.example"),
            ("orders.example.", "orders.example"),
            ("orders.example.:443", "orders.example"),
            ("[FD00::1]:8080", "[fd00::1]"),
            ("[fd00::1]", "[fd00::1]"),
            ("fd00::1", "fd00::1"),
            ("orders.example:http", "orders.example:http"),
            ("orders.example:", "orders.example"),
            ("", ""),
        ] {
            assert_eq!(Host::of(authority).unwrap().as_str(), expected, "{authority}");
        }
        assert!(Host::of(&"a".repeat(256)).is_none());
    }

    #[test]
    fn a_wildcard_means_hosts_below_at_any_depth_and_not_the_name_itself() {
        let pattern = HostPattern::parse("*.Shop.example").unwrap();
        for (host, expected) in [
            ("eu.shop.example", true),
            ("a.eu.shop.example:80", true),
            ("shop.example", false),
            (".shop.example", false),
            ("workshop.example", false),
            ("eu.shop.example.evil", false),
        ] {
            assert_eq!(pattern.matches(&Host::of(host).unwrap()), expected, "{host}");
        }
    }

    #[test]
    fn what_no_host_could_match_is_no_pattern() {
        for (text, expected) in [
            ("", HostPatternError::Host),
            ("*", HostPatternError::Wildcard),
            ("a.*.example", HostPatternError::Wildcard),
            ("*shop.example", HostPatternError::Wildcard),
            ("a.example:443", HostPatternError::Port),
            ("https://a.example", HostPatternError::Host),
            ("a..example", HostPatternError::Host),
            ("a example", HostPatternError::Host),
            ("*.[fd00::1]", HostPatternError::Host),
        ] {
            assert_eq!(HostPattern::parse(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn coverage_is_what_matching_would_show() {
        let pattern = |text| HostPattern::parse(text).unwrap();
        for (wide, narrow, expected) in [
            ("a.example", "A.example", true),
            ("*.example", "a.example", true),
            ("*.example", "*.a.example", true),
            ("*.example", "*.example", true),
            ("*.a.example", "*.example", false),
            ("a.example", "*.example", false),
            ("*.example", "example", false),
        ] {
            assert_eq!(
                pattern(wide).covers(&pattern(narrow)),
                expected,
                "{wide} {narrow}"
            );
        }
    }
}
