//! `GET /bundles/{name}`: OPA's bundle API (<https://www.openpolicyagent.org/docs/management-bundles>), so that a
//! sidecar of ours and a plain OPA pull from here alike. With `Prefer: wait=N` and the current tag in `If-None-Match`,
//! the request is held until the bundle changes or N seconds have passed.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, VARY};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use axum::routing::get;
use postern_store::{Entropy, random_bytes};
use postern_telemetry::{Code, CorrelationId, Error, Problem, X_REQUEST_ID, if_none_match};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::model::Published;
use crate::service::Policies;
use postern_policy::BundleName;

mod prefer;

use prefer::wait;

/// Held requests at the same time; a further one is told to come back later.
const MAX_WAITERS: usize = 4_096;
/// What says that long polling works here (OPA stops asking for it otherwise).
const LONG_POLL_TYPE: &str = "application/vnd.openpolicyagent.bundles";
const ARCHIVE_TYPE: &str = "application/gzip";

/// The bundle API; clones share it.
#[derive(Clone)]
pub struct BundleApi {
    policies: Policies,
    waiters: Arc<Semaphore>,
    closing: CancellationToken,
    entropy: Arc<dyn Entropy>,
}

impl BundleApi {
    /// The API of `policies`. When `closing` is cancelled, held requests are answered at once. `entropy` makes
    /// correlation ids for callers that sent none.
    pub fn new(policies: Policies, closing: CancellationToken, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            policies,
            waiters: Arc::new(Semaphore::new(MAX_WAITERS)),
            closing,
            entropy,
        }
    }

    /// How many requests are held at the moment.
    pub fn waiting(&self) -> usize {
        MAX_WAITERS.saturating_sub(self.waiters.available_permits())
    }

    fn problem(&self, headers: &HeaderMap, error: &Error) -> Response<Body> {
        let sent = headers.get(X_REQUEST_ID).and_then(|id| id.to_str().ok());
        let id = CorrelationId::of(sent, || random_bytes(&*self.entropy));
        Problem::new(error, &id).into_response()
    }

    /// Waits until the bundle is another than `etag`, or for as long as the caller would wait.
    async fn hold(&self, name: &BundleName, etag: &str, wait: Duration) {
        let mut changes = self.policies.watch();
        tokio::select! {
            _ = changes.wait_for(|catalog| catalog.etag(name) != Some(etag)) => {}
            () = tokio::time::sleep(wait) => {}
            () = self.closing.cancelled() => {}
        }
    }
}

/// The routes of the API.
pub fn router(api: BundleApi) -> Router {
    Router::new()
        .route("/bundles/{name}", get(bundle))
        .with_state(api)
}

async fn bundle(
    State(api): State<BundleApi>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response<Body> {
    let not_found = || {
        api.problem(
            &headers,
            &Error::new(Code::NotFound, "There is no bundle of that name."),
        )
    };
    let Some(name) = BundleName::parse(&name) else {
        return not_found();
    };
    let Some(etag) = api.policies.catalog().etag(&name).map(str::to_owned) else {
        return not_found();
    };
    let wait = wait(&headers);
    if let Some(wait) = wait
        && if_none_match(&headers, &etag)
    {
        let Ok(_held) = api.waiters.try_acquire() else {
            return api.problem(
                &headers,
                &Error::new(Code::Unavailable, "Too many requests are held already."),
            );
        };
        api.hold(&name, &etag, wait).await;
    }
    match api.policies.catalog().bundle(&name) {
        Some(published) => answer(published, &headers, wait.is_some()),
        None => not_found(),
    }
}

/// The bundle, or 304 for whoever has it.
fn answer(published: &Published, headers: &HeaderMap, long_poll: bool) -> Response<Body> {
    let current = if_none_match(headers, &published.etag);
    let mut response = if current {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        Response::new(Body::from(published.archive.clone()))
    };
    let headers = response.headers_mut();
    if let Ok(etag) = HeaderValue::from_str(&format!("\"{}\"", published.etag)) {
        headers.insert(ETAG, etag);
    }
    let media_type = if long_poll { LONG_POLL_TYPE } else { ARCHIVE_TYPE };
    // On a 304 too: it tells OPA that it may go on holding.
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(VARY, HeaderValue::from_static("prefer"));
    response
}

#[cfg(test)]
mod tests;
