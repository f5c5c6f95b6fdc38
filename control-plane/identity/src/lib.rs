//! The identity service: which OAuth clients there are, and whether one is who it says.
//!
//! - `model`: a client and its parts, each a type that holds only what is valid; pure.
//! - `secret`: client secrets and the hashes that are kept of them.
//! - `repository`: the table `clients`, which nobody else reads.
//! - `service`: the use cases: register, authenticate, list.
//! - `grpc`: `postern.identity.v1.SessionIdentityService`.
//!
//! **Why secrets are kept as a plain SHA-256.** Hashes with a cost and a salt protect secrets that people choose. Ours
//! are generated, with 256 random bits, or brought along with at least 32 characters by whoever moves in from another
//! server: there is no dictionary to try, no two are alike, and a slow hash would only make the token endpoint easy to
//! exhaust.

mod grpc;
mod model;
mod repository;
mod secret;
mod service;

pub use grpc::IdentityGrpc;
pub use model::{Audience, Client, ClientId, ClientName, Invalid, Registration, Scope};
pub use repository::MIGRATIONS;
pub use secret::ClientSecret;
pub use service::{Identity, IdentityError, Page, Registered};
