//! The process from its plan to its end.

use std::io;
use std::sync::Arc;

use postern_decide::{
    ActivePolicy, CacheLimits, Caches, HeaderPrefix, Issuers, PolicyLimits, Revocations, Route, Routes,
    Settings, Snapshot,
};
use postern_policy::{Bundle, Engine, Limits, PlanEngine, Verification};
use tokio_util::sync::CancellationToken;

use super::plan::Plan;
use crate::checker::Checker;
use crate::decision_log::{DecisionLog, LogDecisions};
use crate::ext_authz::Dialect;
use crate::http_send::HttpSender;
use crate::introspect::Introspector;
use crate::listen;
use crate::metrics::CheckMetrics;
use crate::process::ProcessError;
use crate::published::Published;
use crate::random::Randomness;
use crate::refetch::Wakes;
use crate::report::{Recent, Reporter};
use crate::status::{State, Status};
use crate::workers::{self, WorkersPlan};

/// Runs until the process is told to end.
///
/// # Errors
/// When it can't begin.
pub(crate) fn run(plan: Plan) -> Result<(), ProcessError> {
    let listener = listen::bind(&plan.listen).map_err(|error| ProcessError::Bind {
        key: "plugins.envoy_ext_authz_grpc.addr",
        error,
    })?;
    let mut snapshot = Snapshot::initial(
        settings()?,
        Arc::new(Routes::catch_all(Route::named("opa-envoy"))),
        Issuers::default(),
        Revocations::without_stream(),
    );
    if let Some(archive) = plan.bundles.first() {
        let built = std::env::temp_dir().join(format!("postern-opa-{}.tar.gz", std::process::id()));
        let status = std::process::Command::new("opa")
            .args(["build", "-t", "plan", "-e", &plan.path, "-o"])
            .arg(&built)
            .arg(archive)
            .status()?;
        if !status.success() {
            return Err(io::Error::other("opa build failed").into());
        }
        let archive = std::fs::read(&built)?;
        let policy = activate(&archive, &plan.path).map_err(io::Error::other)?;
        snapshot = snapshot.with_policy(Arc::new(policy));
    }
    let checker = Arc::new(Checker {
        published: Arc::new(Published::new(snapshot)),
        caches: Arc::new(Caches::new(CacheLimits::default())),
        randomness: Arc::new(Randomness::from_system().map_err(io::Error::other)?),
        wakes: Wakes::default(),
        reporter: Arc::new(Reporter {
            metrics: CheckMetrics::register(),
            log: DecisionLog(LogDecisions::None),
            recent: Recent::of(100),
        }),
        introspector: Arc::new(Introspector::new(Vec::new())?),
        http_sender: HttpSender::new(None)?,
        opa: None,
    });
    let workers = WorkersPlan {
        threads: 1,
        overload: plan.overload,
        listeners: vec![listener],
        http_auth: None,
        dialect: Dialect::OpaEnvoy(plan.settings),
        reflection: plan.reflection,
        status: Arc::new(Status::new(State::default())),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let stop = CancellationToken::new();
    runtime.block_on(async {
        let told_to_end = postern_process::told_to_end()?;
        let checks = workers::start(workers, checker, stop.clone())?;
        told_to_end.await;
        stop.cancel();
        let _ = tokio::task::spawn_blocking(move || checks.join()).await;
        Ok(())
    })
}

fn settings() -> Result<Settings, ProcessError> {
    Ok(Settings {
        realm: String::new(),
        prefix: HeaderPrefix::new("x-postern-").map_err(io::Error::other)?,
        max_upstream_headers: Settings::DEFAULT_MAX_UPSTREAM_HEADERS,
        dpop_nonce_lifetime_seconds: Settings::DEFAULT_DPOP_NONCE_LIFETIME_SECONDS,
    })
}

fn activate(archive: &[u8], path: &str) -> Result<ActivePolicy, String> {
    let bundle =
        Bundle::read(archive, &Verification::Unsigned, &Limits::default()).map_err(|e| e.to_string())?;
    let engine = PlanEngine::from_bundle(&bundle).map_err(|e| e.to_string())?;
    let entrypoint = engine.entrypoint(path).ok_or("no entrypoint")?;
    Ok(ActivePolicy::new(Arc::new(engine), entrypoint).with_limits(PolicyLimits::default()))
}
