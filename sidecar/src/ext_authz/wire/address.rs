//! `envoy.config.core.v3.Address`: where a peer is. A oneof: another kind takes the place of what was there, the same kind
//! is merged.

use postern_decide::{Address, Port, SocketAddress};

use super::reader::{Reader, WireError};

/// Reads an address into `address`, where another may have come before.
pub(super) fn address<'a>(
    address: &mut Option<Address<'a>>,
    mut message: Reader<'a>,
) -> Result<(), WireError> {
    let address = address.get_or_insert(Address::Unset);
    while let Some(field) = message.field()? {
        match field.number {
            1 => *address = socket_address(*address, message.message(field)?)?,
            2 => *address = pipe(*address, message.message(field)?)?,
            3 => *address = internal_address(*address, message.message(field)?)?,
            _ => message.skip(field)?,
        }
    }
    Ok(())
}

/// `envoy.config.core.v3.SocketAddress`.
fn socket_address<'a>(before: Address<'a>, mut message: Reader<'a>) -> Result<Address<'a>, WireError> {
    let mut socket = match before {
        Address::Socket(socket) => socket,
        Address::Pipe { .. } | Address::Internal { .. } | Address::Unset => SocketAddress::default(),
    };
    while let Some(field) = message.field()? {
        match field.number {
            1 => socket.protocol = message.int32(field)?,
            2 => socket.address = message.text(field)?,
            3 => socket.port = Some(Port::Number(message.uint32(field)?)),
            4 => socket.port = Some(Port::Named(message.text(field)?)),
            5 => socket.resolver_name = message.text(field)?,
            6 => socket.ipv4_compat = message.int64(field)? != 0,
            7 => socket.network_namespace = message.text(field)?,
            _ => message.skip(field)?,
        }
    }
    Ok(Address::Socket(socket))
}

/// `envoy.config.core.v3.Pipe`.
fn pipe<'a>(before: Address<'a>, mut message: Reader<'a>) -> Result<Address<'a>, WireError> {
    let (mut path, mut mode) = match before {
        Address::Pipe { path, mode } => (path, mode),
        Address::Socket(_) | Address::Internal { .. } | Address::Unset => ("", 0),
    };
    while let Some(field) = message.field()? {
        match field.number {
            1 => path = message.text(field)?,
            2 => mode = message.uint32(field)?,
            _ => message.skip(field)?,
        }
    }
    Ok(Address::Pipe { path, mode })
}

/// `envoy.config.core.v3.EnvoyInternalAddress`.
fn internal_address<'a>(before: Address<'a>, mut message: Reader<'a>) -> Result<Address<'a>, WireError> {
    let (mut listener, mut endpoint_id) = match before {
        Address::Internal {
            listener,
            endpoint_id,
        } => (listener, endpoint_id),
        Address::Socket(_) | Address::Pipe { .. } | Address::Unset => (None, ""),
    };
    while let Some(field) = message.field()? {
        match field.number {
            1 => listener = Some(message.text(field)?),
            2 => endpoint_id = message.text(field)?,
            _ => message.skip(field)?,
        }
    }
    Ok(Address::Internal {
        listener,
        endpoint_id,
    })
}
