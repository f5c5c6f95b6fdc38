//! The token service: signing keys, access tokens (RFC 9068), the key set that verifies them (RFC 7517).
//!
//! - `model`: signing keys and access-token claims; pure.
//! - `keys`: how the current key comes to be: made at first start, sealed at rest, the same for all who start at once.
//! - `repository`: the table `signing_keys`, which nobody else reads.
//! - `service`: the use cases: issue a token, show the key set.
//! - `grpc`: `postern.token.v1.TokenService`.
//!
//! The current key is the newest one of the configured algorithm. A change of `token.algorithm` therefore makes a new
//! key at the next start, and the older ones stay in the key set: tokens that they signed are verified until they
//! expire.

mod grpc;
mod keys;
mod model;
mod repository;
mod service;

pub use grpc::TokenGrpc;
pub use keys::{KeyError, load_or_create};
pub use model::{AccessToken, Grant, Invalid, KeyDocument, KeyRing};
pub use repository::MIGRATIONS;
pub use service::{IssueError, Issued, TokenPolicy, Tokens};
