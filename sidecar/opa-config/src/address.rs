//! Where OPA and its plugin listen. Never resolves a name, never binds.

use std::fmt;
use std::path::PathBuf;

/// Longest path of a Unix socket, in bytes: `sun_path` of unix(7) is 108 with its final NUL.
const MAX_SOCKET_PATH_BYTES: usize = 107;

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// A name or address, empty for all of the machine's (IPv6 and IPv4), and a port.
    Tcp {
        /// `localhost`, `0.0.0.0`, `::1` (without brackets), or nothing.
        host: String,
        /// 0 lets the system choose.
        port: u16,
    },
    /// The path of a Unix socket. What is there before is removed.
    Unix(PathBuf),
    /// The name, without `@`, of a socket in Linux's abstract namespace.
    AbstractUnix(String),
}

impl Address {
    /// Reads `text` where `scheme` is what stands for TCP: `grpc` for the plugin, `http` for OPA. It may be left out.
    ///
    /// # Errors
    /// What is wrong, and what to write.
    pub(crate) fn parse(text: &str, scheme: &str) -> Result<Self, String> {
        let (given, rest) = text.split_once("://").unwrap_or((scheme, text));
        if given == "unix" {
            return unix(rest);
        }
        if given == "https" {
            return Err(
                "TLS isn't offered here; listen without it on localhost or on a Unix socket".to_owned(),
            );
        }
        if given != scheme {
            return Err(format!(
                "expected host:port, unix:///path or unix://@name, got the scheme `{given}`"
            ));
        }
        tcp(rest.split('/').next().unwrap_or(rest))
    }
}

fn unix(rest: &str) -> Result<Address, String> {
    if rest.contains(['%', '?', '#', '\0']) {
        return Err("a socket's path may have none of %, ? and #".to_owned());
    }
    let name = rest.strip_prefix('@');
    match name.unwrap_or(rest).len() {
        0 => Err("expected a path after unix://".to_owned()),
        1..=MAX_SOCKET_PATH_BYTES => Ok(name.map_or_else(
            || Address::Unix(PathBuf::from(rest)),
            |name| Address::AbstractUnix(name.to_owned()),
        )),
        _ => Err(format!(
            "the path of a Unix socket may have at most {MAX_SOCKET_PATH_BYTES} bytes; choose a shorter one"
        )),
    }
}

fn tcp(rest: &str) -> Result<Address, String> {
    let expected = || "expected host:port, such as 0.0.0.0:9191 or :9191".to_owned();
    let (host, port) = rest.rsplit_once(':').ok_or_else(expected)?;
    let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(host) => host,
        None if host.contains([':', '[', ']', '@']) => return Err(expected()),
        None => host,
    };
    let is_digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    let port = port.parse().ok().filter(|_| is_digits).ok_or_else(expected)?;
    Ok(Address::Tcp {
        host: host.to_owned(),
        port,
    })
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::AbstractUnix(name) => write!(f, "unix://@{name}"),
        }
    }
}
