//! What Prometheus is told. Handles of the hot path are made once; the rest is set where it changes. Which metrics there
//! are is the catalogue's.

mod catalogue;
mod checks;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

pub(crate) use catalogue::{
    API_KEYS, BREAKER_STATE, BREAKER_TRANSITIONS, BUNDLE_AGE, BUNDLE_PULLS, BUNDLE_REFUSED, CONFIG_REFUSED,
    CONFIG_RELOADS, CONTROL_PLANE, DPOP_PROOFS, INTROSPECTIONS, JWKS_FETCHES, KEYS, KEYS_AGE,
    OUTGOING_REFUSED, READY, REVOCATIONS, REVOCATIONS_AGE, SYNC_MESSAGES, TOKEN_BYTES, TOKEN_EVICTIONS,
    TOKENS,
};
use catalogue::{CHECK_SECONDS, STAGE_SECONDS};
pub(crate) use checks::CheckMetrics;

/// Checks take microseconds where all is well; the upper buckets show where it isn't.
const CHECK_BUCKETS: [f64; 12] = [
    5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 2.5e-2, 1e-1,
];

/// A stage takes from some nanoseconds to a verified signature.
const STAGE_BUCKETS: [f64; 9] = [2e-7, 5e-7, 1e-6, 2e-6, 5e-6, 1e-5, 5e-5, 2e-4, 1e-3];

/// Installs the recorder of this process and describes every metric.
///
/// # Errors
/// When a recorder is installed already.
pub(crate) fn install() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(CHECK_SECONDS.to_owned()), &CHECK_BUCKETS)?
        .set_buckets_for_metric(Matcher::Full(STAGE_SECONDS.to_owned()), &STAGE_BUCKETS)?
        .install_recorder()?;
    catalogue::describe();
    Ok(handle)
}
