//! `GET /.well-known/oauth-authorization-server` (RFC 8414): what the server can do, so that clients need only its
//! issuer.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response};

use crate::cached::Document;
use crate::{JWKS_PATH, TOKEN_PATH};

/// The metadata change with a release or a configuration only.
pub(crate) const MAX_AGE_SECONDS: u32 = 3_600;

/// The document (RFC 8414 §2). `response_types_supported` must be there, and is empty: there is no authorization
/// endpoint.
pub(crate) fn document(issuer: &str) -> String {
    serde_json::json!({
        "issuer": issuer,
        "token_endpoint": format!("{issuer}{TOKEN_PATH}"),
        "jwks_uri": format!("{issuer}{JWKS_PATH}"),
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    })
    .to_string()
}

pub(crate) async fn metadata(State(document): State<Document>, headers: HeaderMap) -> Response<Body> {
    document.answer(&headers)
}
