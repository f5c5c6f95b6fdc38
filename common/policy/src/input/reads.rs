//! Which parts of the document a policy can read, in the form in which the document asks: a bit for each part, and the
//! names of the headers. Made once, when a policy is loaded.

use std::sync::{Arc, LazyLock};

use postern_rego::{Reads, Value};

/// What of `input` a policy can read: only that is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputReads {
    parts: u64,
    headers: HeaderReads,
}

/// Which headers a policy can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum HeaderReads {
    /// Any of them.
    All,
    /// These, in the order of their names.
    Named(Box<[HeaderName]>),
}

/// A header's name as text and as a value, so that neither is made again for each request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HeaderName {
    pub(super) text: Arc<str>,
    pub(super) value: Value,
}

const HEADERS: &[&str] = &["attributes", "request", "http", "headers"];

macro_rules! parts {
    ($($part:ident = $($name:literal).+),* $(,)?) => {
        /// A part of the document, built or left out as one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Part {
            $(
                #[doc = concat!("`", $($name, "."),+, "`")]
                $part,
            )*
        }

        /// Each part and where it is.
        const PARTS: &[(Part, &[&str])] = &[$((Part::$part, &[$($name),+])),*];
    };
}

parts! {
    Attributes = "attributes",
    ContextExtensions = "attributes"."contextExtensions",
    Destination = "attributes"."destination",
    DestinationAddress = "attributes"."destination"."address",
    DestinationCertificate = "attributes"."destination"."certificate",
    DestinationLabels = "attributes"."destination"."labels",
    DestinationPrincipal = "attributes"."destination"."principal",
    DestinationService = "attributes"."destination"."service",
    MetadataContext = "attributes"."metadataContext",
    Request = "attributes"."request",
    Http = "attributes"."request"."http",
    HttpBody = "attributes"."request"."http"."body",
    HttpFragment = "attributes"."request"."http"."fragment",
    HttpHeaderMap = "attributes"."request"."http"."headerMap",
    HttpHeaders = "attributes"."request"."http"."headers",
    HttpHost = "attributes"."request"."http"."host",
    HttpId = "attributes"."request"."http"."id",
    HttpMethod = "attributes"."request"."http"."method",
    HttpPath = "attributes"."request"."http"."path",
    HttpProtocol = "attributes"."request"."http"."protocol",
    HttpQuery = "attributes"."request"."http"."query",
    HttpRawBody = "attributes"."request"."http"."rawBody",
    HttpScheme = "attributes"."request"."http"."scheme",
    HttpSize = "attributes"."request"."http"."size",
    RequestTime = "attributes"."request"."time",
    RouteMetadataContext = "attributes"."routeMetadataContext",
    Source = "attributes"."source",
    SourceAddress = "attributes"."source"."address",
    SourceCertificate = "attributes"."source"."certificate",
    SourceLabels = "attributes"."source"."labels",
    SourcePrincipal = "attributes"."source"."principal",
    SourceService = "attributes"."source"."service",
    TlsSession = "attributes"."tlsSession",
    ParsedBody = "parsed_body",
    ParsedPath = "parsed_path",
    ParsedQuery = "parsed_query",
    Postern = "postern",
    PosternApiKey = "postern"."api_key",
    PosternAuth = "postern"."auth",
    PosternClaims = "postern"."claims",
    PosternClientId = "postern"."client_id",
    PosternIssuer = "postern"."issuer",
    PosternPath = "postern"."path",
    PosternPeer = "postern"."peer",
    PosternRoute = "postern"."route",
    PosternScopes = "postern"."scopes",
    PosternSubject = "postern"."subject",
    PrincipalOfSource = "source_principal",
    TruncatedBody = "truncated_body",
    Version = "version",
}

const _: () = assert!(PARTS.len() <= 64, "a bit for each part");

impl InputReads {
    /// All of it.
    #[must_use]
    pub const fn everything() -> &'static InputReads {
        const EVERYTHING: &InputReads = &InputReads {
            parts: u64::MAX,
            headers: HeaderReads::All,
        };
        EVERYTHING
    }

    /// None of it.
    #[must_use]
    pub fn nothing() -> &'static InputReads {
        static NOTHING: LazyLock<InputReads> = LazyLock::new(|| InputReads {
            parts: 0,
            headers: HeaderReads::Named(Box::default()),
        });
        &NOTHING
    }

    /// What a plan reads.
    #[must_use]
    pub fn new(reads: &Reads) -> Self {
        let parts = PARTS
            .iter()
            .filter(|(_, path)| reads.at(path).is_some())
            .fold(0, |parts, (part, _)| parts | part.bit());
        let headers = match reads.at(HEADERS) {
            Some(Reads::All) => HeaderReads::All,
            Some(Reads::Members(members)) => {
                HeaderReads::Named(members.keys().map(HeaderName::new).collect())
            }
            None => HeaderReads::Named(Box::default()),
        };
        Self { parts, headers }
    }

    /// How many parts are asked for.
    pub(super) const fn count(&self) -> usize {
        self.parts.count_ones() as usize
    }

    /// How many of the parts asked for come before this one: first those that are values, then those that have parts.
    pub(super) const fn rank(&self, part: Part) -> usize {
        const CONTAINERS: u64 = Part::containers();
        let before = part.bit() - 1;
        let rank = if CONTAINERS & part.bit() == 0 {
            (self.parts & !CONTAINERS & before).count_ones()
        } else {
            (self.parts & !CONTAINERS).count_ones() + (self.parts & CONTAINERS & before).count_ones()
        };
        rank as usize
    }

    /// Whether this part is asked for.
    pub(super) const fn has(&self, part: Part) -> bool {
        self.parts & part.bit() != 0
    }

    pub(super) const fn headers(&self) -> &HeaderReads {
        &self.headers
    }
}

impl Part {
    const fn bit(self) -> u64 {
        1 << self as u8
    }

    /// Those that have parts of their own, whatever is read.
    const fn containers() -> u64 {
        Part::Attributes.bit()
            | Part::Destination.bit()
            | Part::Request.bit()
            | Part::Http.bit()
            | Part::Source.bit()
            | Part::Postern.bit()
    }

    /// The name of the member that it is.
    pub(super) fn name(self) -> &'static str {
        let path = PARTS.get(self as usize).map_or(&[][..], |(_, path)| path);
        path.last().copied().unwrap_or_default()
    }

    /// The part of that number.
    pub(super) fn numbered(number: u16) -> Option<Part> {
        PARTS.get(usize::from(number)).map(|(part, _)| *part)
    }

    /// All of them, each at the place that is its number.
    pub(super) fn all() -> impl Iterator<Item = Part> {
        PARTS.iter().map(|(part, _)| *part)
    }
}

impl HeaderName {
    fn new(name: &Arc<str>) -> Self {
        Self {
            text: Arc::clone(name),
            value: Value::String(Arc::clone(name)),
        }
    }
}

#[cfg(test)]
mod tests;
