//! The document itself: each of its parts is made when a policy looks at it, and kept for the next look. What is
//! iterated over, compared or kept whole is put together from the same parts.

use std::borrow::Cow;

use postern_rego::{Document, Member, Part as Number, Parts, Sink, Value};

use super::body::{Bodies, Body};
use super::cells::Cells;
use super::headers;
use super::names::Names;
use super::reads::{HeaderReads, Part};
use super::{Extent, HeaderParts, InputError, InputReads, PosternParts, RequestParts};
use super::{attributes, members, postern, query};

/// `input`, as far as a policy can read it, of a request that can be made into one.
pub struct InputDocument<'a, H: ?Sized> {
    reads: &'a InputReads,
    request: &'a RequestParts<'a>,
    headers: &'a H,
    postern: Option<&'a PosternParts<'a>>,
    /// Unescaped, without its query.
    path: Cow<'a, str>,
    is_truncated: bool,
    /// By the ranks of the parts; then the whole; then the headers by name.
    cells: Cells,
}

impl<'a, H: HeaderParts + ?Sized> InputDocument<'a, H> {
    /// Looks at the request, as far as it can be ill-formed. `postern` is left out of the document where there is none.
    ///
    /// # Errors
    /// When the path or its query is ill-formed, or a body that can be read.
    pub fn new(
        reads: &'a InputReads,
        request: &'a RequestParts<'a>,
        headers: &'a H,
        postern: Option<&'a PosternParts<'a>>,
    ) -> Result<Self, InputError> {
        let (path, query) = request.path.split_once('?').unwrap_or((request.path, ""));
        let path = query::check(path, query)?;
        let is_read = reads.has(Part::ParsedBody) || reads.has(Part::TruncatedBody);
        let body = match request.bodies {
            Bodies::Always => Body::of(request, headers, &path)?,
            Bodies::WhenRead if is_read => Body::of(request, headers, &path)?,
            Bodies::WhenRead | Bodies::Never => Body::NotParsed,
        };
        // What may turn out ill-formed is made at once.
        let parsed = match request.bodies {
            Bodies::Always => Some(body.parse()?),
            Bodies::WhenRead if reads.has(Part::ParsedBody) => Some(body.parse()?),
            Bodies::WhenRead | Bodies::Never => None,
        };
        let is_truncated = body.is_truncated();
        let document = Self {
            reads,
            request,
            headers,
            postern,
            path,
            is_truncated,
            cells: Cells::default(),
        };
        if reads.has(Part::ParsedBody) {
            document.keep(Part::ParsedBody, parsed);
        }
        if reads.has(Part::ParsedQuery) {
            document.keep(Part::ParsedQuery, Some(query::parsed_query("query", query)?));
        }
        Ok(document)
    }

    pub(super) fn request(&self) -> &'a RequestParts<'a> {
        self.request
    }

    pub(super) fn headers(&self) -> &'a H {
        self.headers
    }

    pub(super) fn postern(&self) -> Option<&'a PosternParts<'a>> {
        self.postern
    }

    /// Unescaped, without its query.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn is_truncated(&self) -> bool {
        self.is_truncated
    }

    /// A part that was made when the document was.
    pub(super) fn kept(&self, part: Part) -> Option<&Value> {
        match self.part(part)? {
            Member::Value(value) => Some(value),
            Member::Part(_) => None,
        }
    }

    fn keep(&self, part: Part, value: Option<Value>) {
        self.cells.get(self.reads.rank(part), self.size(), || value);
    }

    /// How many values there can be to keep.
    fn size(&self) -> usize {
        let named = match self.reads.headers() {
            HeaderReads::All => 0,
            HeaderReads::Named(names) => names.len(),
        };
        self.reads.count() + 1 + named
    }

    pub(super) fn reads(&self) -> &'a InputReads {
        self.reads
    }

    /// All of a part that has members.
    pub(super) fn whole(&self, part: Part) -> &Value {
        self.value(number(part))
    }

    pub(super) fn part(&self, part: Part) -> Option<Member<'_>> {
        if !self.reads.has(part) {
            return None;
        }
        let inner = |is_there: bool| is_there.then_some(Member::Part(number(part)));
        let value = match part {
            Part::Attributes => return inner(self.request.extent >= Extent::Attributes),
            Part::Request => return inner(self.request.extent >= Extent::Request),
            Part::Http => return inner(self.request.extent >= Extent::Http),
            Part::Destination => return inner(self.request.destination.is_some()),
            Part::Source => return inner(self.request.source.is_some()),
            Part::Postern => return inner(self.postern.is_some()),
            Part::HttpHeaders if matches!(self.reads.headers(), HeaderReads::Named(_)) => {
                return inner(!self.headers.is_empty());
            }
            Part::PosternClaims => self.postern.and_then(|parts| parts.claims),
            _ => self
                .cells
                .get(self.reads.rank(part), self.size(), || self.make(part)),
        };
        value.map(Member::Value)
    }

    fn make(&self, part: Part) -> Option<Value> {
        match part {
            Part::ParsedPath => Some(query::parsed_path(&self.path)),
            Part::PrincipalOfSource => attributes::text(self.request.source?.principal),
            Part::TruncatedBody => (self.request.bodies != Bodies::Never).then(|| self.is_truncated.into()),
            Part::Version => Some(Names::with(|names| names.version.clone())),
            Part::HttpHeaders => headers::all(self.headers),
            Part::HttpHeaderMap => self.request.rest?.header_map(),
            Part::MetadataContext => self.request.rest?.metadata_context(),
            Part::RouteMetadataContext => self.request.rest?.route_metadata_context(),
            _ => attributes::value(part, self.request)
                .or_else(|| self.postern.and_then(|parts| postern::value(part, parts))),
        }
    }

    /// A header that can be read, by name.
    fn header(&self, name: &str) -> Option<&Value> {
        let HeaderReads::Named(names) = self.reads.headers() else {
            return None;
        };
        let at = names.iter().position(|known| *known.text == *name)?;
        let cell = self.reads.count() + 1 + at;
        self.cells
            .get(cell, self.size(), || self.headers.value(name).map(Value::from))
    }

    /// The members that a part has.
    fn object(&self, number: Number) -> Value {
        if number == self::number(Part::HttpHeaders) {
            let HeaderReads::Named(names) = self.reads.headers() else {
                return Value::Null;
            };
            let there = names
                .iter()
                .filter_map(|name| Some((name.value.clone(), self.header(&name.text)?.clone())));
            return Value::Object(there.collect());
        }
        let there = members(number).iter().filter_map(|(_, part)| {
            let value = match self.part(*part)? {
                Member::Value(value) => value,
                Member::Part(inner) => self.value(inner),
            };
            Some((Names::with(|names| names.of(*part)), value.clone()))
        });
        Value::Object(there.collect())
    }
}

impl<H: HeaderParts + ?Sized> Document for InputDocument<'_, H> {
    fn member(&self, of: Number, name: &str) -> Option<Member<'_>> {
        if of == number(Part::HttpHeaders) {
            return self.header(name).map(Member::Value);
        }
        let (_, part) = members(of).iter().find(|(known, _)| *known == name)?;
        self.part(*part)
    }

    fn value(&self, of: Number) -> &Value {
        const NULL: &Value = &Value::Null;
        let cell = match part(of) {
            Some(part) => self.reads.rank(part),
            None => self.reads.count(),
        };
        let made = self.cells.get(cell, self.size(), || Some(self.object(of)));
        made.unwrap_or(NULL)
    }

    fn tell(&self, wanted: Parts, sink: &mut dyn Sink) {
        self.tell_members(members::WHOLE, wanted, sink);
    }
}

/// What the machine calls a part.
pub(super) const fn number(part: Part) -> Number {
    Number(part as u16 + 1)
}

/// The part of that number; `None` is the whole.
fn part(Number(number): Number) -> Option<Part> {
    Part::numbered(number.checked_sub(1)?)
}

fn members(of: Number) -> &'static [(&'static str, Part)] {
    part(of).map_or(members::WHOLE, members::of)
}
