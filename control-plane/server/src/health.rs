//! `/healthz` (the process runs), `/readyz` (it can answer) and `/metrics`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use metrics_exporter_prometheus::PrometheusHandle;
use postern_policy_service::{BundleApi, Policies};
use postern_store::Database;
use serde_json::json;

use crate::metrics::{self, Levels};
use crate::sync::SyncGrpc;

/// What the endpoints look at.
#[derive(Clone)]
pub(crate) struct Health {
    pub(crate) database: Database,
    pub(crate) metrics: PrometheusHandle,
    pub(crate) bundles: BundleApi,
    pub(crate) policies: Policies,
    pub(crate) sync: SyncGrpc,
}

pub(crate) async fn healthz() -> impl IntoResponse {
    ([(CACHE_CONTROL, "no-store")], Json(json!({ "status": "ok" })))
}

pub(crate) async fn readyz(State(health): State<Health>) -> impl IntoResponse {
    let (status, body) = match health.database.ping().await {
        Ok(()) => (StatusCode::OK, json!({ "ready": true })),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            let reasons = ["the database does not answer"];
            (
                StatusCode::SERVICE_UNAVAILABLE,
                json!({ "ready": false, "reasons": reasons }),
            )
        }
    };
    (status, [(CACHE_CONTROL, "no-store")], Json(body))
}

pub(crate) async fn prometheus(State(health): State<Health>) -> impl IntoResponse {
    let levels = Levels {
        bundle_requests_held: health.bundles.waiting(),
        sync_watches: health.sync.watching(),
        sync_sequence: health.sync.sequence(),
        bundles: health.policies.catalog().bundles().len(),
    };
    let text = metrics::render(&health.metrics, levels);
    (
        [
            (CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"),
            (CACHE_CONTROL, "no-store"),
        ],
        text,
    )
}
