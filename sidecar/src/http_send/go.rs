//! The head of a response as Go's client shows it, which is what policies see under OPA. Where hyper doesn't tell enough to
//! say the same, or has been told something else, it is refused.

use hyper::ext::ReasonPhrase;
use reqwest::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderValue,
    PRAGMA, RANGE, TRANSFER_ENCODING,
};
use reqwest::{Method, Response, StatusCode, Version};

/// Status line (without the protocol) and headers.
pub(super) struct Head {
    pub(super) status: String,
    pub(super) headers: Vec<(String, String)>,
}

/// Whether Go would take a message of HTTP/1 to be as long as hyper does; redirects, too.
///
/// # Errors
/// Why not.
pub(super) fn check_length(response: &Response) -> Result<(), String> {
    if response.version() > Version::HTTP_11 {
        return Ok(());
    }
    let headers = response.headers();
    let digits = |value: &HeaderValue| {
        let text = value.as_bytes().trim_ascii();
        !text.is_empty() && text.iter().all(u8::is_ascii_digit)
    };
    if !headers.get_all(CONTENT_LENGTH).iter().all(digits) {
        return Err("its Content-Length is no number".to_owned());
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let chunked = |coding: &HeaderValue| coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked");
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(coding), None) if chunked(coding) && response.version() == Version::HTTP_11 => Ok(()),
        _ => Err("its Transfer-Encoding isn't chunked alone".to_owned()),
    }
}

/// Reads a head.
///
/// # Errors
/// Why it can't be shown.
pub(super) fn head(response: &Response, method: &Method, sent: &HeaderMap) -> Result<Head, String> {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err("it switches protocols".to_owned());
    }
    if is_packed(response.headers()) && asks_for_packed(method, sent) {
        return Err("it is compressed, which nobody asked for".to_owned());
    }
    Ok(Head {
        status: status(response)?,
        headers: headers(response.headers(), response.version())?,
    })
}

/// `net/http` asks for gzip and unpacks it on its own, unless the request says something of encodings or ranges.
fn asks_for_packed(method: &Method, sent: &HeaderMap) -> bool {
    let says = |name| {
        sent.get(name)
            .is_some_and(|value: &HeaderValue| !value.is_empty())
    };
    *method != Method::HEAD && !says(ACCEPT_ENCODING) && !says(RANGE)
}

fn is_packed(headers: &HeaderMap) -> bool {
    let encoding = headers.get(CONTENT_ENCODING);
    encoding.is_some_and(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"gzip"))
}

fn status(response: &Response) -> Result<String, String> {
    let status = response.status();
    let reason = match response.extensions().get::<ReasonPhrase>() {
        Some(reason) => {
            std::str::from_utf8(reason.as_bytes()).map_err(|_| "its status line isn't UTF-8".to_owned())?
        }
        // HTTP/1 said what hyper takes for usual. What isn't ASCII it leaves out.
        None if response.version() <= Version::HTTP_11 => status.canonical_reason().unwrap_or_default(),
        None => text_of(status),
    };
    Ok(format!("{} {reason}", status.as_str()))
}

/// Go's `http.StatusText`, which HTTP/2 is shown with.
fn text_of(status: StatusCode) -> &'static str {
    match status.as_u16() {
        203 => "Non-Authoritative Information",
        413 => "Request Entity Too Large",
        414 => "Request URI Too Long",
        416 => "Requested Range Not Satisfiable",
        _ => status.canonical_reason().unwrap_or_default(),
    }
}

fn says_close(value: &HeaderValue) -> bool {
    let mut tokens = value.as_bytes().split(|byte| *byte == b',');
    tokens.any(|token| token.trim_ascii().eq_ignore_ascii_case(b"close"))
}

fn headers(headers: &HeaderMap, version: Version) -> Result<Vec<(String, String)>, String> {
    let by_http_1 = version <= Version::HTTP_11;
    let closes = version == Version::HTTP_11 && headers.get_all(CONNECTION).iter().any(says_close);
    let mut shown: Vec<(String, String)> = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        let name = name.as_str();
        let value =
            std::str::from_utf8(value.as_bytes()).map_err(|_| format!("its header {name} isn't UTF-8"))?;
        // HTTP/1: several of the same length count as one, and that it closes is between client and server. HTTP/2: trailers are
        // announced to the client alone.
        let dropped = match name {
            "content-length" => by_http_1 && shown.iter().any(|(other, _)| other == name),
            "connection" => closes,
            "trailer" => !by_http_1,
            _ => false,
        };
        if !dropped {
            shown.push((name.to_owned(), value.to_owned()));
        }
    }
    // RFC 7234 §5.4.
    let pragma = headers.get(PRAGMA).is_some_and(|pragma| pragma == "no-cache");
    if by_http_1 && pragma && !headers.contains_key(CACHE_CONTROL) {
        shown.push((CACHE_CONTROL.as_str().to_owned(), "no-cache".to_owned()));
    }
    Ok(shown)
}
