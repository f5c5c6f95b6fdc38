//! Which parts each part of the document has, in the order of their names.

use super::reads::Part;

/// A member's name and which part it is.
type Members = &'static [(&'static str, Part)];

/// The members of the whole document.
pub(super) const WHOLE: Members = &[
    ("attributes", Part::Attributes),
    ("parsed_body", Part::ParsedBody),
    ("parsed_path", Part::ParsedPath),
    ("parsed_query", Part::ParsedQuery),
    ("postern", Part::Postern),
    ("source_principal", Part::PrincipalOfSource),
    ("truncated_body", Part::TruncatedBody),
    ("version", Part::Version),
];

const ATTRIBUTES: Members = &[
    ("contextExtensions", Part::ContextExtensions),
    ("destination", Part::Destination),
    ("metadataContext", Part::MetadataContext),
    ("request", Part::Request),
    ("routeMetadataContext", Part::RouteMetadataContext),
    ("source", Part::Source),
    ("tlsSession", Part::TlsSession),
];

const DESTINATION: Members = &[
    ("address", Part::DestinationAddress),
    ("certificate", Part::DestinationCertificate),
    ("labels", Part::DestinationLabels),
    ("principal", Part::DestinationPrincipal),
    ("service", Part::DestinationService),
];

const REQUEST: Members = &[("http", Part::Http), ("time", Part::RequestTime)];

const HTTP: Members = &[
    ("body", Part::HttpBody),
    ("fragment", Part::HttpFragment),
    ("headerMap", Part::HttpHeaderMap),
    ("headers", Part::HttpHeaders),
    ("host", Part::HttpHost),
    ("id", Part::HttpId),
    ("method", Part::HttpMethod),
    ("path", Part::HttpPath),
    ("protocol", Part::HttpProtocol),
    ("query", Part::HttpQuery),
    ("rawBody", Part::HttpRawBody),
    ("scheme", Part::HttpScheme),
    ("size", Part::HttpSize),
];

const SOURCE: Members = &[
    ("address", Part::SourceAddress),
    ("certificate", Part::SourceCertificate),
    ("labels", Part::SourceLabels),
    ("principal", Part::SourcePrincipal),
    ("service", Part::SourceService),
];

const POSTERN: Members = &[
    ("api_key", Part::PosternApiKey),
    ("auth", Part::PosternAuth),
    ("claims", Part::PosternClaims),
    ("client_id", Part::PosternClientId),
    ("issuer", Part::PosternIssuer),
    ("path", Part::PosternPath),
    ("peer", Part::PosternPeer),
    ("route", Part::PosternRoute),
    ("scopes", Part::PosternScopes),
    ("subject", Part::PosternSubject),
];

/// The members of a part that has some.
pub(super) const fn of(part: Part) -> Members {
    match part {
        Part::Attributes => ATTRIBUTES,
        Part::Destination => DESTINATION,
        Part::Request => REQUEST,
        Part::Http => HTTP,
        Part::Source => SOURCE,
        Part::Postern => POSTERN,
        _ => &[],
    }
}
