//! What is counted of bundles, each time that the status is told (OPA's `updatePrometheusMetrics`): so they grow with each
//! status, not with each load, and dashboards know it.

use std::collections::BTreeMap;

use super::families::{Family, Kind, Sample};
use super::histogram::Histogram;
use super::shown::Shown;

/// Failures that are told apart; what comes beyond is counted as the last of them that has its name.
const MAX_FAILURES: usize = 256;

/// The stages that are measured.
const STAGES: [&str; 5] = [
    "timer_bundle_request_ns",
    "timer_rego_data_parse_ns",
    "timer_rego_load_bundles_ns",
    "timer_rego_module_compile_ns",
    "timer_rego_module_parse_ns",
];

/// The counts.
#[derive(Debug)]
pub(super) struct BundleMetrics {
    buckets: Vec<f64>,
    loaded: BTreeMap<String, u64>,
    /// By name, code and message.
    failed: BTreeMap<[String; 3], u64>,
    /// By name and stage.
    stages: BTreeMap<(String, &'static str), Histogram>,
}

impl BundleMetrics {
    /// With these buckets, in nanoseconds; OPA's where there are none.
    pub(super) fn new(buckets: Option<Vec<f64>>) -> Self {
        Self {
            buckets: or_usual(buckets),
            loaded: BTreeMap::new(),
            failed: BTreeMap::new(),
            stages: BTreeMap::new(),
        }
    }

    /// Measures in these buckets. What was measured in others is forgotten.
    pub(super) fn measure_in(&mut self, buckets: Option<Vec<f64>>) {
        let buckets = or_usual(buckets);
        if self.buckets != buckets {
            self.buckets = buckets;
            self.stages.clear();
        }
    }

    /// Counts the bundles of a status that is told.
    #[expect(clippy::cast_precision_loss, reason = "Prometheus has doubles")]
    pub(super) fn told(&mut self, shown: &Shown) {
        for bundle in shown.told_bundles().values() {
            let count = if bundle.code.is_empty() && bundle.last_successful_activation.is_some() {
                self.loaded.entry(bundle.name.clone()).or_default()
            } else {
                let mut key = [bundle.name.clone(), bundle.code.clone(), bundle.message.clone()];
                if self.failed.len() >= MAX_FAILURES && !self.failed.contains_key(&key) {
                    key = [bundle.name.clone(), bundle.code.clone(), "others".to_owned()];
                }
                self.failed.entry(key).or_default()
            };
            *count = count.saturating_add(1);
            for stage in STAGES {
                if let Some(ns) = bundle.metrics.get(stage) {
                    self.stages
                        .entry((bundle.name.clone(), stage))
                        .or_insert_with(|| Histogram::new(&self.buckets))
                        .record(*ns as f64);
                }
            }
        }
    }

    /// The metrics.
    #[expect(clippy::cast_precision_loss, reason = "Prometheus has doubles")]
    pub(super) fn families(&self) -> [Family; 3] {
        let loaded = self.loaded.iter();
        let loaded = loaded.map(|(name, count)| Sample::number([("name", name)], *count as f64));
        let failed = self.failed.iter().map(|([name, code, message], count)| {
            let labels = [("code", code.as_str()), ("message", message), ("name", name)];
            Sample::number(labels, *count as f64)
        });
        let stages = self.stages.iter().map(|((name, stage), histogram)| Sample {
            labels: vec![("name", name.clone()), ("stage", (*stage).to_owned())],
            reading: histogram.read(),
        });
        [
            Family::new(
                "bundle_loaded_counter",
                "Counter for the bundle loaded.",
                Kind::Counter,
                loaded.collect(),
            ),
            Family::new(
                "bundle_failed_load_counter",
                "Counter for the failed bundle load.",
                Kind::Counter,
                failed.collect(),
            ),
            Family::new(
                "bundle_loading_duration_ns",
                "Histogram for the bundle loading duration by stage.",
                Kind::Histogram,
                stages.collect(),
            ),
        ]
    }
}

fn or_usual(buckets: Option<Vec<f64>>) -> Vec<f64> {
    buckets.unwrap_or_else(|| (0..20).map(|power| 1000.0 * f64::from(1 << power)).collect())
}
