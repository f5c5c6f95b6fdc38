//! `GET /.well-known/jwks.json` (RFC 7517 §5): the keys that verify what the token service signs.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use postern_proto::token::v1::GetJwksRequest;

use crate::Services;
use crate::cached::Document;
use crate::error::OAuthError;
use crate::rpc;

/// How long a cache may hide a new key from a verifier, in seconds.
const MAX_AGE_SECONDS: u32 = 60;

pub(crate) async fn jwks(
    State(services): State<Services>,
    headers: HeaderMap,
) -> Result<Response<Body>, OAuthError> {
    let mut token = services.token;
    let keys = rpc::answer(token.get_jwks(rpc::request(GetJwksRequest {}, &headers))).await?;
    Ok(Document::with_etag(
        "application/jwk-set+json",
        keys.jwks_json,
        keys.etag,
        MAX_AGE_SECONDS,
    )
    .answer(&headers))
}
