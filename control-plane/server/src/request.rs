//! What every request goes through first, over HTTP and gRPC alike: a correlation id and a trace context (taken if
//! well-formed, made otherwise), the span its log lines stand in, the metrics, and one line when it is answered.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response};
use axum::middleware::Next;
use postern_store::{Entropy, random_bytes};
use postern_telemetry::{CorrelationId, TRACEPARENT, TraceParent, X_REQUEST_ID, request_span};
use tokio::time::Instant;
use tracing::Instrument;

use crate::metrics;

/// Which listener a request came in on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surface {
    Http,
    Grpc,
}

/// What the layer needs.
#[derive(Clone)]
pub(crate) struct Tracing {
    pub(crate) surface: Surface,
    pub(crate) entropy: Arc<dyn Entropy>,
}

/// The layer. Inside of it, `x-request-id` and `traceparent` are always there and well-formed.
pub(crate) async fn trace(
    State(tracing): State<Tracing>,
    mut request: Request,
    next: Next,
) -> Response<Body> {
    let id = correlation_id(request.headers(), &*tracing.entropy);
    let trace = trace_context(request.headers(), &*tracing.entropy);
    let identity = [(X_REQUEST_ID, id.to_string()), (TRACEPARENT, trace.to_string())];
    let identity =
        identity.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(&value)));
    for (name, value) in &identity {
        if let Ok(value) = value {
            request.headers_mut().insert(name, value.clone());
        }
    }
    let span = request_span(&id, &trace);
    async move {
        let started = Instant::now();
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let endpoint = request
            .extensions()
            .get::<MatchedPath>()
            .map(|path| path.as_str().to_owned());
        let endpoint = endpoint
            .filter(|path| !path.contains("{*"))
            .unwrap_or_else(|| grpc_method(&tracing, &path));
        let mut response = next.run(request).await;
        let seconds = started.elapsed().as_secs_f64();
        let status = outcome(tracing.surface, &response);
        metrics::answered(tracing.surface, &endpoint, &status, seconds);
        tracing::info!(%method, path, status, seconds, "request");
        for (name, value) in identity {
            if let Ok(value) = value {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
    .instrument(span)
    .await
}

/// The correlation id of a request that has been through [`trace`].
pub(crate) fn correlation_id(headers: &HeaderMap, entropy: &dyn Entropy) -> CorrelationId {
    let sent = headers.get(X_REQUEST_ID).and_then(|id| id.to_str().ok());
    CorrelationId::of(sent, || random_bytes(entropy))
}

fn trace_context(headers: &HeaderMap, entropy: &dyn Entropy) -> TraceParent {
    // More than one is as good as none (Trace Context §3.2).
    let mut sent = headers.get_all(TRACEPARENT).iter();
    let one = sent.next().filter(|_| sent.next().is_none());
    match one
        .and_then(|value| value.to_str().ok())
        .and_then(TraceParent::parse)
    {
        Some(parent) => parent.child(random_bytes(entropy)),
        None => TraceParent::generate(random_bytes(entropy)),
    }
}

/// The label for what no route of ours names: a gRPC method that we serve, or one word for all the rest, since labels
/// made from what strangers ask for would have no bound.
fn grpc_method(tracing: &Tracing, path: &str) -> String {
    match tracing.surface {
        Surface::Grpc if crate::grpc::is_served(path) => path.to_owned(),
        Surface::Grpc | Surface::Http => "unknown".to_owned(),
    }
}

/// The HTTP status, or the gRPC one; a gRPC answer that has none in its headers is under way, so it started well.
fn outcome(surface: Surface, response: &Response<Body>) -> String {
    let grpc_status = response
        .headers()
        .get("grpc-status")
        .and_then(|status| status.to_str().ok());
    match (surface, grpc_status) {
        (Surface::Grpc, Some(status)) => status.to_owned(),
        (Surface::Grpc, None) if response.status().is_success() => "0".to_owned(),
        _ => response.status().as_u16().to_string(),
    }
}
