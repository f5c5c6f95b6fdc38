//! opa-envoy-plugin's own metrics, where its `enable-performance-metrics` asks for them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use postern_decide::opa_envoy::Verdict;

use super::families::{Family, Kind, Sample};
use super::histogram::Histogram;

/// What is counted of checks.
#[derive(Debug)]
pub(crate) struct PluginMetrics {
    duration: Histogram,
    /// By the reason, of which there are a few.
    errors: Mutex<BTreeMap<String, u64>>,
}

impl PluginMetrics {
    /// With these buckets, in seconds.
    pub(crate) fn new(buckets: &[f64]) -> Self {
        Self {
            duration: Histogram::new(buckets),
            errors: Mutex::default(),
        }
    }

    /// Counts a check that took so long. Those that fail have a reason and no duration.
    pub(crate) fn checked(&self, verdict: &Verdict, took: Duration) {
        match &verdict.failure {
            None => self.duration.record(took.as_secs_f64()),
            Some(failure) => {
                let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
                let count = errors.entry(failure.reason.clone().into_owned()).or_default();
                *count = count.saturating_add(1);
            }
        }
    }

    /// Both metrics.
    #[expect(clippy::cast_precision_loss, reason = "Prometheus has doubles")]
    pub(super) fn families(&self) -> [Family; 2] {
        let errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        let errors = errors
            .iter()
            .map(|(reason, count)| Sample::number([("reason", reason)], *count as f64));
        let duration = Sample {
            labels: vec![("handler", "check".to_owned())],
            reading: self.duration.read(),
        };
        let is_empty = matches!(
            duration.reading,
            super::families::Reading::Histogram { count: 0, .. }
        );
        [
            Family::new(
                "error_counter",
                "A counter for errors",
                Kind::Counter,
                errors.collect(),
            ),
            Family::new(
                "grpc_request_duration_seconds",
                "A histogram of duration for grpc authz requests.",
                Kind::Histogram,
                Some(duration).filter(|_| !is_empty).into_iter().collect(),
            ),
        ]
    }
}
