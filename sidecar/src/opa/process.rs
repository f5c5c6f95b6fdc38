//! The process from its plan to its end.

use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use postern_compiler::MissingTool;
use postern_decide::{
    CacheLimits, Caches, HeaderPrefix, Issuers, OpaEnvoySettings, Revocations, Route, Routes, Settings,
    Snapshot,
};
use postern_opa_config::{ExtAuthz, Plan};
use tokio_util::sync::CancellationToken;

use super::api::Port;
use super::at_start::AtStartError;
use super::bundles::{self, Bundles};
use super::discovery;
use super::grpc_messages::{Descriptors, DescriptorsError};
use super::machine::Machine;
use super::policy;
use super::runtime::Runtime;
use super::service::{Around, Proxies, ServiceError, services};
use super::sockets::{self, SocketError};
use super::telling::Telling;
use super::tells;
use super::watching::Watching;
use crate::checker::Checker;
use crate::clock;
use crate::decision_log::{DecisionLog, LogDecisions};
use crate::disk::{DataFolder, VersionError};
use crate::ext_authz::Dialect;
use crate::http_send::{HttpSender, SetUpError};
use crate::introspect::Introspector;
use crate::metrics::{self, CheckMetrics};
use crate::overload::OverloadPlan;
use crate::published::Published;
use crate::random::Randomness;
use crate::refetch::Wakes;
use crate::report::{Recent, Reporter};
use crate::status::{State, Status};
use crate::sync::{ActivationError, Context, FetchError, NonceKeySource};
use crate::workers::{self, WorkersPlan};

/// How many different requests (`http.send`) one decision may make. OPA has no such limit.
const MOST_REQUESTS: usize = 64;
/// Threads for disk, name lookups and activation.
const BLOCKING_THREADS: usize = 8;
/// Threads that checks run on, at most.
const MOST_WORKERS: usize = 4;

/// Why the process ends otherwise than it was told to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DropInError {
    /// The plugin isn't configured.
    #[error(
        "plugins.envoy_ext_authz_grpc is missing; without it OPA answers no Envoy: add it to the configuration, or \
         --set=plugins.envoy_ext_authz_grpc.addr=:9191"
    )]
    NoPlugin,
    /// The plugin's address can't be listened on.
    #[error("plugins.envoy_ext_authz_grpc.addr: {0}")]
    Address(#[from] SocketError),
    /// The file of descriptors can't be used.
    #[error("plugins.envoy_ext_authz_grpc.proto-descriptor: {0}")]
    Descriptors(#[from] DescriptorsError),
    /// An address of OPA's HTTP API can't be listened on.
    #[error("{}: {error}", match port { Port::Main => "--addr", Port::Diagnostic => "--diagnostic-addr" })]
    Api {
        /// Which.
        port: Port,
        /// Why.
        error: SocketError,
    },
    /// A service can't be asked as it is configured.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The discovery bundle can't be asked for.
    #[error("discovery: {0}")]
    Discovery(String),
    /// The policy that the command line names can't be had.
    #[error(transparent)]
    Files(#[from] AtStartError),
    /// It was read, and is refused.
    #[error("{error}{}", .missing.as_ref().map(|missing| format!("; {missing}")).unwrap_or_default())]
    Policy {
        /// Why.
        error: ActivationError,
        /// Why nothing is compiled here, where that is so.
        missing: Option<MissingTool>,
    },
    /// The data folder is not one to work with.
    #[error("persistence_directory: {0}")]
    DataFolder(#[from] VersionError),
    /// Outgoing connections can't be set up.
    #[error("{0}")]
    Client(String),
    /// Metrics can't be set up.
    #[error("metrics: {0}")]
    Metrics(String),
    /// `--ready-timeout` is over.
    #[error(
        "failed to wait for plugins activation: timeout of --ready-timeout={seconds}; not ready: {}", waiting.join(", ")
    )]
    NotReady {
        /// What it was.
        seconds: u64,
        /// Whose plugins aren't `OK`.
        waiting: Vec<String>,
    },
    /// The operating system refuses what a process needs.
    #[error("the operating system refuses: {0}")]
    System(#[from] io::Error),
}

impl From<SetUpError> for DropInError {
    fn from(error: SetUpError) -> Self {
        Self::Client(error.to_string())
    }
}

impl From<FetchError> for DropInError {
    fn from(error: FetchError) -> Self {
        Self::Client(error.to_string())
    }
}

/// Runs until the process is told to end.
///
/// # Errors
/// When it can't begin.
pub(crate) fn run(plan: &Plan) -> Result<(), DropInError> {
    for notice in &plan.not_honoured {
        tracing::warn!(%notice, "not honoured");
    }
    let (folder, is_ours) = data_folder(plan)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()?;
    let ended = runtime.block_on(async {
        match &plan.config.discovery {
            Some(discovery) => discovery::serve(plan, discovery, (&folder, !is_ours)).await,
            None => serve(plan, (&folder, !is_ours)).await,
        }
    });
    runtime.shutdown_background();
    if is_ours {
        // What is left of it is nobody's.
        let _ = std::fs::remove_dir_all(&folder);
    }
    ended
}

async fn serve(plan: &Plan, folder: (&Path, bool)) -> Result<(), DropInError> {
    let plugin = plan.config.ext_authz.as_ref().ok_or(DropInError::NoPlugin)?;
    let listening = Listening::new(plugin)?;
    let told_to_end = postern_process::told_to_end()?;
    let prometheus = metrics::install().map_err(|error| DropInError::Metrics(error.to_string()))?;
    let context = context(plan, folder)?;
    let services = services(
        &plan.config.services,
        &plan.config.keys,
        &around(plan, &context.randomness),
    )?;
    let telling = tells::start(plan, plugin, &services, &context, prometheus)?;
    let bundles = Deciding::policy(plan, plugin, &context, &telling).await?;
    bundles
        .start(&plan.config.bundles, &plan.config.keys, &services)
        .await;
    let deciding = Deciding::start(plan, plugin, listening, bundles, &context, &telling)?;
    // Not before: whoever asks for health asks whether checks are answered.
    let stop_api = CancellationToken::new();
    let mut told_to_end = std::pin::pin!(told_to_end);
    let told = tokio::select! {
        signal = &mut told_to_end => Some(signal),
        ready = tells::ready(plan, telling.status()) => {
            ready?;
            None
        }
    };
    let signal = match told {
        Some(signal) => signal,
        None => {
            tells::serve(plan, &telling.api(), &stop_api)?;
            told_to_end.await
        }
    };
    tracing::info!(signal, "ending");
    deciding.end(plan).await;
    telling
        .end(Duration::from_secs(plan.server.shutdown_grace_seconds))
        .await;
    stop_api.cancel();
    Ok(())
}

/// What all parts share, before anything is in force. `lasting` is whether the folder is there after this process.
///
/// # Errors
/// When the folder or the system's randomness isn't to be had.
pub(super) fn context(plan: &Plan, (folder, lasting): (&Path, bool)) -> Result<Arc<Context>, DropInError> {
    let disk = DataFolder::open(folder)?;
    if lasting {
        disk.keep_modules();
    }
    Ok(Arc::new(Context {
        published: Arc::new(Published::new(nothing_yet()?)),
        status: Arc::new(Status::new(State::default())),
        disk,
        randomness: Arc::new(Randomness::from_system().map_err(io::Error::other)?),
        nonce_keys: NonceKeySource::default(),
        runtime: Runtime::of(plan),
        candidates: Arc::default(),
    }))
}

/// What services take from the process.
pub(super) fn around(plan: &Plan, randomness: &Arc<Randomness>) -> Around {
    Around {
        host: Arc::new(Machine),
        randomness: Arc::clone(randomness),
        min_tls: plan.server.min_tls,
    }
}

/// Where Envoy's checks are to be answered, before anybody does.
pub(super) struct Listening {
    listener: crate::listen::Bound,
    settings: OpaEnvoySettings,
}

impl Listening {
    /// Listens.
    ///
    /// # Errors
    /// When that address isn't to be had, or the file of descriptors.
    pub(super) fn new(plugin: &ExtAuthz) -> Result<Self, DropInError> {
        Ok(Self {
            listener: sockets::bind(&plugin.address)?,
            settings: settings_of(plugin)?,
        })
    }
}

/// What answers Envoy, and the policy that it asks.
pub(super) struct Deciding {
    pub(super) bundles: Bundles,
    checks: JoinHandle<()>,
    stop: CancellationToken,
}

impl Deciding {
    /// The policy that the command line names, to which bundles may come.
    ///
    /// # Errors
    /// When it can't be read, or is refused.
    pub(super) async fn policy(
        plan: &Plan,
        plugin: &ExtAuthz,
        context: &Arc<Context>,
        telling: &Telling,
    ) -> Result<Bundles, DropInError> {
        let files = &plan.policy;
        let watching = (files.watch && !files.paths.is_empty()).then(|| {
            let paths = files.paths.iter().map(|path| PathBuf::from(&path.path));
            Watching::from_now(paths)
        });
        let policy = policy::start(plan, plugin, context).await?;
        let bundles = Bundles::new(bundles::Into {
            set: policy.set,
            context: Arc::clone(context),
            status: Arc::clone(telling.status()),
            folder: PathBuf::from(&plan.config.persistence_directory),
            missing: policy.missing.map(|missing| missing.to_string()),
        });
        if let Some(watching) = watching {
            bundles.watch(files, watching);
        }
        Ok(bundles)
    }

    /// Begins to answer.
    ///
    /// # Errors
    /// When the system refuses what that takes.
    pub(super) fn start(
        plan: &Plan,
        plugin: &ExtAuthz,
        listening: Listening,
        bundles: Bundles,
        context: &Arc<Context>,
        telling: &Telling,
    ) -> Result<Self, DropInError> {
        let checker = Arc::new(Checker {
            published: Arc::clone(&context.published),
            caches: Arc::new(Caches::new(CacheLimits::default())),
            randomness: Arc::clone(&context.randomness),
            wakes: Wakes::default(),
            reporter: Arc::new(Reporter {
                metrics: CheckMetrics::register(),
                log: DecisionLog(LogDecisions::None),
                recent: Recent::of(100),
            }),
            introspector: Arc::new(Introspector::new(Vec::new())?),
            http_sender: HttpSender::to_anybody(
                Proxies::of(&Machine).map_err(DropInError::Client)?,
                plan.config.inter_query_cache_bytes,
            )?,
            candidates: Arc::clone(&context.candidates),
            opa: Some(telling.observer()),
        });
        let workers = WorkersPlan {
            threads: std::thread::available_parallelism()
                .map_or(1, |threads| threads.get().min(MOST_WORKERS)),
            overload: overload(plan, plugin),
            listeners: vec![listening.listener],
            http_auth: None,
            dialect: Dialect::OpaEnvoy(listening.settings),
            reflection: plugin.enable_reflection,
            status: Arc::clone(&context.status),
        };
        let stop = CancellationToken::new();
        let checks = workers::start(workers, checker, stop.clone())?;
        context.status.change(|state| state.listening = true);
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            addr = %plugin.address,
            path = plugin.decision.path().written,
            dry_run = plugin.dry_run,
            "started as opa-envoy-plugin"
        );
        Ok(Self {
            bundles,
            checks,
            stop,
        })
    }

    /// Answers what is under way, and no more.
    pub(super) async fn end(self, plan: &Plan) {
        self.bundles.end();
        tokio::time::sleep(Duration::from_secs(plan.server.shutdown_wait_seconds)).await;
        self.stop.cancel();
        if tokio::task::spawn_blocking(move || self.checks.join())
            .await
            .is_err()
        {
            tracing::error!("the runtime of the checks ended unexpectedly");
        }
    }
}

fn settings_of(plugin: &ExtAuthz) -> Result<OpaEnvoySettings, DescriptorsError> {
    let descriptors = plugin
        .proto_descriptor
        .as_deref()
        .map(|path| Descriptors::read(path.as_ref()));
    Ok(OpaEnvoySettings {
        dry_run: plugin.dry_run,
        denies_on_policy_error: plugin.denies_on_policy_error,
        skip_request_body_parse: plugin.skip_request_body_parse,
        http_requests: MOST_REQUESTS,
        max_sent_bytes: usize::try_from(plugin.max_sent_bytes).ok(),
        grpc: match descriptors.transpose()? {
            Some(descriptors) => Some(Arc::new(descriptors)),
            None => None,
        },
    })
}

fn overload(plan: &Plan, plugin: &ExtAuthz) -> OverloadPlan {
    let received = usize::try_from(plugin.max_received_bytes).unwrap_or(usize::MAX);
    OverloadPlan {
        max_in_flight: 4096,
        max_connections: 1024,
        max_streams: 1024,
        max_message_bytes: received,
        max_partial_bytes: received.saturating_mul(16).max(64 << 20),
        message_deadline: Duration::from_secs(5),
        drain: Duration::from_secs(plan.server.shutdown_grace_seconds),
    }
}

/// Where things are kept: `persistence_directory` where a bundle is to be kept there; else a folder of this process alone,
/// which goes with it, since OPA writes nothing then.
fn data_folder(plan: &Plan) -> io::Result<(PathBuf, bool)> {
    let discovery = plan.config.discovery.as_ref();
    if plan.config.bundles.values().any(|bundle| bundle.persist)
        || discovery.is_some_and(|discovery| discovery.persist)
    {
        return Ok((PathBuf::from(&plan.config.persistence_directory), false));
    }
    let name = format!("postern-sidecar-{}-{}", std::process::id(), clock::now().unix_ns);
    let folder = std::env::temp_dir().join(name);
    // Fails where there is one already, so that nobody else's is taken.
    std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
    Ok((folder, true))
}

/// What is in force before a policy is: no decision is defined.
fn nothing_yet() -> Result<Snapshot, DropInError> {
    let settings = Settings {
        realm: String::new(),
        prefix: HeaderPrefix::new(HeaderPrefix::DEFAULT).map_err(io::Error::other)?,
        max_upstream_headers: Settings::DEFAULT_MAX_UPSTREAM_HEADERS,
        dpop_nonce_lifetime_seconds: Settings::DEFAULT_DPOP_NONCE_LIFETIME_SECONDS,
    };
    Ok(Snapshot::initial(
        settings,
        Arc::new(Routes::catch_all(Route::named("opa-envoy"))),
        Issuers::default(),
        Revocations::without_stream(),
    ))
}
