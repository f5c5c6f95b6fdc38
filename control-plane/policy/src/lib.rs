//! The policy service: bundles are published here, served to sidecars over OPA's bundle API, and asked directly.
//!
//! - `model`: bundle names, and a published bundle with the engine made from it; pure.
//! - `acceptance`: whether sidecars would take a bundle; `compile`: makes a plan for one that has none.
//! - `repository`: the table `bundles`, which nobody else reads.
//! - `service`: the use cases: publish, authorize, list, restore; `bounded` is how much of them runs at once.
//! - `grpc`: `postern.policy.v1.IamPolicyService`.
//! - `http`: `GET /bundles/{name}`, OPA's bundle API with long polling.
//!
//! A bundle is served only after it was verified, its plan loaded and tried, and it was stored, in this order. Whatever fails
//! leaves the one before in its place, for all readers, until the new one replaces it whole.

mod acceptance;
mod bounded;
mod compile;
mod grpc;
mod http;
mod model;
mod repository;
mod service;

pub use bounded::Interrupted;
pub use compile::CompileSettings;
pub use grpc::{MAX_MESSAGE_BYTES, PolicyGrpc};
pub use http::{BundleApi, router};
pub use model::{Catalog, Published};
pub use postern_policy::BundleName;
pub use repository::MIGRATIONS;
pub use service::{Decided, Policies, PolicyError, PolicySettings, RestoreError};
