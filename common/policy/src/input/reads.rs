//! Which parts of the document a policy can read, in the form in which the document asks: a bit for each part, and the
//! names of the headers. Made once, when a policy is loaded.

use std::sync::{Arc, LazyLock};

use postern_rego::{Reads, Value};

/// What of `input` a policy can read: only that is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputReads {
    parts: u64,
    headers: HeaderReads,
    /// Of the parts that are documents of their own: what is read within them, where that isn't all.
    within: Vec<(Part, Reads)>,
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

/// Those that are values with members of any name.
const DOCUMENTS: &[Part] = &[
    Part::MetadataContext,
    Part::RouteMetadataContext,
    Part::ParsedBody,
    Part::ParsedQuery,
    Part::PosternClaims,
];

/// Headers that hold something else in each request.
const UNIQUE_HEADERS: &[&str] = &[
    "x-request-id",
    "traceparent",
    "tracestate",
    "b3",
    "x-b3-spanid",
    "dpop",
];

const _: () = assert!(PARTS.len() <= 64, "a bit for each part");

impl InputReads {
    /// All of it.
    #[must_use]
    pub const fn everything() -> &'static InputReads {
        const EVERYTHING: &InputReads = &InputReads {
            parts: u64::MAX,
            headers: HeaderReads::All,
            within: Vec::new(),
        };
        EVERYTHING
    }

    /// None of it.
    #[must_use]
    pub fn nothing() -> &'static InputReads {
        static NOTHING: LazyLock<InputReads> = LazyLock::new(|| InputReads {
            parts: 0,
            headers: HeaderReads::Named(Box::default()),
            within: Vec::new(),
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
        let documents = PARTS.iter().filter(|(part, _)| DOCUMENTS.contains(part));
        let within = documents
            .filter_map(|(part, path)| match reads.at(path)? {
                Reads::All => None,
                some => Some((*part, some.clone())),
            })
            .collect();
        Self {
            parts,
            headers,
            within,
        }
    }

    /// What is read within a part that is a document of its own.
    pub(super) fn within(&self, part: Part) -> &Reads {
        let known = self.within.iter().find(|(known, _)| *known == part);
        known.map_or(&Reads::All, |(_, reads)| reads)
    }

    /// What is read that differs in each request, if there is something: no answer would be asked for twice.
    #[must_use]
    pub fn never_the_same(&self) -> Option<String> {
        let unique = [Part::HttpId, Part::RequestTime, Part::HttpHeaderMap];
        if let Some((_, path)) = PARTS
            .iter()
            .find(|(part, _)| unique.contains(part) && self.has(*part))
        {
            return Some(format!("input.{}", path.join(".")));
        }
        if !self.has(Part::HttpHeaders) {
            return None;
        }
        match &self.headers {
            HeaderReads::All => Some("all of input.attributes.request.http.headers".to_owned()),
            HeaderReads::Named(names) => {
                let name = names.iter().find(|name| UNIQUE_HEADERS.contains(&&*name.text))?;
                Some(format!("input.attributes.request.http.headers[{:?}]", name.text))
            }
        }
    }

    /// The same as if the part at this path, or the header of this name, weren't read: for tests that must see that it is.
    #[doc(hidden)]
    #[must_use]
    pub fn forgetting(&self, what: &str) -> Self {
        let mut reads = self.clone();
        if let Some((part, _)) = PARTS.iter().find(|(_, path)| path.join(".") == what) {
            reads.parts &= !part.bit();
        }
        for (_, within) in &mut reads.within {
            if let Reads::Members(members) = within {
                members.remove(what);
            }
        }
        match &mut reads.headers {
            all @ HeaderReads::All if what == "headers" => *all = HeaderReads::Named(Box::default()),
            HeaderReads::Named(names) => {
                let kept = names.iter().filter(|name| &*name.text != what).cloned();
                *names = kept.collect();
            }
            HeaderReads::All => {}
        }
        reads
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

    /// The parts that are asked for, in the order of their numbers.
    pub(super) fn parts(&self) -> impl Iterator<Item = Part> {
        let mut left = self.parts;
        std::iter::from_fn(move || {
            let number = left.trailing_zeros();
            left &= left.wrapping_sub(1);
            Part::numbered(u16::try_from(number).ok()?)
        })
    }

    pub(super) const fn headers(&self) -> &HeaderReads {
        &self.headers
    }

    /// Whether any header may be read.
    pub(super) const fn has_all_headers(&self) -> bool {
        matches!(self.headers, HeaderReads::All)
    }
}

impl Part {
    const fn bit(self) -> u64 {
        1 << self as u8
    }

    /// Those that have parts of their own, whatever is read.
    pub(super) const fn containers() -> u64 {
        Part::Attributes.bit()
            | Part::Destination.bit()
            | Part::Request.bit()
            | Part::Http.bit()
            | Part::Source.bit()
            | Part::Postern.bit()
    }

    /// Where it is.
    #[cfg(test)]
    pub(super) fn path(self) -> &'static [&'static str] {
        PARTS.get(self as usize).map_or(&[], |(_, path)| path)
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
