//! What the decision reads of a request, borrowed from whatever bytes the host got it in.
//! Never knows a wire format: each host makes its own `RequestView`.

pub use postern_policy::input::{Address, Extent, Port, Rest, SocketAddress};

use crate::headers::Headers;

/// One request, as the proxy saw it.
#[derive(Debug, Clone, Default)]
pub struct RequestView<'a> {
    /// The HTTP part.
    pub http: HttpView<'a>,
    /// Who connected to the proxy, as far as it says.
    pub source: Option<PeerView<'a>>,
    /// Where it was connected to, as far as it says.
    pub destination: Option<PeerView<'a>>,
    /// The proxy's per-route context (Envoy's `context_extensions`), in no particular order.
    pub context_extensions: Vec<(&'a str, &'a str)>,
    /// When the proxy received the request's first byte, if it says so.
    pub time: Option<Timestamp>,
    /// The server name of the TLS handshake; `Some("")` for TLS without one.
    pub tls_sni: Option<&'a str>,
    /// What few policies look at.
    pub rest: Option<&'a dyn Rest>,
    /// How far down the proxy's message goes. All but OPA-Envoy's way of deciding need an HTTP request.
    pub extent: Extent,
    /// Whether the host can get what is missing and ask again. Where it can't, or has tried, what is missing is refused.
    pub may_wait: bool,
}

/// The HTTP part of a request.
#[derive(Debug, Clone, Default)]
pub struct HttpView<'a> {
    /// The proxy's id of the request.
    pub id: &'a str,
    /// The method, as sent.
    pub method: &'a str,
    /// The request target: path and query, undecoded.
    pub path: &'a str,
    /// `Host` or `:authority`.
    pub host: &'a str,
    /// The query, where the proxy says it apart. Envoy doesn't: it is in the path.
    pub query: &'a str,
    /// The fragment, of which the same is true.
    pub fragment: &'a str,
    /// `http` or `https`.
    pub scheme: &'a str,
    /// `HTTP/1.1`, `HTTP/2`, …
    pub protocol: &'a str,
    /// The headers: lower case, repeats joined.
    pub headers: Headers<'a>,
    /// Size of the request in bytes; -1 when not known.
    pub size: i64,
    /// The body as text, when the proxy sends it so; else empty.
    pub body: &'a str,
    /// The body as bytes, when the proxy sends it so; else empty.
    pub raw_body: &'a [u8],
}

/// One end of the connection.
#[derive(Debug, Clone, Default)]
pub struct PeerView<'a> {
    /// Its address.
    pub address: Option<Address<'a>>,
    /// Its service name; may be empty.
    pub service: &'a str,
    /// Its labels, in no particular order.
    pub labels: Vec<(&'a str, &'a str)>,
    /// The identity that the proxy authenticated (URI SAN, else DNS SAN, else subject); may be empty.
    pub principal: &'a str,
    /// Its certificate, PEM in URL encoding; may be empty.
    pub certificate: &'a str,
}

/// A point in time as protobuf has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timestamp {
    /// Seconds since the epoch.
    pub seconds: i64,
    /// Nanoseconds within the second.
    pub nanos: i32,
}
