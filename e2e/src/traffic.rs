//! Requests as a mesh sends them: 40 headers, about 3.5 KB, a token of about 900 bytes; 1,000 different tokens and
//! 1,000 paths in rotation.

use std::collections::HashMap;
use std::ops::Range;

use anyhow::Context as _;
use bytes::Bytes;
use envoy_types::pb::envoy::config::core::v3::{
    Address, HeaderMap, HeaderValue, SocketAddress, address, socket_address::PortSpecifier,
};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Peer, Request};
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest};
use http_body_util::Empty;
use postern_jose::{Signer, sign_compact};
use prost::Message as _;
use serde_json::json;

/// How many different tokens and paths rotate.
pub const VARIETY: usize = 1_000;

/// How long a compact token is to be, roughly.
const TOKEN_BYTES: usize = 900;

/// Headers of a request beside `authorization`, pseudo-headers included.
const OTHER_HEADERS: usize = 39;

/// The last of the headers that only fill.
const LAST_ATTRIBUTE: &str = "x-mesh-attribute-39";

/// What the tokens of a bench say.
pub struct Claims<'a> {
    /// `iss`.
    pub issuer: &'a str,
    /// `aud`.
    pub audience: &'a str,
    /// Seconds since the epoch at which they are issued; they last a day.
    pub now: i64,
}

/// `VARIETY` access tokens of different subjects, each with scope `orders:read` and one role.
///
/// # Errors
/// Where signing fails.
pub fn tokens(signer: &dyn Signer, claims: &Claims<'_>) -> anyhow::Result<Vec<String>> {
    tokens_of(signer, claims, 0..VARIETY)
}

/// Tokens of the same kind with these numbers; no two numbers have the same token.
///
/// # Errors
/// Where signing fails.
pub fn tokens_of(
    signer: &dyn Signer,
    claims: &Claims<'_>,
    numbers: Range<usize>,
) -> anyhow::Result<Vec<String>> {
    numbers
        .map(|i| {
            let mut payload = json!({
                "iss": claims.issuer,
                "aud": claims.audience,
                "sub": subject(i),
                "client_id": "bench",
                "scope": "orders:read",
                "roles": [role(i)],
                "iat": claims.now,
                "exp": claims.now + 86_400,
                "jti": format!("00000000-0000-4000-8000-{i:012}"),
            });
            let bare = sign_compact(signer, Some("at+jwt"), payload.to_string().as_bytes())?;
            let missing = TOKEN_BYTES.saturating_sub(bare.len()) * 3 / 4;
            if let Some(object) = payload.as_object_mut() {
                object.insert("ext".into(), "x".repeat(missing.saturating_sub(9)).into());
            }
            Ok(sign_compact(
                signer,
                Some("at+jwt"),
                payload.to_string().as_bytes(),
            )?)
        })
        .collect()
}

/// Whose token `i` is.
#[must_use]
pub fn subject(i: usize) -> String {
    format!("user-{:05}", i % VARIETY)
}

/// The role that the subject of token `i` has.
#[must_use]
pub fn role(i: usize) -> String {
    format!("role-{:02}", i % VARIETY % 30)
}

/// The headers of request `i`, lower case, pseudo-headers first.
fn headers(i: usize, token: &str) -> Vec<(String, String)> {
    let mut headers = vec![
        (
            ":authority".to_owned(),
            "orders.shop.svc.cluster.local".to_owned(),
        ),
        (":method".to_owned(), "GET".to_owned()),
        (":path".to_owned(), path(i)),
        (":scheme".to_owned(), "http".to_owned()),
        ("authorization".to_owned(), format!("Bearer {token}")),
        (
            "x-request-id".to_owned(),
            format!("4bf92f35-77b3-4da6-a3ce-{i:012}"),
        ),
        (
            "user-agent".to_owned(),
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36".to_owned(),
        ),
        ("accept".to_owned(), "application/json".to_owned()),
    ];
    for n in headers.len()..=OTHER_HEADERS {
        headers.push((
            format!("x-mesh-attribute-{n:02}"),
            format!("value-{n:02}-{}", "m".repeat(36)),
        ));
    }
    headers
}

/// The path of request `i`.
#[must_use]
pub fn path(i: usize) -> String {
    format!("/orders/{}", i % VARIETY)
}

/// `CheckRequest`s as Envoy encodes them with `encode_raw_headers`.
#[must_use]
pub fn check_requests(tokens: &[String]) -> Vec<Bytes> {
    encoded(tokens, |i, token| {
        let headers = headers(i, token)
            .into_iter()
            .map(|(key, value)| HeaderValue {
                key,
                raw_value: value.into_bytes(),
                ..HeaderValue::default()
            })
            .collect();
        HttpRequest {
            header_map: Some(HeaderMap { headers }),
            ..HttpRequest::default()
        }
    })
}

/// `CheckRequest`s as Envoy encodes them unless it is told otherwise, which is what policies for OPA-Envoy read; `x-user` names
/// the token's subject.
#[must_use]
pub fn check_requests_with_a_map(tokens: &[String]) -> Vec<Bytes> {
    encoded(tokens, |i, token| {
        let mut headers: HashMap<String, String> = headers(i, token).into_iter().collect();
        // As many as otherwise.
        headers.remove(LAST_ATTRIBUTE);
        headers.insert("x-user".to_owned(), subject(i));
        HttpRequest {
            headers,
            ..HttpRequest::default()
        }
    })
}

/// A request for each token, its headers as `with_headers` puts them.
fn encoded(tokens: &[String], with_headers: impl Fn(usize, &str) -> HttpRequest) -> Vec<Bytes> {
    tokens
        .iter()
        .enumerate()
        .map(|(i, token)| {
            let http = HttpRequest {
                id: format!("{i}"),
                method: "GET".to_owned(),
                path: path(i),
                host: "orders.shop.svc.cluster.local".to_owned(),
                scheme: "http".to_owned(),
                protocol: "HTTP/1.1".to_owned(),
                size: -1,
                ..with_headers(i, token)
            };
            let attributes = AttributeContext {
                source: Some(peer("10.0.0.7", 52_114)),
                destination: Some(peer("10.0.0.9", 8_000)),
                request: Some(Request {
                    time: None,
                    http: Some(http),
                }),
                ..AttributeContext::default()
            };
            CheckRequest {
                attributes: Some(attributes),
            }
            .encode_to_vec()
            .into()
        })
        .collect()
}

/// The same requests for Envoy's own listener at `base` (`http://127.0.0.1:8000`).
///
/// # Errors
/// Where `base` is not a URL.
pub fn http_requests(base: &str, tokens: &[String]) -> anyhow::Result<Vec<http::Request<Empty<Bytes>>>> {
    tokens
        .iter()
        .enumerate()
        .map(|(i, token)| {
            let mut request = http::Request::get(format!("{base}{}", path(i)));
            for (name, value) in headers(i, token)
                .iter()
                .filter(|(name, _)| !name.starts_with(':'))
            {
                request = request.header(name, value);
            }
            request
                .body(Empty::new())
                .context("a request that can't be built")
        })
        .collect()
}

fn peer(address: &str, port: u32) -> Peer {
    let socket = SocketAddress {
        address: address.to_owned(),
        port_specifier: Some(PortSpecifier::PortValue(port)),
        ..SocketAddress::default()
    };
    Peer {
        address: Some(Address {
            address: Some(address::Address::SocketAddress(socket)),
        }),
        ..Peer::default()
    }
}

#[cfg(test)]
mod tests {
    use postern_jose::{Algorithm, LocalSigner};

    use super::*;

    #[test]
    fn requests_are_of_the_size_that_the_figures_name() {
        let signer = LocalSigner::generate(Algorithm::ES256).unwrap();
        let claims = Claims {
            issuer: "http://127.0.0.1:1",
            audience: "urn:bench",
            now: 1_790_000_000,
        };
        let tokens = tokens(&signer, &claims).unwrap();
        assert_eq!(tokens.len(), VARIETY);
        assert!((880..=920).contains(&tokens[0].len()), "{}", tokens[0].len());
        let http_of = |requests: Vec<Bytes>| {
            let size = requests[0].len();
            assert!((3_200..=3_800).contains(&size), "{size}");
            let decoded = CheckRequest::decode(requests[0].clone()).unwrap();
            decoded.attributes.unwrap().request.unwrap().http.unwrap()
        };
        let http = http_of(check_requests(&tokens[..1]));
        assert_eq!(http.header_map.unwrap().headers.len(), 40);
        let http = http_of(check_requests_with_a_map(&tokens[..1]));
        assert_eq!(
            (http.headers.len(), http.headers["x-user"].as_str()),
            (40, "user-00000")
        );
    }
}
