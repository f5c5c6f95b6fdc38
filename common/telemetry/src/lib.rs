//! What every part of Postern says about itself in the same words: the error vocabulary, correlation ids, trace context
//! and log lines.
//!
//! The core (no default features) is plain values: [`Code`], [`Error`], [`Problem`], [`CorrelationId`],
//! [`TraceParent`]. It does no I/O, reads no clock and makes no randomness of its own. Behind features:
//!
//! | feature | gives |
//! |---|---|
//! | `http` | [`Problem::into_response`], RFC 9457 documents as HTTP answers; [`if_none_match`] |
//! | `grpc` | [`Error::to_status`] and [`Error::from_status`], google.rpc details |
//! | `log` | [`log::init`], JSON lines or pretty ones on a terminal |

mod code;
mod correlation;
mod error;
mod problem;
mod span;
#[cfg(feature = "grpc")]
mod status;
mod text;
mod trace_context;
#[cfg(feature = "http")]
mod validator;

#[cfg(feature = "log")]
pub mod log;

pub use code::{Code, UnknownCode};
pub use correlation::{CorrelationId, X_REQUEST_ID};
pub use error::{Error, FieldViolation, MAX_FIELDS, MAX_MESSAGE_BYTES};
pub use problem::{PROBLEM_JSON, Problem};
pub use span::request_span;
pub use trace_context::{TRACEPARENT, TraceParent};
#[cfg(feature = "http")]
pub use validator::if_none_match;
