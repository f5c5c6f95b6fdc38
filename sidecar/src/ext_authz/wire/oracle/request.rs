//! A `CheckRequest` that `prost` decoded as the view that a decision reads.

use std::collections::{BTreeMap, HashMap};

use crate::ext_authz::wire::request::RequestError;
use envoy_types::ext_authz::v3::pb::CheckRequest;
use envoy_types::pb::envoy::config::core::v3::envoy_internal_address::AddressNameSpecifier;
use envoy_types::pb::envoy::config::core::v3::socket_address::PortSpecifier;
use envoy_types::pb::envoy::config::core::v3::{self as core, HeaderMap, HeaderValue};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Peer};
use postern_decide::{
    Address, Extent, Headers, HttpView, PeerView, Port, RequestView, SocketAddress, Timestamp,
};

/// The view of `request`.
///
/// # Errors
/// When it holds no HTTP request.
pub(crate) fn view(request: &CheckRequest) -> Result<RequestView<'_>, RequestError> {
    let attributes = request.attributes.as_ref().ok_or(RequestError::NotHttp)?;
    let of_request = attributes.request.as_ref().ok_or(RequestError::NotHttp)?;
    let http = of_request.http.as_ref().ok_or(RequestError::NotHttp)?;
    Ok(RequestView {
        http: HttpView {
            id: &http.id,
            method: &http.method,
            path: &http.path,
            host: &http.host,
            scheme: &http.scheme,
            query: &http.query,
            fragment: &http.fragment,
            protocol: &http.protocol,
            headers: headers(http),
            size: http.size,
            body: &http.body,
            raw_body: &http.raw_body,
        },
        source: attributes.source.as_ref().map(peer),
        destination: attributes.destination.as_ref().map(peer),
        context_extensions: pairs(&attributes.context_extensions),
        time: of_request.time.as_ref().map(|time| Timestamp {
            seconds: time.seconds,
            nanos: time.nanos,
        }),
        may_wait: false,
        rest: None,
        extent: Extent::Http,
        tls_sni: attributes
            .tls_session
            .as_ref()
            .map(|session| session.sni.as_str()),
    })
}

/// With `encode_raw_headers` Envoy sends `header_map`, each repeat on its own, and it decides; else `headers`, where Envoy
/// has joined repeats already.
fn headers(http: &HttpRequest) -> Headers<'_> {
    match &http.header_map {
        Some(HeaderMap { headers }) => Headers::from_raw(
            headers
                .iter()
                .map(|header| (header.key.as_str(), bytes_of(header))),
        ),
        // In some order, so that names that differ by case only are joined in the same one each time.
        None => {
            let sorted: BTreeMap<_, _> = http.headers.iter().collect();
            Headers::from_text(
                sorted
                    .into_iter()
                    .map(|(name, value)| (name.as_str(), value.as_str())),
            )
        }
    }
}

fn bytes_of(header: &HeaderValue) -> &[u8] {
    if header.raw_value.is_empty() {
        header.value.as_bytes()
    } else {
        &header.raw_value
    }
}

fn peer(peer: &Peer) -> PeerView<'_> {
    PeerView {
        address: peer.address.as_ref().map(address),
        service: &peer.service,
        labels: pairs(&peer.labels),
        principal: &peer.principal,
        certificate: &peer.certificate,
    }
}

fn address(address: &core::Address) -> Address<'_> {
    let Some(address) = &address.address else {
        return Address::Unset;
    };
    match address {
        core::address::Address::SocketAddress(socket) => Address::Socket(SocketAddress {
            address: &socket.address,
            port: match &socket.port_specifier {
                Some(PortSpecifier::PortValue(port)) => Some(Port::Number(*port)),
                Some(PortSpecifier::NamedPort(name)) => Some(Port::Named(name)),
                None => None,
            },
            protocol: socket.protocol,
            resolver_name: &socket.resolver_name,
            ipv4_compat: socket.ipv4_compat,
            network_namespace: &socket.network_namespace_filepath,
        }),
        core::address::Address::Pipe(pipe) => Address::Pipe {
            path: &pipe.path,
            mode: pipe.mode,
        },
        core::address::Address::EnvoyInternalAddress(internal) => Address::Internal {
            listener: match &internal.address_name_specifier {
                Some(AddressNameSpecifier::ServerListenerName(name)) => Some(name),
                None => None,
            },
            endpoint_id: &internal.endpoint_id,
        },
    }
}

fn pairs(map: &HashMap<String, String>) -> Vec<(&str, &str)> {
    map.iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}
