//! All that tells of what this process does, started and ended in one place: the decision log, the status, OPA's metrics and
//! HTTP API.
//!
//! Whoever runs the process starts it on the runtime of sync and admin ([`Telling::start`]), hands [`Telling::observer`] to the
//! checks, tells [`Telling::status`] of bundles and plugins as they come and go, serves [`Telling::api`] on OPA's two ports, and
//! calls [`Telling::end`] once the last check is answered.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::api::Api;
use super::log::{DecisionLogs, LogPlan, LogSettings};
use super::observer::Observer;
use super::service::Service;
use super::status::{Collector, OpaStatus, PluginMetrics, PluginState, StatusMetrics, StatusPlan, report};
use crate::published::Published;
use crate::random::Randomness;

/// What it is started with.
pub(crate) struct TellingPlan {
    /// `labels`, with `id` and `version`.
    pub(crate) labels: BTreeMap<String, String>,
    /// What is asked, as the plugin's configuration spells it: one of both, the other empty.
    pub(crate) path: String,
    pub(crate) query: String,
    /// `decision_logs`, and the service that it names.
    pub(crate) logs: Option<(LogSettings, Option<Arc<dyn Service>>)>,
    /// `status`.
    pub(crate) status: Option<StatusSettings>,
    /// With `enable-performance-metrics`: the buckets of `grpc_request_duration_seconds`.
    pub(crate) duration_buckets: Option<Vec<f64>>,
    /// OPA's configuration with its defaults, as `/v1/config` has it but for credentials, which are taken out there.
    pub(crate) config: Json,
    pub(crate) published: Arc<Published>,
    pub(crate) randomness: Arc<Randomness>,
    /// This process's own metrics, in Prometheus' text format.
    pub(crate) own_metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

/// `status` of OPA's configuration.
#[derive(Debug, Clone)]
pub(crate) struct StatusSettings {
    /// `console`.
    pub(crate) console: bool,
    /// `prometheus`.
    pub(crate) prometheus: bool,
    /// The buckets of `bundle_loading_duration_ns`, where they are configured.
    pub(crate) buckets: Option<Vec<f64>>,
    /// The service that it names.
    pub(crate) service: Option<Arc<dyn Service>>,
    /// `/status`, or `/status/<partition_name>`.
    pub(crate) resource: String,
}

impl StatusSettings {
    /// What the configuration says, and the service that it names.
    pub(crate) fn new(status: &postern_opa_config::Status, service: Option<Arc<dyn Service>>) -> Self {
        let partition = status.partition_name.as_ref();
        Self {
            console: status.console,
            prometheus: status.prometheus,
            buckets: status.bundle_loading_buckets_ns.clone(),
            service,
            resource: partition.map_or_else(|| "/status".to_owned(), |name| format!("/status/{name}")),
        }
    }
}

/// What tells, running.
pub(crate) struct Telling {
    status: Arc<OpaStatus>,
    observer: Observer,
    logs: Option<Arc<DecisionLogs>>,
    reporter: Option<JoinHandle<()>>,
    stop: CancellationToken,
    api: Api,
}

impl Telling {
    /// Starts, on the present runtime. `last` is how long the last status may take once the process ends.
    ///
    /// # Errors
    /// When the operating system has no thread to give.
    pub(crate) fn start(plan: TellingPlan, last: Duration) -> io::Result<Self> {
        let buckets = plan.status.as_ref().and_then(|status| status.buckets.clone());
        let status = Arc::new(OpaStatus::new(plan.labels.clone(), buckets));
        let metrics = plan
            .duration_buckets
            .map(|buckets| Arc::new(PluginMetrics::new(&buckets)));
        let logs = match plan.logs {
            None => None,
            Some((settings, service)) => Some(Arc::new(DecisionLogs::start(LogPlan {
                settings,
                labels: plan.labels,
                path: plan.path,
                query: plan.query,
                service,
                status: Arc::clone(&status),
                randomness: Arc::clone(&plan.randomness),
            })?)),
        };
        // OPA has this one whether it is configured or not.
        status.plugin("discovery", PluginState::Ok);
        for (name, is_on) in [
            ("decision_logs", logs.is_some()),
            ("status", plan.status.is_some()),
        ] {
            if is_on {
                status.plugin(name, PluginState::Ok);
            }
        }
        let wants_metrics = plan.status.as_ref().is_some_and(|status| status.prometheus);
        let collector = Collector {
            status: Arc::clone(&status),
            status_metrics: if wants_metrics {
                StatusMetrics::On
            } else {
                StatusMetrics::Off
            },
            plugin: metrics.clone(),
            logs: logs.clone(),
        };
        let api = Api {
            status: Arc::clone(&status),
            has_status: plan.status.is_some(),
            collector: collector.clone(),
            config: Arc::new(plan.config),
            published: plan.published,
            randomness: plan.randomness,
            own_metrics: plan.own_metrics,
        };
        let stop = CancellationToken::new();
        let reporter = plan.status.map(|settings| {
            let plan = StatusPlan {
                console: settings.console,
                service: settings.service,
                resource: settings.resource,
                collector,
            };
            tokio::spawn(report(plan, stop.clone(), last))
        });
        Ok(Self {
            observer: Observer {
                metrics,
                log: logs.as_ref().map(|logs| logs.teller()),
            },
            status,
            logs,
            reporter,
            stop,
            api,
        })
    }

    /// Who is told of decisions.
    pub(crate) fn observer(&self) -> Observer {
        self.observer.clone()
    }

    /// What there is to tell of plugins and bundles.
    pub(crate) fn status(&self) -> &Arc<OpaStatus> {
        &self.status
    }

    /// OPA's HTTP API, to be served on its two ports.
    pub(crate) fn api(&self) -> Api {
        self.api.clone()
    }

    /// Ends: tells what waits, within `deadline`. No check is to come after.
    pub(crate) async fn end(self, deadline: Duration) {
        if let Some(logs) = &self.logs {
            logs.end(deadline).await;
        }
        self.stop.cancel();
        if let Some(reporter) = self.reporter {
            // It has a deadline of its own.
            let _ = reporter.await;
        }
    }
}

#[cfg(test)]
#[path = "telling_tests.rs"]
mod tests;
