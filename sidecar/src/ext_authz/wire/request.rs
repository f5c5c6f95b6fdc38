//! `envoy.service.auth.v3.CheckRequest` as the view that a decision reads: borrowed from the message's bytes. A message
//! that comes in several parts is merged as protobuf says: values that come later win, maps and lists grow. Never judges.

use std::cell::Cell;

use postern_decide::headers::{Line, SeenNames};
use postern_decide::{Extent, Headers, PeerView, RequestView, Timestamp};

use super::address::address;
use super::metadata::{METADATA, hold_to};
use super::reader::{Reader, WireError, utf8};

/// What makes a `CheckRequest` one that can't be decided on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestError {
    /// The network filter sends these: there is no HTTP request in them.
    #[error("attributes.request.http is missing; expected a check from Envoy's HTTP filter ext_authz")]
    NotHttp,
    /// It isn't a `CheckRequest` at all.
    #[error("expected an envoy.service.auth.v3.CheckRequest: {0}")]
    Wire(#[from] WireError),
}

/// How many headers there is room for before a list must grow.
const USUAL_HEADERS: usize = 48;

/// A list that grew beyond this is let go with its request.
const MOST_HEADERS: usize = 4 * USUAL_HEADERS;

thread_local! {
    /// The list of this thread's last request, empty. It is large enough that asking for one, and giving it back, would be
    /// among the dearer things that a check does.
    static SPARE: Cell<Vec<Line<'static>>> = const { Cell::new(Vec::new()) };
}

/// An empty list.
fn lines<'a>() -> Vec<Line<'a>> {
    let mut lines = SPARE.take();
    lines.reserve(USUAL_HEADERS);
    lines
}

/// Keeps the list of a request that was answered for the next one.
pub(crate) fn done_with(view: RequestView<'_>) {
    let mut lines = view.http.headers.into_lines();
    if lines.capacity() <= MOST_HEADERS {
        lines.clear();
        // Collected from itself: of the same memory, and of no request any more.
        SPARE.set(lines.into_iter().map(|_| Line::default()).collect());
    }
}

/// What has been read so far.
struct Draft<'a> {
    view: RequestView<'a>,
    /// `header_map`: each repeat on its own. Where there is one it decides, even an empty one.
    raw: Option<Vec<Line<'a>>>,
    /// `headers`, where Envoy has joined repeats already.
    map: Vec<Line<'a>>,
    /// Which of their names may have come.
    seen: SeenNames,
    /// Whether a name may have come twice, in whatever case.
    repeats: bool,
}

/// The view of an encoded `CheckRequest`.
///
/// # Errors
/// When it is ill-formed, or holds no HTTP request.
pub(crate) fn view(message: &[u8]) -> Result<RequestView<'_>, RequestError> {
    let draft = Draft::of(message)?;
    if draft.view.extent < Extent::Http {
        return Err(RequestError::NotHttp);
    }
    Ok(draft.joined())
}

/// The view of an encoded `CheckRequest` as OPA-Envoy has it: with as much of a request as there is, and with the headers of
/// the map alone, names as they came.
///
/// # Errors
/// When it is ill-formed.
pub(crate) fn verbatim(message: &[u8]) -> Result<RequestView<'_>, WireError> {
    Draft::of(message).map(Draft::verbatim)
}

impl<'a> Draft<'a> {
    fn of(message: &'a [u8]) -> Result<Self, WireError> {
        let mut draft = Self {
            view: RequestView {
                extent: Extent::Nothing,
                ..RequestView::default()
            },
            raw: None,
            map: Vec::new(),
            seen: SeenNames::default(),
            repeats: false,
        };
        let mut reader = Reader::new(message);
        while let Some(field) = reader.field()? {
            match field.number {
                1 => draft.attributes(reader.message(field)?)?,
                _ => reader.skip(field)?,
            }
        }
        keep_last(&mut draft.view.context_extensions);
        let view = &mut draft.view;
        for peer in [&mut view.source, &mut view.destination].into_iter().flatten() {
            keep_last(&mut peer.labels);
        }
        Ok(draft)
    }

    /// Notes that the message goes down to here.
    fn reaches(&mut self, extent: Extent) {
        self.view.extent = self.view.extent.max(extent);
    }

    /// `AttributeContext`.
    fn attributes(&mut self, mut message: Reader<'a>) -> Result<(), WireError> {
        self.reaches(Extent::Attributes);
        while let Some(field) = message.field()? {
            match field.number {
                1 => peer(self.view.source.get_or_insert_default(), message.message(field)?)?,
                2 => peer(
                    self.view.destination.get_or_insert_default(),
                    message.message(field)?,
                )?,
                4 => self.request(message.message(field)?)?,
                10 => self.view.context_extensions.push(pair(message.entry(field)?)?),
                11 | 13 => hold_to(&METADATA, message.message(field)?)?,
                12 => tls_session(self.view.tls_sni.get_or_insert_default(), message.message(field)?)?,
                _ => message.skip(field)?,
            }
        }
        Ok(())
    }

    /// `AttributeContext.Request`.
    fn request(&mut self, mut message: Reader<'a>) -> Result<(), WireError> {
        self.reaches(Extent::Request);
        while let Some(field) = message.field()? {
            match field.number {
                1 => timestamp(self.view.time.get_or_insert_default(), message.message(field)?)?,
                2 => self.http(message.message(field)?)?,
                _ => message.skip(field)?,
            }
        }
        Ok(())
    }

    /// `AttributeContext.HttpRequest`.
    fn http(&mut self, mut message: Reader<'a>) -> Result<(), WireError> {
        self.reaches(Extent::Http);
        // Looked at once up to here, however it is read then.
        let mut plain: &[u8] = &[];
        loop {
            if plain.is_empty() && message.rest().first() == Some(&PLAIN_ENTRY) {
                plain = plain_text(message.rest());
            }
            let before = plain.len();
            while let Some((header, after)) = plain_header::<PLAIN_ENTRY>(plain) {
                self.header(header);
                plain = after;
            }
            message.pass(before - plain.len());
            // One that isn't plain, or something else, or nothing.
            let before = message.rest().len();
            let Some(field) = message.field()? else {
                return Ok(());
            };
            let http = &mut self.view.http;
            match field.number {
                1 => http.id = message.text(field)?,
                2 => http.method = message.text(field)?,
                3 => {
                    let (name, value) = pair(message.entry(field)?)?;
                    self.header((name.as_bytes(), value.as_bytes()));
                }
                4 => http.path = message.text(field)?,
                5 => http.host = message.text(field)?,
                6 => http.scheme = message.text(field)?,
                7 => http.query = message.text(field)?,
                8 => http.fragment = message.text(field)?,
                9 => http.size = message.int64(field)?,
                10 => http.protocol = message.text(field)?,
                11 => http.body = message.text(field)?,
                12 => http.raw_body = message.bytes(field)?,
                13 => {
                    let headers = self.raw.get_or_insert_with(lines);
                    header_map(headers, message.message(field)?)?;
                }
                _ => message.skip(field)?,
            }
            let read = before - message.rest().len();
            plain = plain.get(read..).unwrap_or_default();
        }
    }

    /// An entry of `headers`.
    #[inline]
    fn header(&mut self, header: Line<'a>) {
        if self.map.capacity() == 0 {
            self.map = lines();
        }
        if self.seen.note(header.0) && !self.repeats {
            // Too many to be looked through for each are put in order, which finds out as well.
            let mut earlier = self.map.iter();
            self.repeats =
                earlier.len() > MOST_HEADERS || earlier.any(|(name, _)| name.eq_ignore_ascii_case(header.0));
        }
        self.map.push(header);
    }

    /// `headers`: a map has one value for each name. It is in no order, but names that differ by case only are joined in the
    /// same one each time.
    fn headers(&mut self) -> Headers<'a> {
        if self.repeats {
            keep_last(&mut self.map);
        }
        Headers::from_lines(std::mem::take(&mut self.map))
    }

    /// With `encode_raw_headers` Envoy sends `header_map`, and it decides.
    fn joined(mut self) -> RequestView<'a> {
        self.view.http.headers = match self.raw.take() {
            Some(raw) => Headers::from_lines(raw),
            None => self.headers(),
        };
        self.view
    }

    fn verbatim(mut self) -> RequestView<'a> {
        self.view.http.headers = self.headers();
        self.view
    }
}

/// `envoy.config.core.v3.HeaderMap`.
fn header_map<'a>(headers: &mut Vec<Line<'a>>, mut message: Reader<'a>) -> Result<(), WireError> {
    // Looked at once up to here, however it is read then.
    let mut plain: &[u8] = &[];
    loop {
        if plain.is_empty() {
            plain = plain_text(message.rest());
        }
        let before = plain.len();
        while let Some((header, after)) = plain_header::<PLAIN_HEADER>(plain) {
            headers.push(header);
            plain = after;
        }
        message.pass(before - plain.len());
        // One that isn't plain, or none.
        let before = message.rest().len();
        let Some(field) = message.field()? else {
            return Ok(());
        };
        match field.number {
            1 => headers.push(header_value(message.message(field)?)?),
            _ => message.skip(field)?,
        }
        let read = before - message.rest().len();
        plain = plain.get(read..).unwrap_or_default();
    }
}

/// The ASCII that `bytes` begin with, as far as a look at some of them at a time shows.
fn plain_text(bytes: &[u8]) -> &[u8] {
    const STEP: usize = 64;
    let (steps, rest) = bytes.as_chunks::<STEP>();
    let plain = steps.iter().take_while(|step| is_ascii(*step)).count();
    if plain == steps.len() && is_ascii(rest) {
        return bytes;
    }
    bytes.get(..plain * STEP).unwrap_or_default()
}

#[inline]
fn is_ascii(bytes: &[u8]) -> bool {
    // Without a way out halfway, so that many are looked at with one instruction.
    bytes.iter().fold(0, |all, byte| all | byte) < 0x80
}

/// The key of a `HeaderMap`'s headers.
const PLAIN_HEADER: u8 = 0x0a;
/// The key of `HttpRequest.headers`.
const PLAIN_ENTRY: u8 = 0x1a;

/// The header that `text`, which is ASCII, begins with, as nearly all are written: its name, then its value, both short; and
/// what comes behind it. `KEY` is the field's.
#[inline]
fn plain_header<const KEY: u8>(text: &[u8]) -> Option<(Line<'_>, &[u8])> {
    const FIRST: u8 = 0x0a;
    let (&[entry, length, name, name_length], _) = text.split_first_chunk()?;
    if entry != KEY || name != FIRST {
        return None;
    }
    let (header, after) = text.split_at_checked(2 + usize::from(length))?;
    let (name, value) = header.get(4..)?.split_at_checked(name_length.into())?;
    let (&[number, value_length], value) = value.split_first_chunk()?;
    let ends_here = value.len() == usize::from(value_length);
    // `value`, or `raw_value`, which a map's entry hasn't.
    let is_value = number == 0x12 || (number == 0x1a && KEY == PLAIN_HEADER);
    (ends_here && is_value).then_some(((name, value), after))
}

/// `envoy.config.core.v3.HeaderValue`: its value is in one of two fields.
#[inline]
fn header_value<'a>(mut message: Reader<'a>) -> Result<Line<'a>, WireError> {
    match message.two_short() {
        Some([(1, key), (2, value)]) => return Ok((utf8(key)?.as_bytes(), utf8(value)?.as_bytes())),
        Some([(1, key), (3, raw)]) => return Ok((utf8(key)?.as_bytes(), raw)),
        _ => {}
    }
    let (mut key, mut value, mut raw) = ("", "", [].as_slice());
    while let Some(field) = message.field()? {
        match field.number {
            1 => key = message.text(field)?,
            2 => value = message.text(field)?,
            3 => raw = message.bytes(field)?,
            _ => message.skip(field)?,
        }
    }
    Ok((
        key.as_bytes(),
        if raw.is_empty() { value.as_bytes() } else { raw },
    ))
}

/// An entry of a `map<string, string>`; either part may be missing, and is empty then.
fn pair<'a>(mut message: Reader<'a>) -> Result<(&'a str, &'a str), WireError> {
    let (mut key, mut value) = ("", "");
    while let Some(field) = message.field()? {
        match field.number {
            1 => key = message.text(field)?,
            2 => value = message.text(field)?,
            _ => message.skip(field)?,
        }
    }
    Ok((key, value))
}

/// `AttributeContext.Peer`.
fn peer<'a>(peer: &mut PeerView<'a>, mut message: Reader<'a>) -> Result<(), WireError> {
    while let Some(field) = message.field()? {
        match field.number {
            1 => address(&mut peer.address, message.message(field)?)?,
            2 => peer.service = message.text(field)?,
            3 => peer.labels.push(pair(message.entry(field)?)?),
            4 => peer.principal = message.text(field)?,
            5 => peer.certificate = message.text(field)?,
            _ => message.skip(field)?,
        }
    }
    Ok(())
}

/// `google.protobuf.Timestamp`.
fn timestamp(time: &mut Timestamp, mut message: Reader<'_>) -> Result<(), WireError> {
    while let Some(field) = message.field()? {
        match field.number {
            1 => time.seconds = message.int64(field)?,
            2 => time.nanos = message.int32(field)?,
            _ => message.skip(field)?,
        }
    }
    Ok(())
}

/// `AttributeContext.TLSSession`.
fn tls_session<'a>(sni: &mut &'a str, mut message: Reader<'a>) -> Result<(), WireError> {
    while let Some(field) = message.field()? {
        match field.number {
            1 => *sni = message.text(field)?,
            _ => message.skip(field)?,
        }
    }
    Ok(())
}

/// A map has one value for each key: the last.
fn keep_last<N: Ord, V>(pairs: &mut Vec<(N, V)>) {
    if pairs.len() < 2 {
        return;
    }
    // Stable, so that among equals the last one sent comes first.
    pairs.reverse();
    pairs.sort_by(|left, right| left.0.cmp(&right.0));
    pairs.dedup_by(|later, earlier| later.0 == earlier.0);
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
