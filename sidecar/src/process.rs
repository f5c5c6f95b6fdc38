//! The process from its configuration to its end: wires the parts, loads the last good state, starts checks on their own
//! runtime and sync and admin on this one, and stops them in order.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use postern_decide::{Caches, Revocations, Snapshot, TrustedIssuer};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::admin::{self, Admin};
use crate::checker::Checker;
use crate::config::Config;
use crate::decision_log::DecisionLog;
use crate::disk::{DataFolder, VersionError};
use crate::http_auth::HttpAuthServer;
use crate::introspect::Introspector;
use crate::listen::{self, BindError, Bound};
use crate::metrics::{self, CheckMetrics};
use crate::published::Published;
use crate::random::Randomness;
use crate::refetch::Wakes;
use crate::report::{Recent, Reporter};
use crate::signal;
use crate::status::{BundleState, ControlPlaneState, IssuerState, State, Status};
use crate::sync::{self, BundlePuller, Context, FetchError, Fetcher, HintsPlan, KeysPuller, Wakers};
use crate::workers::{self, WorkersPlan};

/// How often histograms are folded, so that they don't grow while nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);
/// Threads for disk, name lookups and activation. What they are given is bounded: a task for each source at most.
const BLOCKING_THREADS: usize = 8;

/// Why the process ends otherwise than it was told to.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The data folder is not one to work with.
    #[error(transparent)]
    DataFolder(#[from] VersionError),
    /// An address can't be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
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

/// Runs until the process is told to end.
///
/// # Errors
/// When it can't begin.
pub fn run(config: Config) -> Result<(), ProcessError> {
    let disk = DataFolder::open(&config.data_dir)?;
    let admin_listener = listen::bind(&config.admin)?;
    let listeners = config
        .listen
        .iter()
        .map(listen::bind)
        .collect::<Result<Vec<_>, _>>()?;
    let http_auth = config.http_auth.as_ref().map(HttpAuthServer::bind).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()?;
    let ended = runtime.block_on(serve(config, disk, admin_listener, listeners, http_auth));
    // A name lookup or a disk that hangs doesn't keep the process.
    runtime.shutdown_background();
    ended
}

async fn serve(
    mut config: Config,
    disk: DataFolder,
    admin_listener: Bound,
    listeners: Vec<Bound>,
    http_auth: Option<HttpAuthServer>,
) -> Result<(), ProcessError> {
    let told_to_end = signal::listen()?;
    let prometheus = metrics::install().map_err(|error| ProcessError::Metrics(error.to_string()))?;
    let randomness = Arc::new(Randomness::from_system().map_err(io::Error::other)?);
    let context = Arc::new(Context {
        published: Arc::new(Published::new(empty_snapshot(&config))),
        status: Arc::new(Status::new(initial_state(&config))),
        disk,
        randomness: Arc::clone(&randomness),
    });
    let caches = Arc::new(Caches::new(config.caches));
    let wakes = Wakes::for_issuers(
        config
            .issuers
            .iter()
            .map(|issuer| issuer.plan.rules.expectations.issuer.as_str().into()),
    );
    let reporter = Arc::new(Reporter {
        metrics: CheckMetrics::register(),
        log: DecisionLog(config.log_decisions),
        recent: Recent::of(config.keep_decisions),
    });
    let introspections = config
        .issuers
        .iter_mut()
        .filter_map(|issuer| issuer.introspection.take())
        .collect();
    let checker = Arc::new(Checker {
        published: Arc::clone(&context.published),
        caches: Arc::clone(&caches),
        randomness: Arc::clone(&randomness),
        wakes: wakes.clone(),
        reporter: Arc::clone(&reporter),
        introspector: Arc::new(Introspector::new(introspections)?),
    });

    let stop = CancellationToken::new();
    let plan = WorkersPlan {
        threads: config.workers,
        overload: config.overload,
        listeners,
        http_auth,
        reflection: config.reflection,
        status: Arc::clone(&context.status),
    };
    let sources = Sources::of(&context, config.issuers, config.policy, config.hints, &wakes)?
        .load()
        .await;
    let checks = workers::start(plan, checker, stop.clone())?;
    context.status.change(|state| state.listening = true);

    let mut background = JoinSet::new();
    sources.start(&mut background, &stop);
    let handle = prometheus.clone();
    background.spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            handle.run_upkeep();
        }
    });
    let status = Arc::clone(&context.status);
    let admin = Admin {
        status: Arc::clone(&status),
        caches,
        randomness,
        metrics: prometheus,
        reporter,
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
    background.shutdown().await;
    admin_stop.cancel();
    // A scrape that hangs doesn't keep the process.
    let _ = tokio::time::timeout(Duration::from_secs(1), admin_server).await;
    Ok(())
}

/// All that the snapshot is filled from.
struct Sources {
    context: Arc<Context>,
    keys: Vec<KeysPuller>,
    bundle: Option<BundlePuller>,
    hints: Option<(HintsPlan, Wakers)>,
}

impl Sources {
    fn of(
        context: &Arc<Context>,
        issuers: Vec<crate::config::Issuer>,
        policy: Option<crate::config::Policy>,
        hints: Option<HintsPlan>,
        wakes: &Wakes,
    ) -> Result<Self, ProcessError> {
        let client = sync::client()?;
        let keys = issuers
            .into_iter()
            .map(|issuer| {
                let fetcher = Fetcher::new(client.clone(), issuer.jwks_uri, None);
                let wake = wakes
                    .of(&issuer.plan.rules.expectations.issuer)
                    .cloned()
                    .unwrap_or_default();
                KeysPuller::new(Arc::clone(context), issuer.plan, fetcher, wake)
            })
            .collect();
        let bundle_hint = Arc::new(Notify::new());
        let bundle = policy.map(|policy| {
            let fetcher = Fetcher::new(client, policy.url, policy.credential_file);
            BundlePuller::new(
                Arc::clone(context),
                policy.plan,
                fetcher,
                Arc::clone(&bundle_hint),
            )
        });
        let hints = hints.map(|plan| {
            (
                plan,
                Wakers {
                    keys: wakes.clone(),
                    bundle: bundle_hint,
                },
            )
        });
        Ok(Self {
            context: Arc::clone(context),
            keys,
            bundle,
            hints,
        })
    }

    /// Puts the last good state into force, so that checks needn't wait for the network.
    async fn load(mut self) -> Self {
        for keys in &mut self.keys {
            keys.load_from_disk();
        }
        if let Some(bundle) = &mut self.bundle {
            bundle.load_from_disk().await;
        }
        self
    }

    fn start(self, tasks: &mut JoinSet<()>, stop: &CancellationToken) {
        for keys in self.keys {
            tasks.spawn(keys.run(stop.clone()));
        }
        if let Some(bundle) = self.bundle {
            tasks.spawn(bundle.run(stop.clone()));
        }
        if let Some((plan, wakers)) = self.hints {
            tasks.spawn(sync::watch(self.context, plan, wakers, stop.clone()));
        }
    }
}

fn empty_snapshot(config: &Config) -> Snapshot {
    let issuers = config
        .issuers
        .iter()
        .map(|issuer| Arc::new(TrustedIssuer::without_keys(Arc::clone(&issuer.plan.rules))))
        .collect();
    Snapshot::initial(
        config.settings.clone(),
        Arc::clone(&config.routes),
        issuers,
        Revocations::without_stream(),
    )
}

fn initial_state(config: &Config) -> State {
    let issuer = |name: &str| IssuerState {
        issuer: name.to_owned(),
        ..Default::default()
    };
    State {
        issuers: config
            .issuers
            .iter()
            .map(|one| issuer(&one.plan.rules.expectations.issuer))
            .collect(),
        bundle: config.policy.as_ref().map(|policy| BundleState {
            name: policy.plan.name.clone(),
            ..Default::default()
        }),
        control_plane: config.hints.as_ref().map(|_| ControlPlaneState::default()),
        ..Default::default()
    }
}
