//! The real binary over real sockets, driven as its users drive it: OAuth clients, sidecars, operators.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that can't go on says so by ending"
)]

mod bundles;
mod compiled;
mod credentials;
mod follower;
mod lifecycle;
mod requests;
mod revocations;
mod support;
mod sync;
mod tokens;
