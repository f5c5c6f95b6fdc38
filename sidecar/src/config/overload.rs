//! How much the listener for checks takes on at once. Bounds exist whether or not anybody configures them.

use std::time::Duration;

use postern_config::{ConfigError, Document};
use serde::Deserialize;

use super::within;
use crate::overload::OverloadPlan;

/// Bounds of the listener for checks. Beyond them nothing queues: a check is denied at once with 503 `overloaded` and
/// `Retry-After`, a request is refused, a connection isn't accepted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Overload {
    /// Checks at once whose answer hasn't been given, over all connections, 1 to 1000000; the next is
    /// 503 `overloaded`. Default 1024.
    pub max_in_flight: u64,
    /// Requests at once on one connection, 1 to 65536; Envoy opens another connection beyond. Default 256.
    pub max_streams: u64,
    /// The largest request message, with the body that Envoy may send along, in KiB, 16 to 65536. Default 4096.
    pub max_message_kib: u64,
    /// All messages together that come in parts and aren't whole yet, in MiB, 1 to 4096. Default 64.
    pub max_partial_mib: u64,
    /// How long a request's message may take to come, in seconds, 1 to 60. Default 5.
    pub message_deadline_seconds: u64,
    /// How long connections may take to end once the process is told to, in seconds, 1 to 600. Default 5.
    pub drain_seconds: u64,
}

impl Default for Overload {
    fn default() -> Self {
        Self {
            max_in_flight: 1024,
            max_streams: 256,
            max_message_kib: 4096,
            max_partial_mib: 64,
            message_deadline_seconds: 5,
            drain_seconds: 5,
        }
    }
}

/// The section, checked; the bound on connections stands with the listeners.
pub(super) fn checked(
    document: &Document,
    file: &Overload,
    max_connections: u64,
) -> Result<OverloadPlan, ConfigError> {
    let number = |key: &str, value, least, most| within(document, &["overload", key], value, least, most);
    let in_flight = number("max_in_flight", file.max_in_flight, 1, 1_000_000)?;
    let streams = number("max_streams", file.max_streams, 1, 65_536)?;
    let message = number("max_message_kib", file.max_message_kib, 16, 65_536)?;
    let partial = number("max_partial_mib", file.max_partial_mib, 1, 4096)?;
    let deadline = number("message_deadline_seconds", file.message_deadline_seconds, 1, 60)?;
    let drain = number("drain_seconds", file.drain_seconds, 1, 600)?;
    let count = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    Ok(OverloadPlan {
        max_in_flight: count(in_flight),
        max_connections: count(max_connections),
        max_streams: u32::try_from(streams).unwrap_or(u32::MAX),
        max_message_bytes: count(message << 10),
        max_partial_bytes: count(partial << 20),
        message_deadline: Duration::from_secs(deadline),
        drain: Duration::from_secs(drain),
    })
}
