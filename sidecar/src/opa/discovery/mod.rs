//! `discovery` of OPA's configuration: the rest of the configuration comes as a bundle, and again each time that this changes
//! (OPA's `v1/plugins/discovery`). The process begins with the first that it gets; what was in force goes on where a later one
//! is refused.
//!
//! | file | job |
//! |---|---|
//! | `evaluation` | from the bundle to the configuration that it says |
//! | `changes` | what can't be another while checks are answered |
//! | `running` | the process under a configuration, and under the next |

mod changes;
mod evaluation;
mod running;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use postern_opa_config::{Discovery, Plan};
use postern_policy::activation::Verified;
use tokio_util::sync::CancellationToken;

use super::bundles::{Applied, DISCOVERY, Discovered, NotApplied};
use super::machine::Machine;
use super::process::{DropInError, context};
use super::status::PluginState;
use super::{policy, tells};
use crate::metrics;
use crate::sync::Context;
use running::Running;

/// Runs until the process is told to end.
///
/// # Errors
/// When it can't begin.
pub(super) async fn serve(
    plan: &Plan,
    discovery: &Discovery,
    folder: (&Path, bool),
) -> Result<(), DropInError> {
    let told_to_end = postern_process::told_to_end()?;
    let prometheus = metrics::install().map_err(|error| DropInError::Metrics(error.to_string()))?;
    let context = context(plan, folder)?;
    let mut running = Running::new(plan, discovery, &context, prometheus)?;
    let service = running.service(&discovery.service);
    let service = service
        .ok_or_else(|| DropInError::Discovery(format!("there is no service {}", discovery.service)))?;
    let (_, missing) = policy::requirements("");
    let discovered = Discovered::new(
        discovery,
        &plan.config.keys,
        service,
        &plan.config.persistence_directory,
        Arc::clone(&context.randomness),
        missing.map(|missing| missing.to_string()),
        Arc::clone(running.telling().status()),
    );
    let mut discovered = discovered.map_err(DropInError::Discovery)?;
    let stop_api = CancellationToken::new();
    let waits = plan.server.ready_timeout_seconds.is_some();
    if !waits {
        tells::serve(plan, &running.telling().api(), &stop_api)?;
    }
    let (api, status) = (running.telling().api(), Arc::clone(running.telling().status()));
    if !discovery.persist {
        running.begin_with_boot().await?;
    }
    let stop = CancellationToken::new();
    let told = async {
        tokio::select! {
            signal = told_to_end => tracing::info!(signal, "ending"),
            () = stop.cancelled() => {}
        }
        stop.cancel();
    };
    let mut apply = async |bundle: Verified| apply(bundle, plan, discovery, &context, &mut running).await;
    let discovering = async {
        discovered.begin_from_disk(&mut apply).await;
        discovered.run(&stop, &mut apply).await;
    };
    let serving = async {
        if !waits {
            return Ok(());
        }
        let ready = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            ready = tells::ready(plan, &status) => ready,
        };
        let served = ready.and_then(|()| tells::serve(plan, &api, &stop_api));
        if served.is_err() {
            stop.cancel();
        }
        served
    };
    let ((), (), served) = tokio::join!(told, discovering, serving);
    served?;
    let grace = Duration::from_secs(plan.server.shutdown_grace_seconds);
    running.end(plan, grace).await;
    stop_api.cancel();
    Ok(())
}

/// Puts the configuration into force that a bundle says.
async fn apply(
    bundle: Verified,
    boot: &Plan,
    discovery: &Discovery,
    context: &Arc<Context>,
    running: &mut Running,
) -> Applied {
    let json = evaluation::configuration(bundle, &discovery.decision, context).await?;
    let other = |problem: String| NotApplied::Other(problem);
    let read = boot.discovered(&json, &Machine);
    let read = read.map_err(|error| other(error.to_string()))?;
    let overridden = read.overridden.join(", ");
    let next = boot.with(read);
    let applied = running.apply(next).await;
    applied.map_err(|error| other(error.to_string()))?;
    running.telling().status().plugin(DISCOVERY, PluginState::Ok);
    if overridden.is_empty() {
        return Ok(String::new());
    }
    Ok(format!(
        "Keys in the discovered configuration overridden by boot configuration: {overridden}"
    ))
}
