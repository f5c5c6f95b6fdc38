//! The process from its configuration to its end: wires the parts, loads the last good state, starts checks on their own
//! runtime and sync and admin on this one, and stops them in order.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use postern_decide::{Caches, Issuers, Revocations, Snapshot};
use tokio_util::sync::CancellationToken;

use crate::admin::{self, Admin};
use crate::checker::Checker;
use crate::config::Config;
use crate::decision_log::DecisionLog;
use crate::disk::{DataFolder, VersionError};
use crate::http_auth::HttpAuthServer;
use crate::http_send::{HttpSender, SetUpError};
use crate::introspect::Introspector;
use crate::listen::{self, BindError, Bound};
use crate::metrics::{self, CheckMetrics};
use crate::opa::Runtime;
use crate::published::Published;
use crate::random::Randomness;
use crate::refetch::Wakes;
use crate::reload::Reload;
use crate::report::{Recent, Reporter};
use crate::signal;
use crate::status::{State, Status};
use crate::sync::{Context, FetchError, NonceKeySource, Sources};
use crate::workers::{self, WorkersPlan};

/// Threads for disk, name lookups and activation. What they are given is bounded: a task for each source at most.
const BLOCKING_THREADS: usize = 8;

/// Why the process ends otherwise than it was told to.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The data folder is not one to work with.
    #[error(transparent)]
    DataFolder(#[from] VersionError),
    /// An address can't be listened on.
    #[error("{key}: {error}")]
    Bind {
        /// The key of the configuration that gives it.
        key: &'static str,
        /// Why.
        error: BindError,
    },
    /// Outgoing connections can't be set up.
    #[error("{0}")]
    Client(String),
    /// Metrics can't be set up.
    #[error("metrics: {0}")]
    Metrics(String),
    /// The operating system refuses what a process needs.
    #[error("the operating system refuses: {0}")]
    System(#[from] io::Error),
}

impl From<FetchError> for ProcessError {
    fn from(error: FetchError) -> Self {
        Self::Client(error.to_string())
    }
}

impl From<SetUpError> for ProcessError {
    fn from(error: SetUpError) -> Self {
        Self::Client(error.to_string())
    }
}

/// Runs until the process is told to end.
///
/// # Errors
/// When it can't begin.
pub fn run(config: Config) -> Result<(), ProcessError> {
    let disk = DataFolder::open(&config.data_dir)?;
    disk.keep_modules();
    let admin_listener = listen::bind(&config.admin.listen).map_err(of("admin.listen"))?;
    let listeners = config
        .listen
        .iter()
        .map(listen::bind)
        .collect::<Result<Vec<_>, _>>()
        .map_err(of("ext_authz.listen"))?;
    let http_auth = config
        .http_auth
        .as_ref()
        .map(HttpAuthServer::bind)
        .transpose()
        .map_err(of("http_auth.listen"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()?;
    let ended = runtime.block_on(serve(config, disk, admin_listener, listeners, http_auth));
    // A name lookup or a disk that hangs doesn't keep the process.
    runtime.shutdown_background();
    ended
}

/// Says by which key an address was given that can't be listened on.
fn of(key: &'static str) -> impl FnOnce(BindError) -> ProcessError {
    move |error| ProcessError::Bind { key, error }
}

async fn serve(
    config: Config,
    disk: DataFolder,
    admin_listener: Bound,
    listeners: Vec<Bound>,
    http_auth: Option<HttpAuthServer>,
) -> Result<(), ProcessError> {
    let told_to_end = postern_process::told_to_end()?;
    let asked_to_reload = signal::reload()?;
    let prometheus = metrics::install().map_err(|error| ProcessError::Metrics(error.to_string()))?;
    let randomness = Arc::new(Randomness::from_system().map_err(io::Error::other)?);
    let hosts = config.admin.hosts.clone();
    let context = Arc::new(Context {
        published: Arc::new(Published::new(empty_snapshot(&config))),
        status: Arc::new(Status::new(State::default())),
        disk,
        randomness: Arc::clone(&randomness),
        nonce_keys: NonceKeySource::default(),
        runtime: Runtime::default(),
        candidates: Arc::default(),
    });
    let caches = Arc::new(Caches::new(config.caches));
    let wakes = Wakes::default();
    let reporter = Arc::new(Reporter {
        metrics: CheckMetrics::register(),
        log: DecisionLog(config.log_decisions),
        recent: Recent::of(config.keep_decisions),
    });
    let introspections = config
        .issuers
        .iter()
        .filter_map(|issuer| issuer.introspection.clone())
        .collect();
    let checker = Arc::new(Checker {
        published: Arc::clone(&context.published),
        caches: Arc::clone(&caches),
        randomness: Arc::clone(&randomness),
        wakes: wakes.clone(),
        reporter: Arc::clone(&reporter),
        introspector: Arc::new(Introspector::new(introspections)?),
        http_sender: HttpSender::new(
            config
                .policy
                .as_ref()
                .and_then(|policy| policy.http_send.as_ref()),
        )?,
        candidates: Arc::clone(&context.candidates),
        opa: None,
    });

    let stop = CancellationToken::new();
    let plan = WorkersPlan {
        threads: config.workers,
        overload: config.overload.clone(),
        listeners,
        http_auth,
        dialect: crate::ext_authz::Dialect::Postern,
        reflection: config.reflection,
        status: Arc::clone(&context.status),
    };
    let mut sources = Sources::new(Arc::clone(&context), wakes)?;
    // The last good state first, so that checks needn't wait for the network.
    let prepared = sources.prepare_from_disk(&config).await;
    sources.put_into_force(&config, prepared).await;
    let checks = workers::start(plan, checker, stop.clone())?;
    context.status.change(|state| state.listening = true);

    let reload = Reload::of(config, sources, Arc::clone(&context));
    let stop_reload = CancellationToken::new();
    let reloading = tokio::spawn(reload.run(asked_to_reload, stop_reload.clone()));
    let status = Arc::clone(&context.status);
    let admin = Admin {
        status: Arc::clone(&status),
        caches,
        published: Arc::clone(&context.published),
        randomness,
        metrics: prometheus,
        reporter,
        candidates: Arc::clone(&context.candidates),
        hosts,
    };
    let admin_stop = CancellationToken::new();
    let admin_server = tokio::spawn(admin::serve(admin_listener, admin, admin_stop.clone()));
    tracing::info!(version = env!("CARGO_PKG_VERSION"), not_ready = ?status.read().not_ready(), "started");

    let name = told_to_end.await;
    tracing::info!(signal = name, "ending");
    // Not ready first, then no new connections, then those under way: admin answers until the last check has.
    status.change(|state| state.draining = true);
    stop.cancel();
    if tokio::task::spawn_blocking(move || checks.join()).await.is_err() {
        tracing::error!("the runtime of the checks ended unexpectedly");
    }
    stop_reload.cancel();
    let _ = reloading.await;
    admin_stop.cancel();
    // A scrape that hangs doesn't keep the process.
    let _ = tokio::time::timeout(Duration::from_secs(1), admin_server).await;
    Ok(())
}

/// What is in force while nothing is: no route is open.
fn empty_snapshot(config: &Config) -> Snapshot {
    Snapshot::initial(
        config.settings.clone(),
        Arc::clone(&config.routes),
        Issuers::default(),
        Revocations::without_stream(),
    )
}
