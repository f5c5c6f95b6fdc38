//! What Prometheus is told. Handles of the hot path are made once; the rest is set where it changes.

use std::time::Duration;

use metrics::{
    Counter, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, histogram,
};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use postern_telemetry::Code;

const CHECKS: &str = "postern_checks_total";
const VALIDATIONS: &str = "postern_token_validations_total";
const CHECK_SECONDS: &str = "postern_check_duration_seconds";
pub(crate) const JWKS_FETCHES: &str = "postern_jwks_fetches_total";
pub(crate) const BUNDLE_PULLS: &str = "postern_bundle_pulls_total";
pub(crate) const KEYS: &str = "postern_keys";
pub(crate) const KEYS_AGE: &str = "postern_keys_age_seconds";
pub(crate) const BUNDLE_AGE: &str = "postern_bundle_age_seconds";
pub(crate) const BUNDLE_REFUSED: &str = "postern_bundle_refused";
pub(crate) const TOKENS: &str = "postern_token_cache_entries";
pub(crate) const TOKEN_BYTES: &str = "postern_token_cache_bytes";
pub(crate) const READY: &str = "postern_ready";
pub(crate) const CONTROL_PLANE: &str = "postern_control_plane_connected";

/// Checks take microseconds where all is well; the upper buckets show where it isn't.
const CHECK_BUCKETS: [f64; 12] = [
    5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 2.5e-2, 1e-1,
];

/// Installs the recorder of this process and describes every metric.
///
/// # Errors
/// When a recorder is installed already.
pub(crate) fn install() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(CHECK_SECONDS.to_owned()), &CHECK_BUCKETS)?
        .install_recorder()?;
    describe_counter!(CHECKS, "Checks decided, by outcome and code");
    describe_counter!(
        VALIDATIONS,
        "Tokens that applications asked about, by outcome and code"
    );
    describe_histogram!(
        CHECK_SECONDS,
        Unit::Seconds,
        "Time from a check's decoded request to its decision"
    );
    describe_counter!(JWKS_FETCHES, "Fetches of an issuer's keys, by outcome");
    describe_counter!(BUNDLE_PULLS, "Pulls of the policy bundle, by outcome");
    describe_gauge!(KEYS, "Keys in force, by issuer");
    describe_gauge!(
        KEYS_AGE,
        Unit::Seconds,
        "Time since an issuer's keys were last confirmed"
    );
    describe_gauge!(
        BUNDLE_AGE,
        Unit::Seconds,
        "Time since the policy in force was activated"
    );
    describe_gauge!(
        BUNDLE_REFUSED,
        "1 while the newest bundle is one that was refused"
    );
    describe_gauge!(TOKENS, "Verified tokens remembered");
    describe_gauge!(
        TOKEN_BYTES,
        Unit::Bytes,
        "About how much memory remembered tokens take"
    );
    describe_gauge!(READY, "1 while this sidecar is ready");
    describe_gauge!(CONTROL_PLANE, "1 while the stream of hints is connected");
    Ok(handle)
}

/// The counters of checks, each made beforehand: a check takes no lock and allocates nothing to be counted.
#[derive(Debug)]
pub(crate) struct CheckMetrics {
    checks: Outcomes,
    validations: Outcomes,
    seconds: Histogram,
}

impl CheckMetrics {
    /// Registers them; the recorder must be installed before.
    pub(crate) fn register() -> Self {
        Self {
            checks: Outcomes::register(CHECKS, "allowed", "denied"),
            validations: Outcomes::register(VALIDATIONS, "valid", "refused"),
            seconds: histogram!(CHECK_SECONDS),
        }
    }

    /// Counts one check; no code means that it was allowed.
    pub(crate) fn count(&self, refused: Option<Code>, took: Duration) {
        self.checks.count(refused);
        self.seconds.record(took.as_secs_f64());
    }

    /// Counts one token that an application asked about; no code means that it is valid.
    pub(crate) fn count_validation(&self, refused: Option<Code>) {
        self.validations.count(refused);
    }
}

/// A counter of what went well, and one for each code that says why something didn't.
#[derive(Debug)]
struct Outcomes {
    well: Counter,
    /// Sorted by code.
    refused: Vec<(Code, Counter)>,
}

impl Outcomes {
    fn register(name: &'static str, well: &'static str, refused: &'static str) -> Self {
        let counter = |code: Code| counter!(name, "outcome" => refused, "code" => code.as_str());
        let mut refused: Vec<_> = Code::ALL.iter().map(|&code| (code, counter(code))).collect();
        refused.sort_unstable_by_key(|(code, _)| *code);
        Self {
            well: counter!(name, "outcome" => well, "code" => "ok"),
            refused,
        }
    }

    fn count(&self, refused: Option<Code>) {
        match refused {
            None => self.well.increment(1),
            Some(code) => {
                if let Ok(at) = self.refused.binary_search_by_key(&code, |(code, _)| *code)
                    && let Some((_, counter)) = self.refused.get(at)
                {
                    counter.increment(1);
                }
            }
        }
    }
}
