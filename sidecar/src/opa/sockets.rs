//! Where it listens: OPA's forms of an address, resolved and bound.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use std::os::unix::fs::PermissionsExt as _;

use postern_config::Listen;
use postern_opa_config::Address;

use crate::listen::{self, BindError, Bound};

/// Why an address can't be listened on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SocketError {
    /// It can't be bound.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// Its file can't have the mode that was asked for.
    #[error("{address}: its mode can't be set: {error}")]
    Mode {
        /// As it was written.
        address: String,
        /// What the system said.
        error: io::Error,
    },
    /// Its name is nobody's.
    #[error("{address}: {error}")]
    Unresolved {
        /// As it was written.
        address: String,
        /// What the system said.
        error: io::Error,
    },
}

/// Binds an address; a socket's file gets that mode.
///
/// # Errors
/// When it can't be resolved or bound, or the file can't have that mode.
pub(super) fn bind_with_mode(address: &Address, mode: u32) -> Result<Bound, SocketError> {
    let bound = bind(address)?;
    if let Address::Unix(path) = address {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(path, mode).map_err(|error| SocketError::Mode {
            address: address.to_string(),
            error,
        })?;
    }
    Ok(bound)
}

/// Binds an address.
///
/// # Errors
/// When it can't be resolved or bound.
pub(super) fn bind(address: &Address) -> Result<Bound, SocketError> {
    match address {
        Address::Unix(path) => Ok(listen::bind(&Listen::Unix(path.clone()))?),
        Address::AbstractUnix(name) => Ok(listen::bind_abstract(name)?),
        Address::Tcp { host, port } if host.is_empty() => {
            // All of the machine's addresses: of both kinds where there is IPv6.
            let both = Listen::Tcp(SocketAddr::from((Ipv6Addr::UNSPECIFIED, *port)));
            match listen::bind(&both) {
                Err(BindError::Refused { .. }) => {
                    let v4 = Listen::Tcp(SocketAddr::from((Ipv4Addr::UNSPECIFIED, *port)));
                    Ok(listen::bind(&v4)?)
                }
                bound => Ok(bound?),
            }
        }
        Address::Tcp { host, port } => {
            let unresolved = |error| SocketError::Unresolved {
                address: address.to_string(),
                error,
            };
            let addresses = (host.as_str(), *port).to_socket_addrs().map_err(unresolved)?;
            // As Go does it: of IPv4 where there is one.
            let mut addresses: Vec<SocketAddr> = addresses.collect();
            addresses.sort_by_key(SocketAddr::is_ipv6);
            let first = addresses
                .first()
                .ok_or_else(|| unresolved(io::Error::other("no such host")))?;
            Ok(listen::bind(&Listen::Tcp(*first))?)
        }
    }
}
