//! Envoy's `CheckRequest` as the view that a decision reads: borrowed, nothing copied that needn't be. Never judges.

use std::collections::HashMap;

use envoy_types::ext_authz::v3::pb::CheckRequest;
use envoy_types::pb::envoy::config::core::v3::socket_address::PortSpecifier;
use envoy_types::pb::envoy::config::core::v3::{self as core, HeaderMap, HeaderValue};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Peer};
use postern_decide::{Address, Headers, HttpView, PeerView, RequestView, Timestamp};

/// What makes a `CheckRequest` one that can't be decided on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestError {
    /// The network filter sends these: there is no HTTP request in them.
    #[error("attributes.request.http is missing; expected a check from Envoy's HTTP filter ext_authz")]
    NotHttp,
}

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
        tls_sni: attributes
            .tls_session
            .as_ref()
            .map(|session| session.sni.as_str()),
        may_wait: false,
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
        None => Headers::from_text(
            http.headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        ),
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
        address: peer.address.as_ref().and_then(address),
        service: &peer.service,
        labels: pairs(&peer.labels),
        principal: &peer.principal,
        certificate: &peer.certificate,
    }
}

fn address(address: &core::Address) -> Option<Address<'_>> {
    match address.address.as_ref()? {
        core::address::Address::SocketAddress(socket) => Some(Address::Socket {
            address: &socket.address,
            port: match &socket.port_specifier {
                Some(PortSpecifier::PortValue(port)) => Some(*port),
                Some(PortSpecifier::NamedPort(_)) | None => None,
            },
            protocol: socket.protocol,
        }),
        core::address::Address::Pipe(pipe) => Some(Address::Pipe { path: &pipe.path }),
        core::address::Address::EnvoyInternalAddress(_) => None,
    }
}

fn pairs(map: &HashMap<String, String>) -> Vec<(&str, &str)> {
    map.iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use envoy_types::pb::envoy::service::auth::v3::AttributeContext;
    use envoy_types::pb::envoy::service::auth::v3::attribute_context::Request;

    use super::*;

    fn check_request(http: HttpRequest) -> CheckRequest {
        let request = Request {
            time: None,
            http: Some(http),
        };
        CheckRequest {
            attributes: Some(AttributeContext {
                request: Some(request),
                ..Default::default()
            }),
        }
    }

    fn raw(key: &str, value: &[u8]) -> HeaderValue {
        HeaderValue {
            key: key.to_owned(),
            raw_value: value.to_vec(),
            ..Default::default()
        }
    }

    #[test]
    fn raw_headers_decide_when_envoy_sends_them() {
        let request = check_request(HttpRequest {
            headers: [("x-a".to_owned(), "from the map".to_owned())].into(),
            header_map: Some(HeaderMap {
                headers: vec![raw("X-A", b"1"), raw("x-a", b"2")],
            }),
            ..Default::default()
        });
        assert_eq!(view(&request).unwrap().http.headers.value("x-a"), Some("1,2"));
    }

    #[test]
    fn an_empty_raw_list_is_no_reason_to_read_the_map() {
        let request = check_request(HttpRequest {
            headers: [("authorization".to_owned(), "Bearer a".to_owned())].into(),
            header_map: Some(HeaderMap::default()),
            ..Default::default()
        });
        assert!(view(&request).unwrap().http.headers.is_empty());
    }

    #[test]
    fn plain_headers_are_read_without_raw_ones() {
        let request = check_request(HttpRequest {
            headers: [("x-a".to_owned(), "1,2".to_owned())].into(),
            method: "GET".to_owned(),
            ..Default::default()
        });
        let view = view(&request).unwrap();
        assert_eq!(
            (view.http.headers.value("x-a"), view.http.method),
            (Some("1,2"), "GET")
        );
    }

    #[test]
    fn a_check_without_http_is_refused() {
        for request in [
            CheckRequest { attributes: None },
            CheckRequest {
                attributes: Some(AttributeContext::default()),
            },
        ] {
            assert_eq!(view(&request).err(), Some(RequestError::NotHttp));
        }
    }
}
