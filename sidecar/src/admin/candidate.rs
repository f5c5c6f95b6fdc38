//! /candidate: the policy that is put beside the one in force, how often it was compared, and the last differences, newest
//! first.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Query, State};
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::json;

use super::Admin;

const DEFAULT_LIMIT: usize = 20;

/// What may be asked of the list.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    limit: Option<usize>,
}

pub(super) async fn shown(State(admin): State<Admin>, Query(asked): Query<Asked>) -> impl IntoResponse {
    let candidates = &admin.candidates;
    let compared: BTreeMap<_, _> = candidates.compared().collect();
    let (kept_at_most, differences) = {
        let differences = candidates.differences();
        let newest = differences.newest(asked.limit.unwrap_or(DEFAULT_LIMIT));
        (differences.capacity(), newest)
    };
    Json(json!({
        "bundle": admin.status.read().candidate,
        "sample_per_million": candidates.sample_per_million(),
        "compared": compared,
        "dropped": candidates.dropped(),
        "kept_at_most": kept_at_most,
        "differences": differences.iter().map(AsRef::as_ref).collect::<Vec<_>>(),
    }))
}
