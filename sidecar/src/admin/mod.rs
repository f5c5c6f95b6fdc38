//! What operators and Prometheus ask, on a listener of its own: /healthz, /readyz, /metrics, /snapshot, /config,
//! /decisions, /candidate. Reads only; it shows no secret, and nothing it does reaches a check.

mod candidate;
mod decisions;
mod gauges;
mod hosts;
mod snapshot;

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use futures_util::StreamExt;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use metrics_exporter_prometheus::PrometheusHandle;
use postern_decide::Caches;
use postern_telemetry::{Code, CorrelationId, Error, Problem, X_REQUEST_ID};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::candidate::Candidates;
use crate::connections::connections;
use crate::listen::Bound;
use crate::published::Published;
use crate::random::Randomness;
use crate::report::Reporter;
use crate::status::Status;

pub(crate) use hosts::Hosts;

/// A probe, a scraper, an operator: beyond this many, connections wait.
const MAX_CONNECTIONS: usize = 64;
/// How long a request's headers may take, and how long a connection may idle.
const HEADER_DEADLINE: Duration = Duration::from_secs(10);

/// What the endpoints read from.
#[derive(Clone)]
pub(crate) struct Admin {
    pub(crate) status: Arc<Status>,
    pub(crate) caches: Arc<Caches>,
    pub(crate) published: Arc<Published>,
    pub(crate) randomness: Arc<Randomness>,
    pub(crate) metrics: PrometheusHandle,
    pub(crate) reporter: Arc<Reporter>,
    pub(crate) candidates: Arc<Candidates>,
    /// The names that it is asked by.
    pub(crate) hosts: Hosts,
}

/// Serves until `stop`, then lets answers under way end.
///
/// # Errors
/// When the listener fails.
pub(crate) async fn serve(bound: Bound, admin: Admin, stop: CancellationToken) -> io::Result<()> {
    serve_router(bound, HttpVersions::Http1, router(admin), stop).await
}

/// What is spoken there, without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HttpVersions {
    /// HTTP/1.1 alone.
    Http1,
    /// HTTP/2, too, for clients who begin with it.
    Both,
}

/// Serves any router in the same way.
///
/// # Errors
/// When the listener fails.
pub(crate) async fn serve_router(
    bound: Bound,
    versions: HttpVersions,
    router: Router,
    stop: CancellationToken,
) -> io::Result<()> {
    let router = router.map_request(|request: Request<Incoming>| request.map(Body::new));
    let http = Builder::new(TokioExecutor::new());
    let mut http = match versions {
        HttpVersions::Http1 => http.http1_only(),
        HttpVersions::Both => http,
    };
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HEADER_DEADLINE);
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_DEADLINE);
    let graceful = GracefulShutdown::new();
    {
        // Dropped before the drain: a socket that nobody accepts from any more isn't to be connected to.
        let mut incoming = pin!(connections(bound, Arc::new(Semaphore::new(MAX_CONNECTIONS)))?);
        while let Some(connection) = tokio::select! {
            () = stop.cancelled() => None,
            next = incoming.next() => next,
        } {
            let service = TowerToHyperService::new(router.clone());
            let served = http
                .serve_connection(TokioIo::new(connection?), service)
                .into_owned();
            let served = graceful.watch(served);
            tokio::spawn(async move {
                if let Err(error) = served.await {
                    tracing::debug!(error, "a connection over HTTP ended");
                }
            });
        }
    }
    graceful.shutdown().await;
    Ok(())
}

fn router(admin: Admin) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/snapshot", get(snapshot))
        .route("/config", get(config))
        .route("/candidate", get(candidate::shown))
        .route("/decisions", get(decisions::newest))
        .route("/decisions/{id}", get(decisions::one))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(admin.hosts.clone(), hosts::checked))
        .layer(from_fn_with_state(admin.clone(), correlated))
        .with_state(admin)
}

async fn readyz(State(admin): State<Admin>) -> Response {
    let reasons = admin.status.read().not_ready();
    if reasons.is_empty() {
        return Json(json!({ "ready": true })).into_response();
    }
    (
        StatusCode::SERVICE_UNAVAILABLE,
        Json(json!({ "ready": false, "not_ready": reasons })),
    )
        .into_response()
}

async fn metrics(State(admin): State<Admin>) -> impl IntoResponse {
    let snapshot = admin.published.load();
    gauges::set(&admin.status.read(), &admin.caches, snapshot.policy.as_deref());
    drop(snapshot);
    gauges::set_candidate(&admin.candidates);
    let mut text = admin.metrics.render();
    // Writing to a string doesn't fail.
    let _ = admin.reporter.metrics.write_histograms(&mut text);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}

async fn snapshot(State(admin): State<Admin>) -> impl IntoResponse {
    Json(snapshot::Shown::of(admin.status.read()))
}

/// The configuration in force, which after a refused change is not what the file says.
async fn config(State(admin): State<Admin>) -> impl IntoResponse {
    Json(Arc::unwrap_or_clone(admin.status.read().config.written))
}

async fn not_found(Extension(correlation_id): Extension<CorrelationId>) -> Response {
    let error = Error::new(
        Code::NotFound,
        "expected /healthz, /readyz, /metrics, /snapshot, /config, /decisions or /candidate",
    );
    Problem::new(&error, &correlation_id).into_response()
}

async fn method_not_allowed(Extension(correlation_id): Extension<CorrelationId>) -> Response {
    let error = Error::new(Code::MethodNotAllowed, "expected GET");
    Problem::new(&error, &correlation_id).into_response()
}

/// Every answer names the request that it answers.
async fn correlated(State(admin): State<Admin>, mut request: Request<Body>, next: Next) -> Response {
    let sent = request
        .headers()
        .get(X_REQUEST_ID)
        .and_then(|value| value.to_str().ok());
    let correlation_id = CorrelationId::of(sent, || admin.randomness.entropy().correlation_id);
    let header = HeaderValue::from_str(correlation_id.as_str());
    request.extensions_mut().insert(correlation_id);
    let mut response = next.run(request).await;
    // A correlation id has no character that a header can't have; the type says so, `HeaderValue` can't know.
    if let Ok(value) = header {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    response
}
