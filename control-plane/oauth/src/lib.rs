//! OAuth 2.1 over HTTP: the token endpoint (RFC 6749), authorization server metadata (RFC 8414) and the key set
//! (RFC 7517).
//!
//! | endpoint | file |
//! |---|---|
//! | `POST /oauth2/token` | `token_endpoint`, with `form` and `client_auth` |
//! | `GET /.well-known/oauth-authorization-server` | `metadata` |
//! | `GET /.well-known/jwks.json` | `jwks` |
//!
//! This crate holds no state and no secrets: it asks the identity and token services through their gRPC contracts,
//! over an [`Rpc`] that is the generated server itself when they share a process, and a channel when they don't.
//! Whoever mounts [`router`] sees to it that each request has a well-formed `x-request-id` (and `traceparent`), which
//! is passed on to the services, and puts it on each answer.

mod cached;
mod client_auth;
mod error;
mod form;
mod jwks;
mod metadata;
mod rpc;
mod token_endpoint;

use axum::Router;
use axum::routing::{get, post};
use postern_proto::identity::v1::session_identity_service_client::SessionIdentityServiceClient;
use postern_proto::token::v1::token_service_client::TokenServiceClient;

pub use rpc::Rpc;

use crate::cached::Document;

/// Path of the token endpoint below the issuer.
pub const TOKEN_PATH: &str = "/oauth2/token";
/// Path of the key set below the issuer.
pub const JWKS_PATH: &str = "/.well-known/jwks.json";
/// Path of the metadata below the issuer (RFC 8414 §3).
pub const METADATA_PATH: &str = "/.well-known/oauth-authorization-server";

/// The services that stand behind the endpoints.
#[derive(Debug, Clone)]
pub struct Services {
    /// Issues tokens.
    pub token: TokenServiceClient<Rpc>,
    /// Authenticates clients.
    pub identity: SessionIdentityServiceClient<Rpc>,
}

/// The endpoints of the authorization server `issuer` (a URL without a trailing slash), in front of `services`.
pub fn router(issuer: &str, services: Services) -> Router {
    let metadata = Document::new(
        "application/json",
        metadata::document(issuer),
        metadata::MAX_AGE_SECONDS,
    );
    Router::new()
        .route(TOKEN_PATH, post(token_endpoint::token))
        .route(JWKS_PATH, get(jwks::jwks))
        .with_state(services)
        .route(METADATA_PATH, get(metadata::metadata).with_state(metadata))
}
