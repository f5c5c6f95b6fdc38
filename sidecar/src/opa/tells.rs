//! What tells of decisions, set up from the plan: decision logs, status, metrics, and OPA's HTTP API on its two ports.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use postern_opa_config::{ExtAuthz, Plan};

use super::api::{self, Api, Port};
use super::configured::{self, Surroundings};
use super::process::DropInError;
use super::service::Service;
use super::sockets;
use super::status::{OpaStatus, PluginState};
use super::telling::Telling;
use crate::admin::HttpVersions;
use crate::sync::Context;

/// How long the last status may take to be sent once the process ends.
pub(super) const LAST_STATUS: Duration = Duration::from_secs(2);
/// The name under which the plugin tells of itself.
pub(super) const PLUGIN: &str = "envoy_ext_authz_grpc";

/// Starts it.
///
/// # Errors
/// When a service can't be asked as it is configured, or the system refuses.
pub(super) fn start(
    plan: &Plan,
    plugin: &ExtAuthz,
    services: &BTreeMap<String, Arc<dyn Service>>,
    context: &Context,
    prometheus: PrometheusHandle,
) -> Result<Telling, DropInError> {
    let surroundings = surroundings(context, prometheus, configured::new_id(&context.randomness));
    let telling = configured::telling(
        plan,
        Some(plugin),
        |name| services.get(name).cloned(),
        surroundings,
    );
    let telling = Telling::start(telling, LAST_STATUS)?;
    telling.status().plugin(PLUGIN, PluginState::Ok);
    Ok(telling)
}

/// What the process has besides its configuration.
pub(super) fn surroundings(context: &Context, prometheus: PrometheusHandle, id: String) -> Surroundings {
    Surroundings {
        published: Arc::clone(&context.published),
        randomness: Arc::clone(&context.randomness),
        own_metrics: Arc::new(move || prometheus.render()),
        id,
    }
}

/// With `--ready-timeout`, waits for all plugins to be ready, bundles and discovery among them. Checks are answered meanwhile,
/// as in the plugin.
///
/// # Errors
/// When they aren't in time.
pub(super) async fn ready(plan: &Plan, status: &OpaStatus) -> Result<(), DropInError> {
    let Some(seconds) = plan.server.ready_timeout_seconds else {
        return Ok(());
    };
    let ready = tokio::time::timeout(Duration::from_secs(seconds), status.ready()).await;
    ready.map_err(|_| DropInError::NotReady {
        seconds,
        waiting: status.not_ready(),
    })
}

/// Serves OPA's HTTP API where the command line says, until `stop`.
///
/// # Errors
/// When an address can't be listened on.
pub(super) fn serve(
    plan: &Plan,
    api: &Api,
    stop: &tokio_util::sync::CancellationToken,
) -> Result<(), DropInError> {
    let main = plan.server.addresses.iter().map(|address| (address, Port::Main));
    let diagnostic = plan.server.diagnostic_addresses.iter();
    for (address, port) in main.chain(diagnostic.map(|address| (address, Port::Diagnostic))) {
        let bound = sockets::bind_with_mode(address, plan.server.unix_socket_mode)
            .map_err(|error| DropInError::Api { port, error })?;
        let (api, stop) = (api.clone(), stop.clone());
        let versions = if plan.server.h2c {
            HttpVersions::Both
        } else {
            HttpVersions::Http1
        };
        tokio::spawn(async move {
            if let Err(error) = api::serve(bound, (port, versions), api, stop).await {
                tracing::error!(%error, "OPA's HTTP API ended");
            }
        });
    }
    Ok(())
}
