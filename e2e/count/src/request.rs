//! The bench's request: 40 headers, about 3.5 KB, a token of about 900 bytes. As `postern-e2e`'s traffic has it, without
//! what that needs to send it.

use anyhow::Context as _;
use postern_decide::{Address, Port, SocketAddress};
use postern_decide::{Headers, HttpView, PeerView, RequestView};
use postern_jose::{LocalSigner, sign_compact};
use serde_json::json;

/// Of a compact token.
const TOKEN_BYTES: usize = 900;
/// Of a request, `authorization` included.
const HEADERS: usize = 40;

/// One request, as raw as it comes.
pub(crate) struct Request {
    id: String,
    path: String,
    headers: Vec<(String, String)>,
}

/// The claims that tokens of the bench have in common.
pub(crate) struct Issued<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) audience: &'a str,
    pub(crate) at: i64,
}

impl Request {
    /// The `i`-th: another token and another path each.
    pub(crate) fn new(i: usize, signer: &LocalSigner, issued: &Issued<'_>) -> anyhow::Result<Self> {
        let token = token(i, signer, issued)?;
        let path = format!("/orders/{i}");
        let mut headers: Vec<(String, String)> = [
            (":authority", "orders.shop.svc.cluster.local"),
            (":method", "GET"),
            (":path", &path),
            (":scheme", "http"),
            ("authorization", &format!("Bearer {token}")),
            ("x-request-id", &format!("4bf92f35-77b3-4da6-a3ce-{i:012}")),
            ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"),
            ("accept", "application/json"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        for n in headers.len()..HEADERS {
            headers.push((
                format!("x-mesh-attribute-{n:02}"),
                format!("value-{n:02}-{}", "m".repeat(36)),
            ));
        }
        Ok(Self {
            id: i.to_string(),
            path,
            headers,
        })
    }

    /// The view that a host makes of it.
    pub(crate) fn view(&self) -> RequestView<'_> {
        let headers = self.headers.iter();
        RequestView {
            http: HttpView {
                id: &self.id,
                method: "GET",
                path: &self.path,
                host: "orders.shop.svc.cluster.local",
                scheme: "http",
                protocol: "HTTP/1.1",
                headers: Headers::from_raw(headers.map(|(name, value)| (name.as_str(), value.as_bytes()))),
                size: -1,
                ..HttpView::default()
            },
            source: Some(peer("10.0.0.7", 52_114)),
            destination: Some(peer("10.0.0.9", 8_000)),
            ..RequestView::default()
        }
    }
}

fn peer(address: &str, port: u32) -> PeerView<'_> {
    PeerView {
        address: Some(Address::Socket(SocketAddress {
            address,
            port: Some(Port::Number(port)),
            ..SocketAddress::default()
        })),
        ..PeerView::default()
    }
}

fn token(i: usize, signer: &LocalSigner, issued: &Issued<'_>) -> anyhow::Result<String> {
    let mut payload = json!({
        "iss": issued.issuer,
        "aud": issued.audience,
        "sub": format!("user-{i:05}"),
        "client_id": "bench",
        "scope": "orders:read",
        "roles": [format!("role-{:02}", i % 30)],
        "iat": issued.at,
        "exp": issued.at + 86_400,
        "jti": format!("00000000-0000-4000-8000-{i:012}"),
    });
    let bare = sign_compact(signer, Some("at+jwt"), payload.to_string().as_bytes())?;
    let missing = TOKEN_BYTES.saturating_sub(bare.len()) * 3 / 4;
    let claims = payload.as_object_mut().context("claims are an object")?;
    claims.insert("ext".into(), "x".repeat(missing.saturating_sub(9)).into());
    Ok(sign_compact(
        signer,
        Some("at+jwt"),
        payload.to_string().as_bytes(),
    )?)
}
