//! The ids of one check: which request it is (`x-request-id`), which trace it belongs to (W3C Trace Context), and which
//! decision this is. Taken over where well-formed, made from the host's entropy where not.

use postern_telemetry::{CorrelationId, TRACEPARENT, TraceParent, X_REQUEST_ID};
use uuid::Uuid;

use crate::entropy::Entropy;
use crate::header::Header;
use crate::headers::Headers;
use crate::settings::Settings;

/// What identifies one check.
#[derive(Debug, Clone)]
pub(crate) struct Identifiers {
    pub(crate) correlation_id: CorrelationId,
    pub(crate) decision_id: Uuid,
    /// For the next hop: the caller's trace with a span of our own, or a new trace.
    pub(crate) trace_parent: TraceParent,
    /// Whether the caller's trace was taken over. Where it wasn't, its `tracestate` means nothing (Trace Context §3.3).
    pub(crate) trace_continues: bool,
}

impl Identifiers {
    pub(crate) fn of(headers: &Headers<'_>, entropy: &Entropy) -> Self {
        let correlation_id = CorrelationId::of(headers.value(X_REQUEST_ID), || entropy.correlation_id);
        let incoming = headers.value(TRACEPARENT).and_then(TraceParent::parse);
        Self {
            correlation_id,
            decision_id: uuid::Builder::from_random_bytes(entropy.decision_id).into_uuid(),
            trace_continues: incoming.is_some(),
            trace_parent: match incoming {
                Some(parent) => parent.child(entropy.span),
                None => TraceParent::generate(entropy.trace),
            },
        }
    }

    /// What a refused client is told of them.
    pub(crate) fn for_client(&self, settings: &Settings) -> [Header; 2] {
        [self.request_id(), self.decision_id(settings)]
    }

    /// The decision id as a header.
    pub(crate) fn decision_id(&self, settings: &Settings) -> Header {
        let mut buffer = Uuid::encode_buffer();
        let text: &str = self.decision_id.hyphenated().encode_lower(&mut buffer);
        Header::ours(&settings.prefix.decision_id, text.to_owned())
    }

    /// The trace as a header.
    pub(crate) fn trace(&self) -> Header {
        Header::ours(TRACEPARENT, self.trace_parent.to_text())
    }

    /// The correlation id as a header.
    pub(crate) fn request_id(&self) -> Header {
        Header::ours(X_REQUEST_ID, self.correlation_id.shared())
    }
}
