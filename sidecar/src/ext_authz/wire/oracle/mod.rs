//! The same two conversions by way of `prost` and envoy-types: slow, and what the ones beside are held to.

pub(crate) mod request;
pub(crate) mod response;
