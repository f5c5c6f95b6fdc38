//! `input.attributes`: Envoy's AttributeContext as OPA-Envoy reflects it. An unset field is absent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_rego::Value;

use super::members::{Making, Members};
use super::reads::Part;
use super::{Address, HeaderParts, PeerParts, RequestParts, headers};

pub(super) fn attributes(
    making: Making<'_>,
    request: &RequestParts<'_>,
    headers: &(impl HeaderParts + ?Sized),
) -> Value {
    let names = making.names;
    let mut members = Members::new(making);
    members.map(
        Part::ContextExtensions,
        &names.context_extensions,
        request.context_extensions,
    );
    members.value(Part::Destination, &names.destination, || {
        request.destination.map(|it| peer(making, &it, &DESTINATION))
    });
    members.value(Part::MetadataContext, &names.metadata_context, || {
        request.metadata_context.cloned()
    });
    members.value(Part::Request, &names.request, || {
        Some(request_value(making, request, headers))
    });
    members.value(Part::RouteMetadataContext, &names.route_metadata_context, || {
        request.route_metadata_context.cloned()
    });
    members.value(Part::Source, &names.source, || {
        request.source.map(|it| peer(making, &it, &SOURCE))
    });
    members.value(Part::TlsSession, &names.tls_session, || {
        let mut session = Members::new(making);
        session.text(Part::TlsSession, &names.sni, request.tls_sni?);
        Some(session.build())
    });
    members.build()
}

fn request_value(
    making: Making<'_>,
    request: &RequestParts<'_>,
    headers: &(impl HeaderParts + ?Sized),
) -> Value {
    let names = making.names;
    let mut members = Members::new(making);
    members.value(Part::Http, &names.http, || Some(http(making, request, headers)));
    members.value(Part::RequestTime, &names.time, || {
        let (seconds, nanos) = request.time?;
        let mut time = Members::new(making);
        time.integer(Part::RequestTime, &names.nanos, nanos.into());
        time.integer(Part::RequestTime, &names.seconds, seconds);
        Some(time.build())
    });
    members.build()
}

fn http(making: Making<'_>, request: &RequestParts<'_>, header_parts: &(impl HeaderParts + ?Sized)) -> Value {
    let names = making.names;
    let mut http = Members::new(making);
    http.text(Part::HttpBody, &names.body, request.body);
    http.text(Part::HttpFragment, &names.fragment, request.fragment);
    http.value(Part::HttpHeaders, &names.headers, || {
        headers::headers(making.reads, header_parts)
    });
    http.text(Part::HttpHost, &names.host, request.host);
    http.text(Part::HttpId, &names.id, request.id);
    http.word(Part::HttpMethod, &names.method, request.method);
    http.text(Part::HttpPath, &names.path, request.path);
    http.word(Part::HttpProtocol, &names.protocol, request.protocol);
    http.text(Part::HttpQuery, &names.query, request.query);
    http.value(Part::HttpRawBody, &names.raw_body, || {
        (!request.raw_body.is_empty()).then(|| STANDARD.encode(request.raw_body).into())
    });
    http.word(Part::HttpScheme, &names.scheme, request.scheme);
    http.integer(Part::HttpSize, &names.size, request.size);
    http.build()
}

/// The parts that a peer's members are.
struct PeerIs {
    address: Part,
    certificate: Part,
    labels: Part,
    principal: Part,
    service: Part,
}

const SOURCE: PeerIs = PeerIs {
    address: Part::SourceAddress,
    certificate: Part::SourceCertificate,
    labels: Part::SourceLabels,
    principal: Part::SourcePrincipal,
    service: Part::SourceService,
};

const DESTINATION: PeerIs = PeerIs {
    address: Part::DestinationAddress,
    certificate: Part::DestinationCertificate,
    labels: Part::DestinationLabels,
    principal: Part::DestinationPrincipal,
    service: Part::DestinationService,
};

fn peer(making: Making<'_>, peer: &PeerParts<'_>, is: &PeerIs) -> Value {
    let names = making.names;
    let mut members = Members::new(making);
    members.value(is.address, &names.address, || {
        peer.address.map(|at| address(making, is.address, at))
    });
    members.text(is.certificate, &names.certificate, peer.certificate);
    members.map(is.labels, &names.labels, peer.labels);
    members.text(is.principal, &names.principal, peer.principal);
    members.text(is.service, &names.service, peer.service);
    members.build()
}

fn address(making: Making<'_>, part: Part, address: Address<'_>) -> Value {
    let names = making.names;
    let mut inner = Members::new(making);
    let kind = match address {
        Address::Socket {
            address,
            port,
            protocol,
        } => {
            inner.text(part, &names.address, address);
            inner.value(part, &names.port_value, || port.map(Value::from));
            inner.integer(part, &names.protocol, protocol.into());
            &names.socket_address
        }
        Address::Pipe { path } => {
            inner.text(part, &names.path, path);
            &names.pipe
        }
    };
    let mut outer = Members::new(making);
    outer.value(part, kind, || Some(inner.build()));
    outer.build()
}
