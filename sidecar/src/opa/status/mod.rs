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
pub(crate) use shown::{BundleStatus, LogStatus, PluginState, Shown};

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

    /// What there is to tell now.
    pub(crate) fn shown(&self) -> Shown {
        self.shown.borrow().clone()
    }

    /// A plugin (`bundle`, `decision_logs`, `discovery`, `envoy_ext_authz_grpc`, `status`) has come into this state.
    pub(crate) fn plugin(&self, name: &str, state: PluginState) {
        self.shown.send_modify(|shown| {
            shown.plugins.insert(name.to_owned(), state);
            shown.was_ready |= shown.plugins.values().all(|state| *state == PluginState::Ok);
        });
    }

    /// A bundle was asked for, loaded or refused.
    pub(crate) fn bundle(&self, name: &str, change: impl FnOnce(&mut BundleStatus)) {
        self.shown.send_modify(|shown| {
            let status = shown
                .bundles
                .entry(name.to_owned())
                .or_insert_with(|| BundleStatus {
                    name: name.to_owned(),
                    ..BundleStatus::default()
                });
            change(status);
        });
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
