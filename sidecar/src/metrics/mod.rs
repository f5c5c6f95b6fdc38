//! What Prometheus is told. Handles of the hot path are made once; the rest is set where it changes. Which metrics there
//! are is the catalogue's.

mod catalogue;
mod checks;
mod histogram;

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

pub(crate) use catalogue::{
    API_KEYS, BREAKER_STATE, BREAKER_TRANSITIONS, BUNDLE_AGE, BUNDLE_PULLS, BUNDLE_REFUSED, BUNDLE_SEQUENCE,
    CANDIDATE_COMPARED, CANDIDATE_DROPPED, CONFIG_REFUSED, CONFIG_RELOADS, CONTROL_PLANE, DECISION_BYTES,
    DECISIONS, DPOP_PROOFS, INTROSPECTIONS, JWKS_FETCHES, KEYS, KEYS_AGE, OUTGOING_REFUSED,
    POLICY_TOKEN_BYTES, POLICY_TOKEN_HITS, POLICY_TOKEN_MISSES, POLICY_TOKENS, READY, REVOCATIONS,
    REVOCATIONS_AGE, SYNC_MESSAGES, TOKEN_BYTES, TOKEN_EVICTIONS, TOKENS,
};
pub(crate) use checks::CheckMetrics;

/// Installs the recorder of this process and describes every metric.
///
/// # Errors
/// When a recorder is installed already.
pub(crate) fn install() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new().install_recorder()?;
    catalogue::describe();
    Ok(handle)
}
