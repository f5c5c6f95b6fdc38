//! Which hosts may be asked: `api.example.com`, `*.example.com:8443`, an address; by https, unless the entry says http.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

/// How a host is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// With TLS.
    Https,
    /// In plain text.
    Http,
}

impl Scheme {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }
}

/// One host, or all below a name; by one scheme, at one port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostPattern {
    scheme: Scheme,
    /// A name or address in lower case, an IPv6 address in brackets.
    host: String,
    /// Whether it means all names below `host`, and not that one.
    below: bool,
    port: u16,
}

impl HostPattern {
    /// Reads `host`, `host:port`, `*.host` and `*.host:port`. Without a port it is 443.
    ///
    /// # Errors
    /// What was expected.
    pub(crate) fn parse(text: &str, scheme: Scheme) -> Result<Self, String> {
        let expected = || {
            "expected a host such as api.example.com or *.example.com, perhaps with :port; no scheme and no path".to_owned()
        };
        let (below, rest) = match text.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:[]".contains(&byte);
        if !rest.bytes().all(plain) {
            return Err(expected());
        }
        // Read as the URLs of requests are.
        let url = Url::parse(&format!("{}://{rest}", scheme.as_str())).map_err(|_| expected())?;
        let host = url.host_str().ok_or_else(expected)?.to_owned();
        if host.ends_with('.') || (below && address(&url).is_some()) {
            return Err(expected());
        }
        let has_port = rest.rsplit(']').next().is_some_and(|tail| tail.contains(':'));
        if scheme == Scheme::Http && !has_port {
            return Err(
                "expected host:port, since plain http is for the port that is named and no other".to_owned(),
            );
        }
        let port = url
            .port_or_known_default()
            .filter(|port| *port != 0)
            .ok_or_else(expected)?;
        Ok(Self {
            scheme,
            host,
            below,
            port,
        })
    }

    /// Whether this URL is of such a host.
    pub(super) fn means(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let named = if self.below {
            host.strip_suffix(self.host.as_str())
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        } else {
            host == self.host
        };
        named && url.scheme() == self.scheme.as_str() && url.port_or_known_default() == Some(self.port)
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let below = if self.below { "*." } else { "" };
        write!(formatter, "{below}{}:{}", self.host, self.port)
    }
}

/// The address that a URL names.
pub(super) fn address(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_matches(['[', ']']).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn means(pattern: &str, scheme: Scheme, url: &str) -> bool {
        HostPattern::parse(pattern, scheme)
            .unwrap()
            .means(&Url::parse(url).unwrap())
    }

    #[test]
    fn a_pattern_means_its_host_scheme_and_port_alone() {
        use Scheme::{Http, Https};
        for (pattern, scheme, url, wanted) in [
            ("api.example.com", Https, "https://api.example.com/a", true),
            ("API.example.com", Https, "https://api.example.com:443/a", true),
            ("api.example.com", Https, "http://api.example.com:443/a", false),
            ("api.example.com", Https, "https://api.example.com:8443/a", false),
            ("api.example.com", Https, "https://example.com/a", false),
            (
                "api.example.com",
                Https,
                "https://api.example.com.evil.example/a",
                false,
            ),
            ("*.example.com:8443", Https, "https://a.b.example.com:8443/", true),
            ("*.example.com:8443", Https, "https://example.com:8443/", false),
            ("*.example.com:8443", Https, "https://notexample.com:8443/", false),
            ("127.0.0.1:8080", Http, "http://127.0.0.1:8080/", true),
            ("127.0.0.1:8080", Http, "https://127.0.0.1:8080/", false),
            ("[::1]:8080", Http, "http://[::1]:8080/", true),
            ("h.example:80", Http, "http://h.example/", true),
        ] {
            assert_eq!(means(pattern, scheme, url), wanted, "{pattern} {url}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "",
            "*",
            "*.",
            "https://a.example",
            "a.example/b",
            "a.*.example",
            "a.example.",
            "*.10.0.0.1",
            "a b",
            "u@h",
            "h:0",
            "h:99999",
        ] {
            assert!(HostPattern::parse(text, Scheme::Https).is_err(), "{text}");
        }
        let plain = HostPattern::parse("a.example", Scheme::Http).unwrap_err();
        assert!(plain.contains("host:port"), "{plain}");
        assert!(HostPattern::parse("[::1]", Scheme::Http).is_err());
    }
}
