//! The request that a proxy asks about over HTTP as the view that a decision reads: the same that Envoy's gRPC form would
//! give. Never judges.

use axum::http::HeaderMap;
use axum::http::header::{CONNECTION, CONTENT_LENGTH, HOST};
use postern_decide::{Address, Headers, HttpView, PeerView, RequestView, SocketAddress};

use super::Mode;
use super::original::{Original, is_between_us};

/// The view of `original`.
///
/// `client` is the text of its client's address, if it is known; `body` what of the request's body was sent along.
pub(super) fn view<'r>(
    mode: Mode,
    original: &Original<'r>,
    headers: &'r HeaderMap,
    client: Option<&'r str>,
    body: &'r [u8],
) -> RequestView<'r> {
    let text = std::str::from_utf8(body).ok();
    RequestView {
        http: HttpView {
            method: original.method,
            path: original.path,
            host: original.host,
            scheme: original.scheme,
            headers: Headers::from_raw(pseudo(original).chain(sent(mode, headers))),
            size: size(mode, headers),
            body: text.unwrap_or_default(),
            raw_body: if text.is_some() { &[] } else { body },
            ..HttpView::default()
        },
        source: client.map(|address| PeerView {
            address: Some(Address::Socket(SocketAddress {
                address,
                ..SocketAddress::default()
            })),
            ..PeerView::default()
        }),
        may_wait: true,
        ..RequestView::default()
    }
}

/// Envoy tells these among the headers too.
fn pseudo<'r>(original: &Original<'r>) -> impl Iterator<Item = (&'r str, &'r [u8])> + use<'r> {
    [
        (":method", original.method),
        (":path", original.path),
        (":authority", original.host),
        (":scheme", original.scheme),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| (name, value.as_bytes()))
}

/// The client's headers: without those of the connection to us, and without what the proxy says to us alone.
fn sent(mode: Mode, headers: &HeaderMap) -> impl Iterator<Item = (&str, &[u8])> {
    let ours = move |name| is_between_us(mode, name) || (mode != Mode::Envoy && *name == CONTENT_LENGTH);
    headers
        .iter()
        .filter(move |(name, _)| **name != HOST && **name != CONNECTION && !ours(name))
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
}

/// The size of the client's request, where it is known: the other forms ask without its body.
fn size(mode: Mode, headers: &HeaderMap) -> i64 {
    let length = || headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
    match mode {
        Mode::Envoy => length().unwrap_or(-1),
        Mode::Forward | Mode::Nginx => -1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    const ORIGINAL: Original<'static> = Original {
        method: "GET",
        path: "/orders?a=1",
        host: "orders.example",
        scheme: "https",
        client: None,
    };

    #[test]
    fn the_headers_are_the_clients_with_the_pseudo_headers_that_envoy_would_add() {
        let headers = headers(&[
            ("host", "127.0.0.1:9193"),
            ("connection", "close"),
            ("content-length", "0"),
            ("x-original-uri", "/orders?a=1"),
            ("x-a", "1"),
            ("x-a", "2"),
        ]);
        let view = view(Mode::Nginx, &ORIGINAL, &headers, Some("203.0.113.7"), b"");
        let mut seen: Vec<_> = view.http.headers.iter().collect();
        seen.sort_unstable();
        assert_eq!(
            seen,
            [
                (":authority", "orders.example"),
                (":method", "GET"),
                (":path", "/orders?a=1"),
                (":scheme", "https"),
                ("x-a", "1,2"),
            ]
        );
        assert_eq!(view.http.size, -1);
        let Some(Address::Socket(SocketAddress { address, .. })) = view.source.unwrap().address else {
            panic!("no address")
        };
        assert_eq!(address, "203.0.113.7");
    }

    #[test]
    fn a_body_is_text_where_it_can_be() {
        let headers = headers(&[("content-length", "2")]);
        let text = view(Mode::Envoy, &ORIGINAL, &headers, None, b"{}");
        assert_eq!(
            (text.http.body, text.http.raw_body, text.http.size),
            ("{}", b"".as_slice(), 2)
        );
        let bytes = view(Mode::Envoy, &ORIGINAL, &headers, None, b"\xff\xfe");
        assert_eq!(
            (bytes.http.body, bytes.http.raw_body),
            ("", b"\xff\xfe".as_slice())
        );
    }
}
