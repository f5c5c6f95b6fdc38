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

use arc_swap::{ArcSwap, ArcSwapOption};
use serde_json::Value as Json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::api::{Api, Configured};
use super::log::{DecisionLogs, LogPlan, LogSettings, Teller};
use super::observer::Observer;
use super::service::Service;
use super::status::{Collector, OpaStatus, PluginMetrics, PluginState, StatusMetrics, StatusPlan, report};
use crate::published::Published;
use crate::random::Randomness;

/// How long is waited for a worker that tells of a decision.
const A_MOMENT: Duration = Duration::from_millis(10);

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
    /// Whether more configuration is waited for.
    pub(crate) discovers: bool,
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
    metrics: Option<Arc<PluginMetrics>>,
    teller: Arc<ArcSwapOption<Teller>>,
    logs: Option<Arc<DecisionLogs>>,
    reporter: Option<(JoinHandle<()>, CancellationToken)>,
    last: Duration,
    api: Api,
}

/// What of [`TellingPlan`] is another than before, and has to begin anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Anew {
    /// The decision log.
    pub(crate) logs: bool,
    /// Who reports the status.
    pub(crate) status: bool,
}

impl Telling {
    /// Starts, on the present runtime. `last` is how long the last status may take once the process ends.
    ///
    /// # Errors
    /// When the operating system has no thread to give.
    pub(crate) fn start(mut plan: TellingPlan, last: Duration) -> io::Result<Self> {
        let buckets = plan.status.as_ref().and_then(|status| status.buckets.clone());
        let status = Arc::new(OpaStatus::new(plan.labels.clone(), buckets));
        let metrics = plugin_metrics(&plan);
        let logs = logs(&mut plan, &status)?;
        // OPA has this one whether it is configured or not.
        let discovery = if plan.discovers {
            PluginState::NotReady
        } else {
            PluginState::Ok
        };
        status.plugin("discovery", discovery);
        let configured = configured(&plan, &status, metrics.as_ref(), logs.as_ref());
        let api = Api {
            status: Arc::clone(&status),
            configured: Arc::new(ArcSwap::from_pointee(configured)),
            published: plan.published,
            randomness: plan.randomness,
            own_metrics: plan.own_metrics,
        };
        let mut telling = Self {
            status,
            metrics,
            teller: Arc::default(),
            logs: None,
            reporter: None,
            last,
            api,
        };
        telling.takes_logs(logs);
        telling.reports(plan.status);
        Ok(telling)
    }

    /// Goes on by another plan: what is to begin anew does, and the decisions and the status of before are told where they
    /// were to be told. What is no longer configured goes on, as in OPA.
    ///
    /// # Errors
    /// As [`Telling::start`]; nothing has changed then.
    pub(crate) fn change(&mut self, mut plan: TellingPlan, anew: Anew, deadline: Duration) -> io::Result<()> {
        let logs = if anew.logs {
            logs(&mut plan, &self.status)?
        } else {
            None
        };
        self.status.relabel(plan.labels.clone());
        self.metrics = self.metrics.take().or_else(|| plugin_metrics(&plan));
        let ended = logs.as_ref().and(self.logs.take());
        let logs = logs.or_else(|| self.logs.take());
        let configured = configured(&plan, &self.status, self.metrics.as_ref(), logs.as_ref());
        self.api.configured.store(Arc::new(configured));
        let told = self.takes_logs(logs);
        if let Some(ended) = ended {
            tokio::spawn(async move {
                // A worker may be about to tell it of a decision.
                while told.as_ref().is_some_and(|told| Arc::strong_count(told) > 1) {
                    tokio::time::sleep(A_MOMENT).await;
                }
                ended.end(deadline).await;
            });
        }
        // Its metrics are read off the logs.
        if (anew.status || anew.logs) && plan.status.is_some() {
            if let Some(buckets) = plan.status.as_ref().map(|status| status.buckets.clone()) {
                self.status.measure_bundles_in(buckets);
            }
            self.reports(plan.status);
        }
        Ok(())
    }

    /// Decisions go to these logs from now on; gives what told of them before.
    fn takes_logs(&mut self, logs: Option<Arc<DecisionLogs>>) -> Option<Arc<Teller>> {
        let teller = logs.as_ref().map(|logs| Arc::new(logs.teller()));
        if teller.is_some() {
            self.status.plugin("decision_logs", PluginState::Ok);
        }
        self.logs = logs;
        self.teller.swap(teller)
    }

    /// The status is reported so from now on.
    fn reports(&mut self, settings: Option<StatusSettings>) {
        if let Some((_, stop)) = self.reporter.take() {
            stop.cancel();
        }
        let Some(settings) = settings else {
            return;
        };
        self.status.plugin("status", PluginState::Ok);
        let plan = StatusPlan {
            console: settings.console,
            service: settings.service,
            resource: settings.resource,
            collector: self.api.configured.load().collector.clone(),
        };
        let stop = CancellationToken::new();
        let task = tokio::spawn(report(plan, stop.clone(), self.last));
        self.reporter = Some((task, stop));
    }

    /// Who is told of decisions.
    pub(crate) fn observer(&self) -> Observer {
        Observer {
            metrics: self.metrics.clone(),
            log: Arc::clone(&self.teller),
        }
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
        if let Some((reporter, stop)) = self.reporter {
            stop.cancel();
            // It has a deadline of its own.
            let _ = reporter.await;
        }
    }
}

fn plugin_metrics(plan: &TellingPlan) -> Option<Arc<PluginMetrics>> {
    let buckets = plan.duration_buckets.as_deref();
    buckets.map(|buckets| Arc::new(PluginMetrics::new(buckets)))
}

fn logs(plan: &mut TellingPlan, status: &Arc<OpaStatus>) -> io::Result<Option<Arc<DecisionLogs>>> {
    let Some((settings, service)) = plan.logs.take() else {
        return Ok(None);
    };
    let logs = DecisionLogs::start(LogPlan {
        settings,
        labels: plan.labels.clone(),
        path: plan.path.clone(),
        query: plan.query.clone(),
        service,
        status: Arc::clone(status),
        randomness: Arc::clone(&plan.randomness),
    })?;
    Ok(Some(Arc::new(logs)))
}

fn configured(
    plan: &TellingPlan,
    status: &Arc<OpaStatus>,
    metrics: Option<&Arc<PluginMetrics>>,
    logs: Option<&Arc<DecisionLogs>>,
) -> Configured {
    let wants_metrics = plan.status.as_ref().is_some_and(|status| status.prometheus);
    let collector = Collector {
        status: Arc::clone(status),
        status_metrics: if wants_metrics {
            StatusMetrics::On
        } else {
            StatusMetrics::Off
        },
        plugin: metrics.cloned(),
        logs: logs.cloned(),
    };
    Configured {
        has_status: plan.status.is_some(),
        collector,
        config: plan.config.clone(),
    }
}

#[cfg(test)]
#[path = "telling_tests.rs"]
mod tests;
