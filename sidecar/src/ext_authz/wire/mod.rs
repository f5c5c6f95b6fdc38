//! The wire format of ext_authz, read and written without a copy of what it says: protobuf's own rules, to the letter of
//! `prost`, which is the oracle of the tests here. Never judges what a request means.

mod address;
mod metadata;
mod opa_response;
#[cfg(any(test, feature = "fuzzing"))]
mod oracle;
mod put;
mod reader;
mod request;
mod response;
mod rest;

pub(crate) use opa_response::opa_response;
#[cfg(feature = "fuzzing")]
pub(crate) use oracle::difference;
pub(crate) use request::{done_with, verbatim, view};
pub(crate) use response::{allowed, denied};
pub(crate) use rest::RestOf;
