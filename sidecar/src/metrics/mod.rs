//! What Prometheus is told. Handles of the hot path are made once; the rest is set where it changes. Which metrics there
//! are is the catalogue's.

mod catalogue;

use std::time::Duration;

use metrics::{Counter, Histogram, counter, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use postern_telemetry::Code;

pub(crate) use catalogue::{
    BUNDLE_AGE, BUNDLE_PULLS, BUNDLE_REFUSED, CONTROL_PLANE, JWKS_FETCHES, KEYS, KEYS_AGE, READY,
    TOKEN_BYTES, TOKENS,
};
use catalogue::{CHECK_SECONDS, CHECKS, VALIDATIONS};

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
    catalogue::describe();
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
