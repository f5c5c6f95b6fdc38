//! /decisions: the last ones, newest first, and /decisions/{id}: one by its decision id or its request's correlation id.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use postern_telemetry::{Code, CorrelationId, Error, Problem};
use serde::Deserialize;
use serde_json::json;

use super::Admin;

const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 1000;

/// What may be asked of the list.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    limit: Option<usize>,
}

pub(super) async fn newest(State(admin): State<Admin>, Query(asked): Query<Asked>) -> impl IntoResponse {
    let limit = asked.limit.unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT);
    let recent = &admin.reporter.recent;
    Json(json!({ "kept_at_most": recent.capacity(), "decisions": recent.newest(limit) }))
}

pub(super) async fn one(
    State(admin): State<Admin>,
    Path(id): Path<String>,
    Extension(correlation_id): Extension<CorrelationId>,
) -> Response {
    let recent = &admin.reporter.recent;
    if let Some(kept) = recent.find(&id) {
        return Json(kept).into_response();
    }
    let error = Error::new(
        Code::NotFound,
        format!(
            "no such decision among the last {} that this sidecar keeps (`decisions.keep`)",
            recent.capacity()
        ),
    );
    Problem::new(&error, &correlation_id).into_response()
}
