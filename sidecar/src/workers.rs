//! The runtime that checks run on, apart from sync and admin, so that nothing they do shows in a check's time (invariant 4).
//!
//! What bounds the work: [`OverloadPlan`]. A check never waits, so that no more of them are decided at once than there are
//! workers.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::checker::Checker;
use crate::edge;
use crate::ext_authz::{Dialect, ExtAuthz};
use crate::host::Host;
use crate::http_auth::HttpAuthServer;
use crate::listen::Bound;
use crate::overload::{Load, OverloadPlan};
use crate::status::Status;

/// How checks are served.
#[derive(Debug)]
pub(crate) struct WorkersPlan {
    pub(crate) threads: usize,
    pub(crate) overload: OverloadPlan,
    pub(crate) listeners: Vec<Bound>,
    /// Proxies that ask over HTTP.
    pub(crate) http_auth: Option<HttpAuthServer>,
    /// Whose way of deciding it is.
    pub(crate) dialect: Dialect,
    /// Whether gRPC server reflection is served.
    pub(crate) reflection: bool,
    /// What health is told from.
    pub(crate) status: Arc<Status>,
}

/// Serves checks on threads of their own until `stop`, then lets those under way finish.
///
/// # Errors
/// When threads can't be started.
pub(crate) fn start(
    plan: WorkersPlan,
    checker: Arc<Checker>,
    stop: CancellationToken,
) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(plan.threads)
        .thread_name("check")
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("checks".to_owned())
        .spawn(move || {
            runtime.block_on(serve_all(plan, checker, stop));
            // Connections that didn't end in time are cut.
            runtime.shutdown_background();
        })
}

async fn serve_all(plan: WorkersPlan, checker: Arc<Checker>, stop: CancellationToken) {
    let others = match edge::routes(Arc::clone(&checker), plan.status, plan.reflection) {
        Ok(routes) => routes.prepare(),
        Err(error) => {
            tracing::error!(%error, "gRPC reflection could not be set up");
            return;
        }
    };
    let drain = plan.overload.drain;
    let tasks = TaskTracker::new();
    // Spawned, so that connections are accepted and served on the workers rather than on this thread.
    let in_flight = Load::up_to(plan.overload.max_in_flight);
    if let Some(server) = plan.http_auth {
        tasks.spawn(server.serve(Arc::clone(&checker), Arc::clone(&in_flight), stop.clone()));
    }
    let host = Host::new(
        ExtAuthz::new(checker, plan.dialect),
        others,
        plan.overload,
        in_flight,
    );
    for bound in plan.listeners {
        tasks.spawn(listen(Arc::clone(&host), bound, tasks.clone(), stop.clone()));
    }
    stop.cancelled().await;
    tasks.close();
    if tokio::time::timeout(drain, tasks.wait()).await.is_err() {
        tracing::warn!(
            tasks = tasks.len(),
            "not all connections ended in time; they are cut"
        );
    }
}

async fn listen(host: Arc<Host>, bound: Bound, tasks: TaskTracker, stop: CancellationToken) {
    if let Err(error) = host.listen(bound, tasks, stop).await {
        tracing::error!(%error, "a listener ended");
    }
}
