//! The span that a request's log lines stand in. Its two fields have their names here and nowhere else.

use crate::{CorrelationId, TraceParent};

/// A span for one request. It is made at the level of errors, so that no filter that lets a line through takes its
/// correlation id away.
#[must_use]
pub fn request_span(correlation_id: &CorrelationId, trace: &TraceParent) -> tracing::Span {
    tracing::error_span!("request", correlation_id = %correlation_id, trace_id = %trace.trace_id())
}
