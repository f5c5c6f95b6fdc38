//! The data plane's process: Envoy's ext_authz, decided inside the pod by [`postern_decide`].
//!
//! ```text
//!            checks (a runtime of their own)                     sync and admin (another)
//! Envoy ──► listen ──► ext_authz ──► checker ──► decide        keys · bundle · lists ──► verify ──► disk
//! app   ──► listen ──► edge ────────► checker                        │
//!                                       │ one load                   │ swap
//!                                       └────────► published snapshot ◄┘
//! ```
//!
//! | folder or file | job |
//! |---|---|
//! | `args`, `config/`, `process` | from the command line to the running process and its end |
//! | `routes_test/` | which route a request meets, for operators |
//! | `listen`, `connections`, `overload`, `workers` | sockets, who is let in, how much at once, and the runtime that checks run on |
//! | `host/` | HTTP/2 connections |
//! | `ext_authz/`, `http_auth/`, `edge/` | bytes ⇄ views and decisions: Envoy, other proxies, applications |
//! | `checker`, `report/`, `decision_log`, `metrics/` | running a decision: time and entropy in, counts and log lines out |
//! | `needs`, `introspect/` | what a decision is missing and can be had: fresh keys, an issuer's word on its token |
//! | `published`, `refetch` | the snapshot in force; waking a puller, and waiting for it |
//! | `sync/` | pulling keys and policy, verifying, swapping; the control plane's stream: lists and hints |
//! | `reload` | another configuration, in one swap or not at all |
//! | `disk/` | the last good state |
//! | `admin/`, `status` | what operators are told |
//! | `clock`, `random`, `signal` | the surroundings, each in one place |
//!
//! It never waits for the network on a check's way, and never lets anything through that it could not decide on.

pub mod args;
pub mod config;
pub mod process;

mod admin;
mod candidate;
mod checker;
mod clock;
mod connections;
mod decision_log;
mod disk;
mod edge;
mod ext_authz;
mod host;
mod http_auth;
mod http_error;
mod http_send;
mod introspect;
mod listen;
mod metrics;
mod needs;
mod opa;
mod overload;
mod published;
mod random;
mod refetch;
mod reload;
mod report;
mod routes_test;
mod signal;
mod status;
mod sync;
#[cfg(test)]
mod testing;
mod workers;

pub use decision_log::LogDecisions;
pub use disk::{DATA_VERSION, VersionError};
pub use listen::BindError;

/// How a `CheckRequest` is read here and how `prost` reads it, where these differ; for fuzzing.
#[cfg(feature = "fuzzing")]
pub fn difference_from_prost(bytes: &[u8]) -> Option<String> {
    ext_authz::difference_from_prost(bytes)
}

/// The types of gRPC's messages, from a serialised set of file descriptors; for fuzzing.
#[cfg(feature = "fuzzing")]
pub fn grpc_messages(set: &[u8]) -> Option<std::sync::Arc<dyn postern_policy::input::GrpcMessages + Send>> {
    opa::grpc_messages(set)
}
