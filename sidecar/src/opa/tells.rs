//! What tells of decisions, set up from the plan: decision logs, status, metrics, and OPA's HTTP API on its two ports.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use postern_opa_config::{Credentials, ExtAuthz, Plan, ServerTls, Service as Configured};

use super::api::{self, Port};
use super::configured::{self, Surroundings};
use super::process::DropInError;
use super::service::{OpenService, Service};
use super::sockets;
use super::status::PluginState;
use super::telling::Telling;
use crate::sync::{Context, client};

/// How long the last status may take to be sent once the process ends.
const LAST_STATUS: Duration = Duration::from_secs(2);
/// The name under which the plugin tells of itself.
const PLUGIN: &str = "envoy_ext_authz_grpc";

/// Starts it.
///
/// # Errors
/// When a service that it sends to asks for what isn't here, or the system refuses.
pub(super) fn start(
    plan: &Plan,
    plugin: &ExtAuthz,
    context: &Context,
    prometheus: PrometheusHandle,
) -> Result<Telling, DropInError> {
    let config = &plan.config;
    let logs = config
        .decision_logs
        .iter()
        .filter_map(|logs| logs.service.as_deref());
    let status = config
        .status
        .iter()
        .filter_map(|status| status.service.as_deref());
    let mut services: BTreeMap<String, Arc<dyn Service>> = BTreeMap::new();
    for name in logs.chain(status) {
        let configured = config.services.get(name).ok_or_else(|| DropInError::Service {
            name: name.to_owned(),
            what: "definition",
        })?;
        services.insert(name.to_owned(), open_service(name, configured)?);
    }
    let surroundings = Surroundings {
        published: Arc::clone(&context.published),
        randomness: Arc::clone(&context.randomness),
        own_metrics: Arc::new(move || prometheus.render()),
    };
    let telling = configured::telling(plan, plugin, |name| services.get(name).cloned(), surroundings);
    let telling = Telling::start(telling, LAST_STATUS)?;
    telling.status().plugin(PLUGIN, PluginState::Ok);
    Ok(telling)
}

/// A service that asks for nothing but to be asked.
fn open_service(name: &str, configured: &Configured) -> Result<Arc<dyn Service>, DropInError> {
    let what = if !matches!(configured.credentials, Credentials::None) {
        "credentials"
    } else if !configured.headers.is_empty() {
        "headers"
    } else if configured.tls != ServerTls::default() {
        "tls"
    } else {
        return Ok(Arc::new(OpenService::new(client()?, &configured.url)));
    };
    let name = name.to_owned();
    Err(DropInError::Service { name, what })
}

/// Serves OPA's HTTP API where the command line says, until `stop`.
///
/// # Errors
/// When an address can't be listened on.
pub(super) fn serve(
    plan: &Plan,
    telling: &Telling,
    stop: &tokio_util::sync::CancellationToken,
) -> Result<(), DropInError> {
    let main = plan.server.addresses.iter().map(|address| (address, Port::Main));
    let diagnostic = plan.server.diagnostic_addresses.iter();
    for (address, port) in main.chain(diagnostic.map(|address| (address, Port::Diagnostic))) {
        let bound = sockets::bind(address).map_err(|error| DropInError::Api { port, error })?;
        let (api, stop) = (telling.api(), stop.clone());
        tokio::spawn(async move {
            if let Err(error) = api::serve(bound, port, api, stop).await {
                tracing::error!(%error, "OPA's HTTP API ended");
            }
        });
    }
    Ok(())
}
