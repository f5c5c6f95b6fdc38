//! `input.attributes`: Envoy's AttributeContext as OPA-Envoy reflects it. An unset field is absent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_rego::Value;

use super::members::Members;
use super::names::NAMES;
use super::reads::{InputReads, Part};
use super::{Address, HeaderParts, PeerParts, RequestParts, headers};

pub(super) fn attributes(
    reads: &InputReads,
    request: &RequestParts<'_>,
    headers: &(impl HeaderParts + ?Sized),
) -> Value {
    let mut members = Members::new(reads);
    members.map(
        Part::ContextExtensions,
        &NAMES.context_extensions,
        request.context_extensions,
    );
    members.value(Part::Destination, &NAMES.destination, || {
        request.destination.map(|it| peer(reads, &it, &DESTINATION))
    });
    members.value(Part::MetadataContext, &NAMES.metadata_context, || {
        request.metadata_context.cloned()
    });
    members.value(Part::Request, &NAMES.request, || {
        Some(request_value(reads, request, headers))
    });
    members.value(Part::RouteMetadataContext, &NAMES.route_metadata_context, || {
        request.route_metadata_context.cloned()
    });
    members.value(Part::Source, &NAMES.source, || {
        request.source.map(|it| peer(reads, &it, &SOURCE))
    });
    members.value(Part::TlsSession, &NAMES.tls_session, || {
        let mut session = Members::new(reads);
        session.text(Part::TlsSession, &NAMES.sni, request.tls_sni?);
        Some(session.build())
    });
    members.build()
}

fn request_value(
    reads: &InputReads,
    request: &RequestParts<'_>,
    headers: &(impl HeaderParts + ?Sized),
) -> Value {
    let mut members = Members::new(reads);
    members.value(Part::Http, &NAMES.http, || Some(http(reads, request, headers)));
    members.value(Part::RequestTime, &NAMES.time, || {
        let (seconds, nanos) = request.time?;
        let mut time = Members::new(reads);
        time.integer(Part::RequestTime, &NAMES.nanos, nanos.into());
        time.integer(Part::RequestTime, &NAMES.seconds, seconds);
        Some(time.build())
    });
    members.build()
}

fn http(reads: &InputReads, request: &RequestParts<'_>, header_parts: &(impl HeaderParts + ?Sized)) -> Value {
    let mut http = Members::new(reads);
    http.text(Part::HttpBody, &NAMES.body, request.body);
    http.text(Part::HttpFragment, &NAMES.fragment, request.fragment);
    http.value(Part::HttpHeaders, &NAMES.headers, || {
        headers::headers(reads, header_parts)
    });
    http.text(Part::HttpHost, &NAMES.host, request.host);
    http.text(Part::HttpId, &NAMES.id, request.id);
    http.word(Part::HttpMethod, &NAMES.method, request.method);
    http.text(Part::HttpPath, &NAMES.path, request.path);
    http.word(Part::HttpProtocol, &NAMES.protocol, request.protocol);
    http.text(Part::HttpQuery, &NAMES.query, request.query);
    http.value(Part::HttpRawBody, &NAMES.raw_body, || {
        (!request.raw_body.is_empty()).then(|| STANDARD.encode(request.raw_body).into())
    });
    http.word(Part::HttpScheme, &NAMES.scheme, request.scheme);
    http.integer(Part::HttpSize, &NAMES.size, request.size);
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

fn peer(reads: &InputReads, peer: &PeerParts<'_>, is: &PeerIs) -> Value {
    let mut members = Members::new(reads);
    members.value(is.address, &NAMES.address, || {
        peer.address.map(|at| address(reads, is.address, at))
    });
    members.text(is.certificate, &NAMES.certificate, peer.certificate);
    members.map(is.labels, &NAMES.labels, peer.labels);
    members.text(is.principal, &NAMES.principal, peer.principal);
    members.text(is.service, &NAMES.service, peer.service);
    members.build()
}

fn address(reads: &InputReads, part: Part, address: Address<'_>) -> Value {
    let mut inner = Members::new(reads);
    let kind = match address {
        Address::Socket {
            address,
            port,
            protocol,
        } => {
            inner.text(part, &NAMES.address, address);
            inner.value(part, &NAMES.port_value, || port.map(Value::from));
            inner.integer(part, &NAMES.protocol, protocol.into());
            &NAMES.socket_address
        }
        Address::Pipe { path } => {
            inner.text(part, &NAMES.path, path);
            &NAMES.pipe
        }
    };
    let mut outer = Members::new(reads);
    outer.value(part, kind, || Some(inner.build()));
    outer.build()
}
