//! The document that a policy is asked with: OPA-Envoy's, member for member, plus `input.postern` with what has been
//! proved about the caller. Made straight from borrowed parts, never by way of JSON text; knows no Envoy types.
//!
//! As in OPA-Envoy, an unset field (an empty string, a zero) is absent, names are camelCase, `time` is
//! `{seconds, nanos}`, 64-bit integers are numbers and bytes are base64.
//!
//! Of request bodies, JSON and forms are parsed, for policies that read them. Multipart and gRPC bodies are not: their
//! `parsed_body` is null.

//!
//! Only those parts are made that a policy can read ([`InputReads`]), and of these only those that it looks at
//! ([`InputDocument`]): what a request costs goes with what is asked of it, not with its forty headers.

mod attributes;
mod body;
mod cells;
mod document;
mod headers;
mod members;
mod names;
mod postern;
mod query;
mod reads;

use postern_rego::{Document as _, Part, Value};

pub use document::InputDocument;
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
    /// Dynamic metadata, already in the form `{"filterMetadata": …}`.
    pub metadata_context: Option<&'a Value>,
    /// The route's metadata, in the same form.
    pub route_metadata_context: Option<&'a Value>,
    /// The server name that the TLS client asked for; `Some("")` for TLS without one.
    pub tls_sni: Option<&'a str>,
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
    Socket {
        /// `127.0.0.1`.
        address: &'a str,
        /// Its number, where it is given as one.
        port: Option<u32>,
        /// 0 is TCP (and absent from the document), 1 is UDP.
        protocol: i32,
    },
    /// A Unix socket.
    Pipe {
        /// Of the socket; starts with `@` in the abstract namespace.
        path: &'a str,
    },
}

/// A request that can't be made into an input; OPA-Envoy answers it with 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// A `%` that two hexadecimal digits don't follow.
    #[error("the {part} has an invalid escape `{escape}`")]
    Escape {
        /// Path, query or form.
        part: &'static str,
        /// The percent sign and what follows it, at most three characters.
        escape: String,
    },
    /// A `;` between parameters, which readers understand differently.
    #[error("the {part} has a `;`, which doesn't separate parameters")]
    Semicolon {
        /// Query or form.
        part: &'static str,
    },
    /// A `content-length` that isn't a number.
    #[error("content-length is not a number")]
    ContentLength,
    /// The body says it is JSON.
    #[error("the body is not the JSON that its content-type announces: {0}")]
    JsonBody(String),
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
