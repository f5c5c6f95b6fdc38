//! `postern upstream`: the demo's application. Answers every request with what it saw, which shows what a sidecar added
//! and took away. Decides nothing.

use std::{collections::BTreeMap, net::SocketAddr};

use anyhow::Context as _;
use axum::{
    Json, Router,
    http::{HeaderMap, Method, Uri},
};
use serde::Serialize;
use tokio::net::TcpListener;

use crate::exit::Exit;

/// `postern upstream`.
#[derive(Debug, clap::Args)]
pub struct UpstreamArgs {
    /// Where to listen.
    #[arg(long, value_name = "HOST:PORT")]
    pub listen: SocketAddr,
}

/// Serves until it is killed.
pub async fn run(args: UpstreamArgs) -> anyhow::Result<Exit> {
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("--listen {}", args.listen))?;
    axum::serve(listener, router()).await.context("serving")?;
    Ok(Exit::Yes)
}

fn router() -> Router {
    Router::new().fallback(async |method: Method, uri: Uri, headers: HeaderMap| {
        Json(Seen::new(&method, &uri, &headers))
    })
}

/// What the upstream saw of a request.
#[derive(Debug, Serialize)]
struct Seen {
    method: String,
    /// With its query.
    path: String,
    /// Names in lower case; repeats joined by `, `.
    headers: BTreeMap<String, String>,
}

impl Seen {
    fn new(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let joined = |name: &axum::http::HeaderName| {
            let values = headers
                .get_all(name)
                .iter()
                .map(|value| String::from_utf8_lossy(value.as_bytes()));
            values.collect::<Vec<_>>().join(", ")
        };
        Self {
            method: method.to_string(),
            path: uri
                .path_and_query()
                .map_or_else(|| uri.path().to_owned(), ToString::to_string),
            headers: headers
                .keys()
                .map(|name| (name.as_str().to_owned(), joined(name)))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn names_are_lower_case_and_repeats_are_joined() {
        let mut headers = HeaderMap::new();
        headers.append("X-A", HeaderValue::from_static("1"));
        headers.append("x-a", HeaderValue::from_static("2"));
        let seen = Seen::new(&Method::POST, &Uri::from_static("/orders?x=1"), &headers);
        let json = serde_json::to_value(seen).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"method": "POST", "path": "/orders?x=1", "headers": {"x-a": "1, 2"}})
        );
    }
}
