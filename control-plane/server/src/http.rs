//! The HTTP side as one router: the open endpoints, the protected ones behind the gate, and a problem document for
//! everything else.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderMap, HeaderValue, Response};
use axum::middleware::{self, Next};
use axum::routing::get;
use postern_oauth::{JWKS_PATH, METADATA_PATH, TOKEN_PATH};
use postern_store::Entropy;
use postern_telemetry::{Code, Error, Problem};

use crate::credentials::{Gate, Verdict};
use crate::health::{self, Health};
use crate::request::{self, Surface, Tracing, correlation_id};

/// What a stranger may reach, to the letter. Everything else needs a credential, also what doesn't exist.
const OPEN: [&str; 5] = [TOKEN_PATH, JWKS_PATH, METADATA_PATH, "/healthz", "/readyz"];
/// What a sidecar's credential opens.
const BUNDLES: &str = "/bundles/";

const DEADLINE: Duration = Duration::from_secs(30);
/// Longer than the longest long poll.
const LONG_POLL_DEADLINE: Duration = Duration::from_secs(330);

#[derive(Clone)]
struct Guard {
    gate: Gate,
    entropy: Arc<dyn Entropy>,
}

/// The router of the whole HTTP side.
pub(crate) fn router(oauth: Router, health: Health, gate: Gate, entropy: &Arc<dyn Entropy>) -> Router {
    let guard = Guard {
        gate,
        entropy: Arc::clone(entropy),
    };
    let tracing = Tracing {
        surface: Surface::Http,
        entropy: Arc::clone(entropy),
    };
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::prometheus))
        .with_state(health.clone())
        .merge(oauth.with_state(()))
        .merge(postern_policy_service::router(health.bundles).with_state(()))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(guard.clone())
        .layer(middleware::from_fn_with_state(guard.clone(), deadline))
        .layer(middleware::from_fn_with_state(guard, protect))
        .layer(middleware::from_fn_with_state(tracing, request::trace))
}

impl Guard {
    fn problem(&self, headers: &HeaderMap, error: &Error) -> Response<Body> {
        Problem::new(error, &correlation_id(headers, &*self.entropy)).into_response()
    }
}

async fn protect(State(guard): State<Guard>, request: Request, next: Next) -> Response<Body> {
    let path = request.uri().path();
    if OPEN.contains(&path) {
        return next.run(request).await;
    }
    match guard.gate.judge(request.headers(), path.starts_with(BUNDLES)) {
        Verdict::Pass => next.run(request).await,
        Verdict::Stranger => {
            let error = Error::new(
                Code::Unauthenticated,
                "Send Authorization: Bearer with a credential of the control plane's data folder.",
            );
            let mut response = guard.problem(request.headers(), &error);
            let challenge = HeaderValue::from_static("Bearer realm=\"postern-control-plane\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            response
        }
        Verdict::WrongRole => {
            let error = Error::new(
                Code::AccessDenied,
                "A sidecar's credential opens only /bundles/ here.",
            );
            guard.problem(request.headers(), &error)
        }
    }
}

async fn deadline(State(guard): State<Guard>, request: Request, next: Next) -> Response<Body> {
    let headers = request.headers().clone();
    let long = request.uri().path().starts_with(BUNDLES);
    let deadline = if long { LONG_POLL_DEADLINE } else { DEADLINE };
    match tokio::time::timeout(deadline, next.run(request)).await {
        Ok(response) => response,
        Err(_) => guard.problem(&headers, &Error::new(Code::Timeout, Code::Timeout.meaning())),
    }
}

async fn not_found(State(guard): State<Guard>, headers: HeaderMap) -> Response<Body> {
    guard.problem(
        &headers,
        &Error::new(Code::NotFound, "There is nothing under this path."),
    )
}

async fn method_not_allowed(State(guard): State<Guard>, headers: HeaderMap) -> Response<Body> {
    guard.problem(
        &headers,
        &Error::new(Code::MethodNotAllowed, "This path has other methods; see Allow."),
    )
}
