//! Tells the status each time that it changes: to the status API, the console, and the counters that count statuses.

use std::io::Write;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use super::Collector;
use crate::clock;
use crate::opa::log::seconds;
use crate::opa::service::{NotTaken, Service, post, status_text};

/// How long the service may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// `status` of OPA's configuration.
#[derive(Debug, Clone)]
pub(crate) struct StatusPlan {
    /// `console`.
    pub(crate) console: bool,
    /// The service that it is sent to, if any.
    pub(crate) service: Option<Arc<dyn Service>>,
    /// `/status`, or `/status/<partition_name>`.
    pub(crate) resource: String,
    pub(crate) collector: Collector,
}

/// Tells the status whenever it changes, until `stop`; then once more, if it has changed, within `last`.
pub(crate) async fn report(plan: StatusPlan, stop: CancellationToken, last: Duration) {
    let mut changes = plan.collector.status.shown.subscribe();
    // What was before counts as news: OPA tells of it once its plugins have started.
    changes.mark_changed();
    loop {
        let changed = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            changed = changes.changed() => changed,
        };
        if changed.is_err() {
            return;
        }
        let mut told = pin!(tell(&plan));
        tokio::select! {
            () = &mut told => {}
            () = stop.cancelled() => {
                let _ = tokio::time::timeout(last, told).await;
                break;
            }
        }
    }
    if changes.has_changed().unwrap_or_default() {
        // Whoever ends waits no longer.
        let _ = tokio::time::timeout(last, tell(&plan)).await;
    }
}

async fn tell(plan: &StatusPlan) {
    plan.collector.told();
    let metrics = plan.collector.to_json();
    let update = plan.collector.status.update(metrics);
    if plan.console {
        to_console(&update);
    }
    if let Some(service) = &plan.service {
        let body = update.to_string() + "\n";
        match post(service.as_ref(), &plan.resource, body.into(), false, DEADLINE).await {
            Ok(()) => tracing::debug!("the status was sent"),
            Err(NotTaken::NoAnswer(problem)) => {
                tracing::error!(problem, "status update failed");
            }
            Err(NotTaken::Status(status)) => {
                let status = status_text(status);
                tracing::error!(
                    status,
                    "status update failed: the server answered otherwise than with 2xx"
                );
            }
        }
    }
}

fn to_console(update: &Json) {
    let mut line = update.clone();
    if let Some(members) = line.as_object_mut() {
        let now = clock::now().unix_ns;
        members.insert("type".to_owned(), json!("openpolicyagent.org/status"));
        members.insert("level".to_owned(), json!("info"));
        members.insert("msg".to_owned(), json!("Status Log"));
        members.insert("time".to_owned(), json!(seconds(now)));
    }
    let line = line.to_string() + "\n";
    // Nobody is left to tell when standard error is closed.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
