//! The identity service: which OAuth clients there are, and whether one is who it says; which API keys there are.
//!
//! - `model`: clients, API keys and their parts, each a type that holds only what is valid; pure.
//! - `secret`: client secrets and the hashes that are kept of them.
//! - `repository`: the service's tables, which nobody else reads.
//! - `service`: the use cases of clients: register, authenticate, list.
//! - `api_keys`: those of API keys; `sync` is how sidecars, who check them, are told.
//! - `grpc`: `postern.identity.v1.SessionIdentityService`.
//!
//! **Why secrets are kept as a plain SHA-256.** Hashes with a cost and a salt protect secrets that people choose. Ours
//! are generated, with 256 random bits, or brought along with at least 32 characters by whoever moves in from another
//! server: there is no dictionary to try, no two are alike, and a slow hash would only make the token endpoint easy to
//! exhaust.

mod api_keys;
mod grpc;
mod model;
mod repository;
mod secret;
mod service;
mod sync;

pub use api_keys::{API_KEY_PREFIX, ApiKeyError, ApiKeyPage, ApiKeys, MadeApiKey};
pub use grpc::IdentityGrpc;
pub use model::{
    ApiKey, ApiKeyId, ApiKeyName, ApiKeyRequest, Audience, Client, ClientId, ClientName, Invalid,
    Registration, Scope, Subject,
};
pub use repository::MIGRATIONS;
pub use secret::ClientSecret;
pub use service::{Identity, IdentityError, Page, Registered};
