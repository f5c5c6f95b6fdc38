//! What OPA's configuration says of what is told: the plan of [`super::telling`].

use std::collections::BTreeMap;
use std::sync::Arc;

use postern_opa_config::{Decision, DecisionPath, ExtAuthz, Plan};
use postern_policy::OPA_VERSION;

use super::log::LogSettings;
use super::service::Service;
use super::telling::{StatusSettings, TellingPlan};
use crate::published::Published;
use crate::random::Randomness;

/// What the process has besides its configuration.
pub(crate) struct Surroundings {
    pub(crate) published: Arc<Published>,
    pub(crate) randomness: Arc<Randomness>,
    /// This process's own metrics, in Prometheus' text format.
    pub(crate) own_metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// This process, among others: a label.
    pub(crate) id: String,
}

/// An id of a process.
pub(super) fn new_id(randomness: &Randomness) -> String {
    let id = randomness.entropy().decision_id;
    uuid::Builder::from_random_bytes(id).into_uuid().to_string()
}

/// The plan. `service` finds a service of the configuration by its name.
pub(crate) fn telling(
    plan: &Plan,
    plugin: Option<&ExtAuthz>,
    service: impl Fn(&str) -> Option<Arc<dyn Service>>,
    surroundings: Surroundings,
) -> TellingPlan {
    let config = &plan.config;
    let id = surroundings.id;
    let mut labels: BTreeMap<String, String> = config.labels.clone();
    labels.insert("id".to_owned(), id.clone());
    labels.insert("version".to_owned(), OPA_VERSION.to_owned());
    let (path, query) = match plugin.map(|plugin| &plugin.decision) {
        None => (String::new(), String::new()),
        Some(Decision::Path(path)) => (path.written.clone(), String::new()),
        Some(Decision::Query(query)) => (String::new(), query.written.clone()),
    };
    let named = |name: &Option<String>| name.as_deref().and_then(&service);
    TellingPlan {
        labels,
        path,
        query,
        logs: config.decision_logs.as_ref().map(|logs| {
            let settings = LogSettings {
                tells_calls: config.nd_builtin_cache,
                ..LogSettings::from(logs)
            };
            (settings, named(&logs.service))
        }),
        status: config
            .status
            .as_ref()
            .map(|status| StatusSettings::new(status, named(&status.service))),
        duration_buckets: plugin
            .filter(|plugin| plugin.enable_performance_metrics)
            .map(|plugin| plugin.duration_buckets_seconds.clone()),
        discovers: config.discovery.is_some(),
        config: plan.active(&id, OPA_VERSION),
        published: surroundings.published,
        randomness: surroundings.randomness,
        own_metrics: surroundings.own_metrics,
    }
}

/// What is asked beside the plugin's decision, where the policy has it: the decisions that drop and mask events, and what
/// `/health/live` and the like ask.
pub(crate) fn decisions(plan: &Plan) -> Vec<DecisionPath> {
    let logs = plan.config.decision_logs.iter();
    let mut all: Vec<DecisionPath> = logs
        .flat_map(|logs| [logs.drop_decision.clone(), logs.mask_decision.clone()])
        .collect();
    if plan.config.discovery.is_some() {
        // Logs may be configured later.
        all.extend(["/system/log/drop", "/system/log/mask"].map(DecisionPath::of_opa));
    }
    all.push(DecisionPath::of_opa("/system/health"));
    all
}
