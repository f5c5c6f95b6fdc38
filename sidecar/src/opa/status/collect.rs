//! All metrics that OPA and the plugin have, read off what there is, for `/metrics` and the status.

use std::fmt::{self, Write};
use std::sync::Arc;

use postern_policy::OPA_VERSION;
use serde_json::{Value as Json, json};

use super::families::{Family, Kind, Sample, to_json, write_text};
use super::shown::{BundleStatus, Shown, gauge_ns};
use super::{OpaStatus, PluginMetrics};
use crate::opa::log::{BufferType, Counter, DecisionLogs};

/// Whether OPA's own metrics are wanted: `status.prometheus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatusMetrics {
    /// They are.
    On,
    /// They aren't: the plugin's own are all.
    Off,
}

/// Where metrics are read from.
#[derive(Debug, Clone)]
pub(crate) struct Collector {
    pub(crate) status: Arc<OpaStatus>,
    pub(crate) status_metrics: StatusMetrics,
    /// Where `enable-performance-metrics` asks for them.
    pub(crate) plugin: Option<Arc<PluginMetrics>>,
    pub(crate) logs: Option<Arc<DecisionLogs>>,
}

impl Collector {
    /// Writes them in Prometheus' text format.
    ///
    /// # Errors
    /// Those of `out`.
    pub(crate) fn write_text(&self, out: &mut impl Write) -> fmt::Result {
        write_text(out, &self.families())
    }

    /// The same as the member `metrics` of the status.
    pub(crate) fn to_json(&self) -> Json {
        let mut told = to_json(&self.families());
        for (counter, count) in self.counts() {
            told.insert(format!("counter_{}", counter.name()), json!(count));
        }
        json!({ "prometheus": told })
    }

    /// Notes that a status is told.
    pub(super) fn told(&self) {
        if self.status_metrics == StatusMetrics::On {
            let shown = self.status.shown();
            self.status.counted(|bundles| bundles.told(&shown));
        }
    }

    /// The counters of the decision log that have counted anything.
    fn counts(&self) -> impl Iterator<Item = (Counter, u64)> {
        let logs = self.logs.as_deref();
        let count = move |counter| Some((counter, logs?.counters().of(counter)));
        Counter::ALL
            .into_iter()
            .filter_map(count)
            .filter(|(_, count)| *count > 0)
    }

    fn families(&self) -> Vec<Family> {
        let mut all = Vec::new();
        if let Some(plugin) = &self.plugin {
            all.extend(plugin.families());
        }
        if self.status_metrics == StatusMetrics::On {
            all.extend(self.status.counted(|bundles| bundles.families()));
            all.extend(of_status(&self.status.shown()));
            self.of_logs(&mut all);
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    #[expect(clippy::cast_precision_loss, reason = "Prometheus has doubles")]
    fn of_logs(&self, all: &mut Vec<Family>) {
        for (counter, count) in self.counts() {
            let help = format!("Counter for the decision logs metric {}.", counter.name());
            let name = format!("{}_total", counter.name());
            let samples = vec![Sample::number([], count as f64)];
            all.push(Family::new(&name, &help, Kind::Counter, samples));
        }
        let (name, help, size) = match self.logs.as_ref().and_then(|logs| logs.waiting()) {
            None => return,
            Some((BufferType::Size, bytes)) => (
                "decision_logs_buffer_size_bytes",
                "Number of bytes waiting in the decision log size buffer.",
                bytes,
            ),
            Some((BufferType::Event, events)) => (
                "decision_logs_buffer_size_events",
                "Number of items waiting in the decision log event buffer.",
                events,
            ),
        };
        let samples = vec![Sample::number([], size as f64)];
        all.push(Family::new(name, help, Kind::Gauge, samples));
    }
}

fn of_status(shown: &Shown) -> Vec<Family> {
    let gauge = |name: &str, help: &str, samples| Family::new(name, help, Kind::Gauge, samples);
    let plugins = shown
        .plugins
        .iter()
        .map(|(name, state)| Sample::number([("name", name), ("status", state.as_str())], 1.0));
    let logs = shown.decision_logs.iter().map(|logs| {
        let http_code = logs.http_code.map(|code| code.to_string()).unwrap_or_default();
        let labels = [("code", logs.code.unwrap_or_default()), ("http_code", &http_code)];
        Sample::number(labels, 1.0)
    });
    let activation = shown.told_bundles().values().map(|bundle| {
        let labels = [
            ("active_revision", bundle.active_revision.as_str()),
            ("name", &bundle.name),
        ];
        Sample::number(labels, gauge_ns(bundle.last_successful_activation))
    });
    let bundles = |at: fn(&BundleStatus) -> Option<i64>| {
        let sample =
            |bundle: &BundleStatus| Sample::number([("name", bundle.name.as_str())], gauge_ns(at(bundle)));
        shown.told_bundles().values().map(sample).collect::<Vec<_>>()
    };
    vec![
        gauge(
            "opa_info",
            "Information about the OPA environment.",
            vec![Sample::number([("version", OPA_VERSION)], 1.0)],
        ),
        gauge(
            "plugin_status_gauge",
            "Gauge for the plugin by status.",
            plugins.collect(),
        ),
        gauge(
            "decision_logs_status_gauge",
            "Gauge for the last decision log upload by status.",
            logs.collect(),
        ),
        gauge(
            "last_success_bundle_activation",
            "Gauge for the last success bundle activation.",
            activation.collect(),
        ),
        gauge(
            "last_success_bundle_download",
            "Gauge for the last success bundle download.",
            bundles(|bundle| bundle.last_successful_download),
        ),
        gauge(
            "last_success_bundle_request",
            "Gauge for the last success bundle request.",
            bundles(|bundle| bundle.last_successful_request),
        ),
        gauge(
            "last_bundle_request",
            "Gauge for the last bundle request.",
            bundles(|bundle| bundle.last_request),
        ),
    ]
}
