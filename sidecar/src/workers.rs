//! The runtime that checks run on, apart from sync and admin, so that nothing they do shows in a check's time (invariant 4).
//!
//! What bounds the work: connections (`max_connections`) and streams of each. A check never waits, so that no more of them
//! are in the works than there are workers; the rest queue in those streams, and Envoy's own timeout ends their wait.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use envoy_types::ext_authz::v3::pb::AuthorizationServer;
use futures_util::TryStreamExt;
use futures_util::future::join_all;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;

use crate::checker::Checker;
use crate::connections::connections;
use crate::edge;
use crate::ext_authz::ExtAuthz;
use crate::http_auth::HttpAuthServer;
use crate::listen::Bound;
use crate::status::Status;

/// The largest `CheckRequest`, with the body that Envoy may send along; what OPA's plugin takes too.
const MAX_CHECK_BYTES: usize = 4 * 1024 * 1024;
/// Requests at once on one connection; Envoy opens another one beyond.
const MAX_STREAMS: u32 = 1024;
/// What every HTTP/2 client sends first (RFC 9113 §3.4), and how long it may take to.
const PREFACE_BYTES: usize = 24;
const PREFACE_DEADLINE: Duration = Duration::from_secs(5);
/// How often a silent connection is asked whether it is still there, and how long it may take to say so.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long connections may take to end once the process is told to.
const DRAIN: Duration = Duration::from_secs(5);

/// How checks are served.
#[derive(Debug)]
pub(crate) struct WorkersPlan {
    pub(crate) threads: usize,
    pub(crate) max_connections: usize,
    pub(crate) listeners: Vec<Bound>,
    /// Proxies that ask over HTTP.
    pub(crate) http_auth: Option<HttpAuthServer>,
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
    let edge = match edge::routes(Arc::clone(&checker), plan.status, plan.reflection) {
        Ok(routes) => routes,
        Err(error) => {
            tracing::error!(%error, "gRPC reflection could not be set up");
            return;
        }
    };
    let permits = Arc::new(Semaphore::new(plan.max_connections));
    // Spawned, so that connections are accepted and served on the workers rather than on this thread.
    let servers: Vec<_> = plan
        .listeners
        .into_iter()
        .map(|bound| {
            tokio::spawn(serve(
                bound,
                Arc::clone(&permits),
                Arc::clone(&checker),
                edge.clone(),
                stop.clone(),
            ))
        })
        .chain(
            plan.http_auth
                .map(|server| tokio::spawn(server.serve(Arc::clone(&checker), stop.clone()))),
        )
        .collect();
    let all = join_all(servers);
    tokio::pin!(all);
    let ended = tokio::select! {
        ended = &mut all => ended,
        () = drain_over(&stop) => return,
    };
    for problem in ended.into_iter().filter_map(Result::err) {
        tracing::error!(%problem, "a listener ended");
    }
}

async fn drain_over(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(DRAIN).await;
}

async fn serve(
    bound: Bound,
    permits: Arc<Semaphore>,
    checker: Arc<Checker>,
    edge: Routes,
    stop: CancellationToken,
) {
    let served = async {
        let incoming = connections(bound, permits)?
            .map_ok(|connection| connection.speaking_within(PREFACE_BYTES, PREFACE_DEADLINE));
        Server::builder()
            .http2_keepalive_interval(Some(KEEP_ALIVE))
            .http2_keepalive_timeout(Some(KEEP_ALIVE_TIMEOUT))
            .max_concurrent_streams(MAX_STREAMS)
            .add_routes(edge.add_service(
                AuthorizationServer::new(ExtAuthz::new(checker)).max_decoding_message_size(MAX_CHECK_BYTES),
            ))
            .serve_with_incoming_shutdown(incoming, stop.cancelled_owned())
            .await
            .map_err(io::Error::other)
    };
    if let Err(error) = served.await {
        tracing::error!(%error, "a listener ended");
    }
}
