//! The real binary over real sockets, driven as its users drive it: OAuth clients, sidecars, operators.

mod bundles;
mod credentials;
mod lifecycle;
mod requests;
mod support;
mod sync;
mod tokens;
