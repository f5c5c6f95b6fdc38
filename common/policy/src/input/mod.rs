//! The document that a policy is asked with: OPA-Envoy's, member for member, plus `input.postern` with what has been
//! proved about the caller. Made straight from borrowed parts, never by way of JSON text; knows no Envoy types.
//!
//! As in OPA-Envoy, an unset field (an empty string, a zero) is absent, names are camelCase, `time` is
//! `{seconds, nanos}`, 64-bit integers are numbers and bytes are base64.
//!
//! Of request bodies, JSON, forms and forms in parts are parsed, and gRPC's messages by a host that knows their types.
//!
//! Only those parts are made that a policy can read ([`InputReads`]), and of these only those that it looks at
//! ([`InputDocument`]): what a request costs goes with what is asked of it, not with its forty headers.

mod attributes;
mod body;
mod cells;
mod document;
mod error;
mod feed;
mod go_json;
mod headers;
mod media_type;
mod members;
mod multipart;
mod names;
mod postern;
mod query;
mod quoted_printable;
mod reads;
mod text;
mod told;

use std::fmt;

use postern_rego::{Document as _, Part, Sink, Value, tell};

pub use body::{Bodies, GrpcMessages};
pub use document::InputDocument;
pub use error::{InputError, go_parse_int_error};
pub use headers::HeaderParts;
pub use postern::{ApiKeyParts, PosternParts, Text};
pub use reads::InputReads;

/// A request as Envoy describes it, borrowed from its message. What Envoy left unset stays at its default.
#[derive(Debug, Clone, Copy, Default)]
pub struct RequestParts<'a> {
    /// Who sends.
    pub source: Option<PeerParts<'a>>,
    /// Who receives.
    pub destination: Option<PeerParts<'a>>,
    /// When the first byte came: seconds since the epoch, and nanoseconds.
    pub time: Option<(i64, i32)>,
    /// Envoy's id of the request.
    pub id: &'a str,
    /// `GET`, in capitals as it came.
    pub method: &'a str,
    /// The request target with its query, as it came.
    pub path: &'a str,
    /// `:authority` or `Host`.
    pub host: &'a str,
    /// `http` or `https`.
    pub scheme: &'a str,
    /// Envoy leaves it empty; the query is in `path`.
    pub query: &'a str,
    /// Envoy leaves it empty.
    pub fragment: &'a str,
    /// Of the body in bytes; −1 when unknown.
    pub size: i64,
    /// `HTTP/1.1`, `HTTP/2`.
    pub protocol: &'a str,
    /// The body as text, when Envoy is configured to send it.
    pub body: &'a str,
    /// The body as bytes, when Envoy is configured to `pack_as_bytes`.
    pub raw_body: &'a [u8],
    /// What the route's configuration adds.
    pub context_extensions: &'a [(&'a str, &'a str)],
    /// What few policies look at; `None` where the host has none of it.
    pub rest: Option<&'a dyn Rest>,
    /// The server name that the TLS client asked for; `Some("")` for TLS without one.
    pub tls_sni: Option<&'a str>,
    /// How far down the message goes.
    pub extent: Extent,
    /// What is done about the body.
    pub bodies: Bodies,
    /// The types of gRPC's messages, where they are known.
    pub grpc: Option<&'a dyn GrpcMessages>,
}

/// Parts of a request that few policies look at: made when one does.
pub trait Rest: fmt::Debug + Sync {
    /// `attributes.metadataContext`: dynamic metadata, in the form `{"filterMetadata": …}`.
    fn metadata_context(&self) -> Option<Value>;
    /// `attributes.routeMetadataContext`: the route's metadata, in the same form.
    fn route_metadata_context(&self) -> Option<Value>;
    /// `attributes.request.http.headerMap`: `{"headers": [{"key", "rawValue"}]}`, each repeat on its own.
    fn header_map(&self) -> Option<Value>;

    /// Whether there is [`Rest::metadata_context`]: asked where nobody looks at what is in it.
    fn has_metadata_context(&self) -> bool {
        self.metadata_context().is_some()
    }

    /// Likewise of [`Rest::route_metadata_context`].
    fn has_route_metadata_context(&self) -> bool {
        self.route_metadata_context().is_some()
    }

    /// Likewise of [`Rest::header_map`].
    fn has_header_map(&self) -> bool {
        self.header_map().is_some()
    }

    /// [`Rest::header_map`] told, where there is one: `begin` comes before it. A host that has it in pieces needn't make values of them.
    fn tell_header_map(&self, begin: &mut dyn FnMut(&mut dyn Sink), sink: &mut dyn Sink) {
        if let Some(map) = self.header_map() {
            begin(sink);
            tell(&map, sink);
        }
    }
}

/// The innermost message that is there: Envoy's network filter sends checks without an HTTP request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// Not even `attributes`.
    Nothing,
    /// `attributes`.
    Attributes,
    /// `attributes.request`.
    Request,
    /// `attributes.request.http`, which is how the HTTP filter asks.
    #[default]
    Http,
}

/// One end of the connection.
#[derive(Debug, Clone, Copy, Default)]
pub struct PeerParts<'a> {
    /// Its address.
    pub address: Option<Address<'a>>,
    /// Its canonical service name.
    pub service: &'a str,
    /// Its labels.
    pub labels: &'a [(&'a str, &'a str)],
    /// What its certificate says it is, as Envoy read it.
    pub principal: &'a str,
    /// Its certificate, URL- and PEM-encoded.
    pub certificate: &'a str,
}

/// A peer's address.
#[derive(Debug, Clone, Copy)]
pub enum Address<'a> {
    /// An IP socket.
    Socket(SocketAddress<'a>),
    /// A Unix socket.
    Pipe {
        /// Of the socket; starts with `@` in the abstract namespace.
        path: &'a str,
        /// Its permissions; 0 where they aren't said.
        mode: u32,
    },
    /// A listener within the same Envoy.
    Internal {
        /// The listener's name; `Some("")` is a name, too.
        listener: Option<&'a str>,
        /// Which of several connections between the same listeners.
        endpoint_id: &'a str,
    },
    /// An address of no kind.
    Unset,
}

/// `envoy.config.core.v3.SocketAddress`.
#[derive(Debug, Clone, Copy, Default)]
pub struct SocketAddress<'a> {
    /// `127.0.0.1`.
    pub address: &'a str,
    /// Its port.
    pub port: Option<Port<'a>>,
    /// 0 is TCP (and absent from the document), 1 is UDP.
    pub protocol: i32,
    /// Who is to resolve it; empty where it is resolved.
    pub resolver_name: &'a str,
    /// Whether an IPv6 socket takes IPv4, too.
    pub ipv4_compat: bool,
    /// The network namespace that it is in; empty for one's own.
    pub network_namespace: &'a str,
}

/// A port.
#[derive(Debug, Clone, Copy)]
pub enum Port<'a> {
    /// By number.
    Number(u32),
    /// By name.
    Named(&'a str),
}

/// Builds `input`, as far as `reads` says that it is read. `postern` is left out of the document where there is none.
///
/// # Errors
/// As [`InputDocument::new`].
pub fn document(
    reads: &InputReads,
    request: &RequestParts<'_>,
    headers: &(impl HeaderParts + ?Sized),
    postern: Option<&PosternParts<'_>>,
) -> Result<Value, InputError> {
    let document = InputDocument::new(reads, request, headers, postern)?;
    Ok(document.value(Part::WHOLE).clone())
}

#[cfg(test)]
mod tests;
