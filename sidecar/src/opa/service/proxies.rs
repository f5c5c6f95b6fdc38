//! What the environment says about proxies, read as Go reads it (`golang.org/x/net/http/httpproxy`).

use std::fmt;
use std::net::IpAddr;

use postern_opa_config::Host;
use reqwest::Url;

/// Which proxy a request goes through.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Proxies {
    http: Option<Url>,
    https: Option<Url>,
    direct: Vec<Direct>,
    /// Started by a web server, which sets `HTTP_PROXY` to what a request's `Proxy` header says.
    is_cgi: bool,
}

/// What is asked without a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Direct {
    Everything,
    Network {
        address: IpAddr,
        bits: u8,
    },
    Address {
        address: IpAddr,
        port: Option<u16>,
    },
    Domain {
        below: String,
        itself: bool,
        port: Option<u16>,
    },
}

/// Without what they are spoken to with: their addresses may hold a password.
impl fmt::Debug for Proxies {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = |url: &Option<Url>| url.as_ref().and_then(|url| url.host_str().map(str::to_owned));
        formatter
            .debug_struct("Proxies")
            .field("http", &host(&self.http))
            .field("https", &host(&self.https))
            .field("direct", &self.direct)
            .finish_non_exhaustive()
    }
}

impl Proxies {
    /// Reads `http_proxy`, `https_proxy` and `no_proxy`, in small letters first.
    ///
    /// # Errors
    /// When a proxy is spoken to in a way that isn't offered, with the variable.
    pub(crate) fn of(host: &dyn Host) -> Result<Self, String> {
        let variable = |name: &str| {
            let names = [name.to_ascii_lowercase(), name.to_owned()];
            names
                .iter()
                .find_map(|name| host.variable(name).filter(|value| !value.is_empty()))
        };
        let no_proxy = variable("NO_PROXY").unwrap_or_default();
        Ok(Self {
            http: proxy("HTTP_PROXY", variable("HTTP_PROXY"))?,
            https: proxy("HTTPS_PROXY", variable("HTTPS_PROXY"))?,
            direct: no_proxy.split(',').filter_map(Direct::read).collect(),
            is_cgi: host
                .variable("REQUEST_METHOD")
                .is_some_and(|value| !value.is_empty()),
        })
    }

    /// The proxy that `url` is asked through.
    pub(crate) fn of_url(&self, url: &Url) -> Option<Url> {
        let proxy = match url.scheme() {
            "https" => self.https.as_ref(),
            "http" if !self.is_cgi => self.http.as_ref(),
            _ => None,
        }?;
        let host = url.host_str()?.trim_matches(['[', ']']);
        let address = host.parse::<IpAddr>().ok().map(|address| address.to_canonical());
        if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
            return None;
        }
        let port = url.port_or_known_default();
        let is_direct = self.direct.iter().any(|direct| direct.is(host, address, port));
        (!is_direct).then(|| proxy.clone())
    }
}

impl Direct {
    fn read(entry: &str) -> Option<Self> {
        let entry = entry.trim().to_lowercase();
        if entry == "*" {
            return Some(Self::Everything);
        }
        if let Some((address, bits)) = entry.split_once('/')
            && let (Ok(address), Ok(bits)) = (address.parse::<IpAddr>(), bits.parse::<u8>())
            && bits <= width(address)
        {
            return Some(Self::Network { address, bits });
        }
        let (host, port) = split_port(&entry);
        let port = match port.map(str::parse::<u16>) {
            Some(Ok(port)) => Some(port),
            None => None,
            // No port is written like that, so that it means nothing.
            Some(Err(_)) => return None,
        };
        if let Ok(address) = host.parse::<IpAddr>() {
            let address = address.to_canonical();
            return Some(Self::Address { address, port });
        }
        let (below, itself) = match host.strip_prefix('*') {
            Some(rest) if rest.starts_with('.') => (rest.to_owned(), false),
            _ if host.is_empty() => return None,
            _ if host.starts_with('.') => (host.to_owned(), false),
            _ => (format!(".{host}"), true),
        };
        Some(Self::Domain { below, itself, port })
    }

    fn is(&self, host: &str, address: Option<IpAddr>, port: Option<u16>) -> bool {
        let port_is = |wanted: &Option<u16>| wanted.is_none() || *wanted == port;
        match self {
            Self::Everything => true,
            Self::Network { address: of, bits } => {
                address.is_some_and(|address| is_within(address, *of, *bits))
            }
            Self::Address { address: of, port } => address == Some(*of) && port_is(port),
            Self::Domain { below, itself, port } => {
                let named =
                    host.ends_with(below.as_str()) || (*itself && below.strip_prefix('.') == Some(host));
                address.is_none() && named && port_is(port)
            }
        }
    }
}

/// An absent scheme is http. What is no address at all is passed over, as Go does.
fn proxy(name: &str, value: Option<String>) -> Result<Option<Url>, String> {
    let Some(value) = value else {
        return Ok(None);
    };
    let whole = Url::parse(&value).ok().filter(Url::has_host);
    let Some(url) = whole.or_else(|| Url::parse(&format!("http://{value}")).ok()) else {
        return Ok(None);
    };
    match url.scheme() {
        "http" | "https" => Ok(Some(url)),
        scheme => Err(format!(
            "the environment variable {name}: proxies of {scheme} aren't offered, only http and https"
        )),
    }
}

/// `host`, `host:port`, `[address]:port`; an IPv6 address without brackets has no port.
fn split_port(entry: &str) -> (&str, Option<&str>) {
    let (host, port) = match entry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match entry.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (entry, None),
        },
    };
    (host, port.filter(|port| !port.is_empty()))
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn is_within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let differing = match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) => u128::from(a.to_bits() ^ b.to_bits()),
        (IpAddr::V6(a), IpAddr::V6(b)) => a.to_bits() ^ b.to_bits(),
        _ => return false,
    };
    let rest = u32::from(width(network) - bits);
    differing.checked_shr(rest).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    struct Environment(BTreeMap<&'static str, &'static str>);

    impl Host for Environment {
        fn variable(&self, name: &str) -> Option<String> {
            self.0.get(name).map(|value| (*value).to_owned())
        }

        fn file(&self, _: &str) -> Result<Vec<u8>, String> {
            Err("no file".to_owned())
        }
    }

    fn proxies<const N: usize>(variables: [(&'static str, &'static str); N]) -> Result<Proxies, String> {
        Proxies::of(&Environment(variables.into()))
    }

    fn of(proxies: &Proxies, url: &str) -> Option<String> {
        proxies.of_url(&Url::parse(url).unwrap()).map(String::from)
    }

    #[test]
    fn each_scheme_has_its_proxy_and_small_letters_come_first() {
        let read = proxies([
            ("HTTP_PROXY", "http://big:1"),
            ("http_proxy", "small:2"),
            ("HTTPS_PROXY", "https://user:pass@secure:3"),
        ]);
        let read = read.unwrap();
        assert_eq!(of(&read, "http://a.test/x").as_deref(), Some("http://small:2/"));
        let secure = of(&read, "https://a.test/x");
        assert_eq!(secure.as_deref(), Some("https://user:pass@secure:3/"));
        for direct in ["http://localhost/", "http://127.0.0.9:8080/", "http://[::1]/"] {
            assert_eq!(of(&read, direct), None, "{direct}");
        }
        let none = proxies([("ALL_PROXY", "http://p:1"), ("http_proxy", "")]).unwrap();
        assert_eq!(of(&none, "http://a.test/"), None);
        let by_a_web_server = proxies([("HTTP_PROXY", "http://p:1"), ("REQUEST_METHOD", "GET")]);
        assert_eq!(of(&by_a_web_server.unwrap(), "http://a.test/"), None);
    }

    #[test]
    fn what_is_named_is_asked_without_a_proxy() {
        for (entry, url, is_direct) in [
            ("a.test", "http://a.test/", true),
            ("a.test", "http://b.a.test/", true),
            ("a.test", "http://ba.test/", false),
            (".a.test", "http://a.test/", false),
            (".a.test", "http://b.a.test/", true),
            ("*.a.test", "http://b.a.test/", true),
            ("*.a.test", "http://a.test/", false),
            ("A.TEST", "http://a.test/", true),
            ("a.test:80", "http://a.test/", true),
            ("a.test:8080", "http://a.test/", false),
            ("x, a.test ,y", "http://a.test/", true),
            ("*", "http://a.test/", true),
            ("10.0.0.0/8", "http://10.9.9.9/", true),
            ("10.0.0.0/8", "http://11.9.9.9/", false),
            ("0.0.0.0/0", "http://11.9.9.9/", true),
            ("0.0.0.0/0", "http://a.test/", false),
            ("10.0.0.0/33", "http://10.9.9.9/", false),
            ("10.0.0.1", "http://10.0.0.1:81/", true),
            ("10.0.0.1:80", "http://10.0.0.1:81/", false),
            ("fd00::/8", "http://[fd12::1]/", true),
            ("[fd12::1]:80", "http://[fd12::1]/", true),
            ("fd12::1", "http://[fd12::1]:81/", true),
            (":80", "http://a.test/", false),
            ("", "http://a.test/", false),
        ] {
            let read = proxies([("HTTP_PROXY", "http://p:1"), ("NO_PROXY", entry)]).unwrap();
            assert_eq!(of(&read, url).is_none(), is_direct, "{entry} {url}");
        }
    }

    #[test]
    fn a_proxy_that_is_not_offered_is_refused() {
        let refused = proxies([("HTTPS_PROXY", "socks5://p:1080")]).unwrap_err();
        assert!(refused.contains("HTTPS_PROXY"), "{refused}");
        assert!(refused.contains("socks5"), "{refused}");
        assert_eq!(proxies([("HTTP_PROXY", "[")]), Ok(Proxies::default()));
    }
}
