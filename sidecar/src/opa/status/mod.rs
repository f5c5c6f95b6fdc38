//! How this process does, as OPA tells it: the status API, `/v1/status`, and the metrics that dashboards of OPA and of
//! opa-envoy-plugin look at.
//!
//! | file | job |
//! |---|---|
//! | `shown` | what there is to tell, as the status API has it |
//! | `families`, `number` | metrics as text for Prometheus, and as JSON in the status |
//! | `histogram` | how often something was how large, in buckets of the configuration's choice |
//! | `plugin` | the plugin's own metrics, of each check |
//! | `bundles` | those of bundles |
//! | `collect` | all of them, read off what there is |
//! | `reporter` | sends the status wherever the configuration says, each time it changes |

mod bundles;
mod collect;
mod families;
mod histogram;
mod number;
mod plugin;
mod reporter;
mod shown;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value as Json;
use tokio::sync::watch;

use bundles::BundleMetrics;

pub(crate) use collect::{Collector, StatusMetrics};
pub(crate) use plugin::PluginMetrics;
pub(crate) use reporter::{StatusPlan, report};
pub(crate) use shown::{BundleError, BundleStatus, LogStatus, PluginState, Shown};

/// What there is to tell, shared by those who know and those who ask.
#[derive(Debug)]
pub(crate) struct OpaStatus {
    shown: watch::Sender<Shown>,
    bundles: Mutex<BundleMetrics>,
}

impl OpaStatus {
    /// Nothing has happened yet. `labels` are the configuration's, with `id` and `version`; `buckets` those of
    /// `bundle_loading_duration_ns`, OPA's where there are none.
    pub(crate) fn new(labels: BTreeMap<String, String>, buckets: Option<Vec<f64>>) -> Self {
        Self {
            shown: watch::Sender::new(Shown {
                labels,
                ..Shown::default()
            }),
            bundles: Mutex::new(BundleMetrics::new(buckets)),
        }
    }

    /// The labels are these from now on.
    pub(crate) fn relabel(&self, labels: BTreeMap<String, String>) {
        self.shown.send_if_modified(|shown| {
            let is_other = shown.labels != labels;
            shown.labels = labels;
            is_other
        });
    }

    /// How long bundles take to load is counted in these buckets from now on.
    pub(crate) fn measure_bundles_in(&self, buckets: Option<Vec<f64>>) {
        self.counted(|bundles| bundles.measure_in(buckets));
    }

    /// What there is to tell now.
    pub(crate) fn shown(&self) -> Shown {
        self.shown.borrow().clone()
    }

    /// A plugin (`bundle`, `decision_logs`, `discovery`, `envoy_ext_authz_grpc`, `status`) has come into this state.
    pub(crate) fn plugin(&self, name: &str, state: PluginState) {
        self.shown.send_modify(|shown| {
            shown.plugins.insert(name.to_owned(), state);
        });
    }

    /// Whether all plugins were `OK` at once when anybody asked, now or before (OPA's `allPluginsOkOnce`).
    pub(crate) fn was_ready(&self) -> bool {
        self.shown.send_if_modified(|shown| {
            shown.was_ready |= shown.plugins.values().all(|state| *state == PluginState::Ok);
            // Nothing that a status tells.
            false
        });
        self.shown.borrow().was_ready
    }

    /// Waits until all plugins are `OK` at once.
    pub(crate) async fn ready(&self) {
        let mut shown = self.shown.subscribe();
        // The sender is this one's own.
        let _ = shown
            .wait_for(|shown| shown.plugins.values().all(|state| *state == PluginState::Ok))
            .await;
    }

    /// The plugins that aren't `OK`.
    pub(crate) fn not_ready(&self) -> Vec<String> {
        let shown = self.shown.borrow();
        let waiting = shown
            .plugins
            .iter()
            .filter(|(_, state)| **state != PluginState::Ok);
        waiting.map(|(name, _)| name.clone()).collect()
    }

    /// The state of a plugin, if there is such a one.
    pub(crate) fn plugin_state(&self, name: &str) -> Option<PluginState> {
        self.shown.borrow().plugins.get(name).copied()
    }

    /// These bundles are configured, and nothing is known of them yet.
    pub(crate) fn expect_bundles<'n>(&self, names: impl Iterator<Item = &'n String>) {
        self.shown.send_modify(|shown| {
            for name in names {
                let status = BundleStatus::named(name);
                shown.bundles.entry(name.clone()).or_insert(status);
            }
        });
    }

    /// How a bundle does.
    pub(crate) fn bundle_status(&self, name: &str) -> BundleStatus {
        let shown = self.shown.borrow();
        let there = shown.bundles.get(name).cloned();
        there.unwrap_or_else(|| BundleStatus::named(name))
    }

    /// A bundle was asked for, loaded or refused.
    pub(crate) fn bundle(&self, name: &str, change: impl FnOnce(&mut BundleStatus)) {
        self.shown.send_modify(|shown| {
            shown.has_asked = true;
            shown.change_bundle(name, change);
        });
    }

    /// A bundle was found on disk, before any was asked for: OPA tells of it once one was.
    pub(crate) fn loaded_from_disk(&self, name: &str, change: impl FnOnce(&mut BundleStatus)) {
        self.shown.send_modify(|shown| shown.change_bundle(name, change));
    }

    /// Whether all bundles that are configured are in force.
    pub(crate) fn all_bundles_are_active(&self) -> bool {
        self.shown.borrow().bundles.values().all(BundleStatus::is_active)
    }

    /// Discovery was asked for, loaded or refused.
    pub(crate) fn discovery(&self, status: BundleStatus) {
        self.shown.send_modify(|shown| shown.discovery = Some(status));
    }

    /// An upload of the decision log has ended.
    pub(crate) fn logs_uploaded(&self, status: LogStatus) {
        self.shown.send_modify(|shown| shown.decision_logs = Some(status));
    }

    fn counted<T>(&self, act: impl FnOnce(&mut BundleMetrics) -> T) -> T {
        act(&mut self.bundles.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The status API's message: what there is, with these metrics.
    pub(crate) fn update(&self, metrics: Json) -> Json {
        self.shown.borrow().to_json(metrics)
    }
}
