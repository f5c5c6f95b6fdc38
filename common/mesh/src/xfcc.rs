//! Envoy's `x-forwarded-client-cert`: what proxies on the way said of the certificates that they were shown, by the rules
//! of <https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-client-cert>.
//! Says nothing about whom to believe: anybody can write such a header.
//!
//! Envoy doesn't quote URIs and DNS names: for a certificate that has one with a comma in it, a believed proxy writes what
//! reads as another element. No reader can tell; the header is worth as much as the authority that such a proxy trusts.

use std::borrow::Cow;

use crate::peer_certificate::{IdentityError, PeerCertificate, PeerCertificateError, only_spiffe_id};
use crate::spiffe_id::SpiffeId;

/// Longest header read: what Envoy lets all headers of a request be, and more.
pub const MAX_XFCC_BYTES: usize = 256 * 1024;
/// Most elements, one for each proxy on the way.
pub const MAX_XFCC_ELEMENTS: usize = 64;

/// What one proxy said of its client. Values are as written, quotes and their escapes taken off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct XfccElement<'a> {
    /// `By`: the URIs of the proxy's own certificate.
    pub by: Vec<Cow<'a, str>>,
    /// `Hash`: the SHA-256 of the client's certificate, hexadecimal.
    pub hash: Option<Cow<'a, str>>,
    /// `Cert`: the client's certificate, URL-encoded PEM.
    pub cert: Option<Cow<'a, str>>,
    /// `Chain`: the client's certificate and those above it, URL-encoded PEM blocks.
    pub chain: Option<Cow<'a, str>>,
    /// `Subject` of the client's certificate.
    pub subject: Option<Cow<'a, str>>,
    /// `URI`: the URIs of the client's certificate; one empty text where it has none.
    pub uris: Vec<Cow<'a, str>>,
    /// `DNS`: the DNS names of the client's certificate.
    pub dns: Vec<Cow<'a, str>>,
}

/// Why a header is not an XFCC header, or one that could be read in two ways. Never quotes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum XfccError {
    /// More than [`MAX_XFCC_BYTES`].
    #[error("x-forwarded-client-cert is longer than {MAX_XFCC_BYTES} bytes")]
    TooLong,
    /// More than [`MAX_XFCC_ELEMENTS`].
    #[error("x-forwarded-client-cert has more than {MAX_XFCC_ELEMENTS} elements")]
    TooManyElements,
    /// An element without a pair, as between two commas.
    #[error("x-forwarded-client-cert has an empty element or pair")]
    Empty,
    /// A pair without `=`.
    #[error("x-forwarded-client-cert has a pair without `=`")]
    NoValue,
    /// A key that isn't By, Hash, Cert, Chain, Subject, URI or DNS.
    #[error(
        "x-forwarded-client-cert has an unknown key; expected By, Hash, Cert, Chain, Subject, URI or DNS"
    )]
    UnknownKey,
    /// A key that stands for one thing is there twice in one element; carries it.
    #[error("x-forwarded-client-cert has `{0}` twice in one element")]
    Repeated(&'static str),
    /// A quote that isn't closed, or with more after it than the next `;` or `,`.
    #[error("x-forwarded-client-cert has a value that is not quoted properly")]
    Quoting,
    /// Two backslashes before a quote. Envoy doesn't escape backslashes, so this is the end of the value as much as it
    /// is not.
    #[error("x-forwarded-client-cert has a quote that could end its value or not")]
    AmbiguousQuote,
    /// A control character.
    #[error("x-forwarded-client-cert has a control character")]
    ControlCharacter,
}

/// Why an element doesn't say who the client is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XfccIdentityError {
    /// `Cert` is no certificate.
    #[error("`Cert`: {0}")]
    Certificate(#[from] PeerCertificateError),
    /// Neither the certificate nor `URI` names exactly one SPIFFE ID.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// `Cert` is another certificate than `Hash` or `URI` says.
    #[error("`Cert` disagrees with `{0}`")]
    Disagreement(&'static str),
}

/// Reads the elements of a header, the oldest first: the last is what the nearest proxy said of its own client. Repeated
/// headers are joined by a comma beforehand.
///
/// # Errors
/// [`XfccError`] where Envoy's rules don't give the text exactly one reading.
pub fn parse(header: &str) -> Result<Vec<XfccElement<'_>>, XfccError> {
    if header.len() > MAX_XFCC_BYTES {
        return Err(XfccError::TooLong);
    }
    if header
        .chars()
        .any(|character| character.is_control() && character != '\t')
    {
        return Err(XfccError::ControlCharacter);
    }
    let mut elements = Vec::new();
    let mut rest = header;
    loop {
        let (element, after) = read_element(rest)?;
        if elements.len() == MAX_XFCC_ELEMENTS {
            return Err(XfccError::TooManyElements);
        }
        elements.push(element);
        match after {
            Some(after) => rest = after,
            None => return Ok(elements),
        }
    }
}

impl XfccElement<'_> {
    /// The client's SPIFFE ID: of `Cert` where it is there, which then must agree with `Hash` and `URI`; else of the only
    /// `URI`.
    ///
    /// # Errors
    /// [`XfccIdentityError`] says what is missing or wrong.
    pub fn spiffe_id(&self) -> Result<SpiffeId, XfccIdentityError> {
        let uris: Vec<&str> = match self.uris.as_slice() {
            // Envoy writes `URI=` for a certificate without one.
            [only] if only.is_empty() => Vec::new(),
            uris => uris.iter().map(AsRef::as_ref).collect(),
        };
        let Some(certificate) = &self.cert else {
            return Ok(only_spiffe_id(&uris)?);
        };
        let certificate = PeerCertificate::parse_url_encoded_pem(certificate)?;
        if let Some(hash) = &self.hash
            && !hash.eq_ignore_ascii_case(&hex::encode(certificate.sha256()))
        {
            return Err(XfccIdentityError::Disagreement("Hash"));
        }
        if !self.uris.is_empty() && uris != certificate.uri_sans() {
            return Err(XfccIdentityError::Disagreement("URI"));
        }
        Ok(certificate.spiffe_id()?.clone())
    }
}

/// The first element of `text`, and what comes after its comma, if there is one.
fn read_element(text: &str) -> Result<(XfccElement<'_>, Option<&str>), XfccError> {
    let mut element = XfccElement::default();
    let mut rest = text.trim_start_matches(OPTIONAL_SPACE);
    loop {
        let (key, value, after) = read_pair(rest)?;
        put(&mut element, key, value)?;
        let after = after.trim_start_matches(OPTIONAL_SPACE);
        match after.split_at_checked(1) {
            None => return Ok((element, None)),
            Some((",", next)) => return Ok((element, Some(next))),
            Some((";", next)) => rest = next.trim_start_matches(OPTIONAL_SPACE),
            Some(_) => return Err(XfccError::Quoting),
        }
    }
}

/// RFC 9110 §5.6.3: what may stand around the members of a list.
const OPTIONAL_SPACE: [char; 2] = [' ', '\t'];

/// A key, its value, and the text after that.
fn read_pair(text: &str) -> Result<(&str, Cow<'_, str>, &str), XfccError> {
    if text.is_empty() || text.starts_with([',', ';']) {
        return Err(XfccError::Empty);
    }
    let end = text.find(['=', ',', ';', '"']).ok_or(XfccError::NoValue)?;
    let (key, after) = text.split_at(end);
    let after = after.strip_prefix('=').ok_or(XfccError::NoValue)?;
    if let Some(quoted) = after.strip_prefix('"') {
        let (value, after) = read_quoted(quoted)?;
        return Ok((key, value, after));
    }
    let end = after.find([',', ';']).unwrap_or(after.len());
    let (value, after) = after.split_at(end);
    let value = value.trim_end_matches(OPTIONAL_SPACE);
    if value.contains('"') {
        return Err(XfccError::Quoting);
    }
    Ok((key, Cow::Borrowed(value), after))
}

/// The value up to its closing quote, and the text after that. `\"` is a quote within; another backslash is itself.
fn read_quoted(text: &str) -> Result<(Cow<'_, str>, &str), XfccError> {
    let mut from = 0;
    let mut escaped = false;
    loop {
        let rest = text.get(from..).ok_or(XfccError::Quoting)?;
        let quote = from + rest.find('"').ok_or(XfccError::Quoting)?;
        let before = text.get(..quote).ok_or(XfccError::Quoting)?;
        if before.ends_with("\\\\") {
            return Err(XfccError::AmbiguousQuote);
        }
        if !before.ends_with('\\') {
            let value = if escaped {
                Cow::Owned(before.replace("\\\"", "\""))
            } else {
                Cow::Borrowed(before)
            };
            return Ok((value, text.get(quote + 1..).unwrap_or_default()));
        }
        escaped = true;
        from = quote + 1;
    }
}

fn put<'a>(element: &mut XfccElement<'a>, key: &str, value: Cow<'a, str>) -> Result<(), XfccError> {
    let once = |slot: &mut Option<Cow<'a, str>>, name: &'static str, value| {
        if slot.replace(value).is_some() {
            Err(XfccError::Repeated(name))
        } else {
            Ok(())
        }
    };
    let many = |list: &mut Vec<Cow<'a, str>>, value| {
        list.push(value);
        Ok(())
    };
    // Keys don't depend on case; values do.
    match key.to_ascii_lowercase().as_str() {
        "by" => many(&mut element.by, value),
        "hash" => once(&mut element.hash, "Hash", value),
        "cert" => once(&mut element.cert, "Cert", value),
        "chain" => once(&mut element.chain, "Chain", value),
        "subject" => once(&mut element.subject, "Subject", value),
        "uri" => many(&mut element.uris, value),
        "dns" => many(&mut element.dns, value),
        _ => Err(XfccError::UnknownKey),
    }
}
