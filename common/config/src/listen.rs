//! Where a server listens: an address and port, or a Unix socket. Never resolves names, never binds.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};

/// Longest path of a Unix socket, in bytes: `sun_path` of unix(7) is 108 with its final NUL.
const MAX_SOCKET_PATH_BYTES: usize = 107;

/// An address to listen on: `unix:/run/postern/ext_authz.sock`, `127.0.0.1:9192` or `[::1]:9192`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Listen {
    /// A TCP address and port; port 0 lets the system choose.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

/// Why a text is no address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListenError {
    /// Neither form.
    #[error("expected `unix:/path` or `address:port` with a numeric address, such as 127.0.0.1:8080")]
    Form,
    /// The path of a Unix socket is longer than the system allows.
    #[error("the path of a Unix socket may have at most {MAX_SOCKET_PATH_BYTES} bytes; choose a shorter one")]
    TooLong,
}

impl Listen {
    /// The same address, with a relative socket path taken from `folder` (that of the configuration file).
    ///
    /// # Errors
    /// [`ListenError::TooLong`] when the whole path is longer than a socket's may be.
    pub fn resolved(self, folder: &Path) -> Result<Self, ListenError> {
        match self {
            Self::Tcp(address) => Ok(Self::Tcp(address)),
            Self::Unix(path) => unix(folder.join(path)),
        }
    }
}

fn unix(path: PathBuf) -> Result<Listen, ListenError> {
    match path.as_os_str().len() {
        0 => Err(ListenError::Form),
        1..=MAX_SOCKET_PATH_BYTES => Ok(Listen::Unix(path)),
        _ => Err(ListenError::TooLong),
    }
}

impl FromStr for Listen {
    type Err = ListenError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("unix:") {
            Some(path) => unix(PathBuf::from(path)),
            None => text.parse().map(Self::Tcp).map_err(|_| ListenError::Form),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}
