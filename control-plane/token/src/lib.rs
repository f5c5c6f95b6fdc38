//! The token service: signing keys, access tokens (RFC 9068), the key set that verifies them (RFC 7517), and which tokens
//! of any issuer are revoked.
//!
//! - `model`: signing keys, access-token claims, revocations, the terms of nonce keys; pure.
//! - `keys`: how the current key comes to be: made at first start, sealed at rest, the same for all who start at once.
//! - `repository`: the service's tables, which nobody else reads.
//! - `service`: the use cases of tokens: issue one, show the key set.
//! - `revocations`: those of revocation; `sync` is how sidecars are told.
//! - `nonce_keys`: the keys from which sidecars make DPoP nonces.
//! - `grpc`: `postern.token.v1.TokenService`.
//!
//! The current key is the newest one of the configured algorithm. A change of `token.algorithm` therefore makes a new
//! key at the next start, and the older ones stay in the key set: tokens that they signed are verified until they
//! expire.

mod grpc;
mod keys;
mod model;
mod nonce_keys;
mod repository;
mod revocations;
mod service;
mod sync;

pub use grpc::TokenGrpc;
pub use keys::{KeyError, load_or_create};
pub use model::{
    AccessToken, ClaimValue, Grant, Invalid, KeyDocument, KeyRing, Revocation, RevokedTokens,
    TOKEN_LIFETIME_SECONDS, Which,
};
pub use nonce_keys::{NonceKey, NonceKeyError, NonceKeys};
pub use repository::MIGRATIONS;
pub use revocations::{RevocationError, RevocationPage, Revocations};
pub use service::{IssueError, Issued, TokenPolicy, Tokens};
