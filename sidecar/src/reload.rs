//! The configuration, read again when its file changes or on SIGHUP: put into force as a whole, or refused as a whole while
//! the old one serves on. What can't change while the process runs is a reason to refuse, and named.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use metrics::{counter, gauge};
use postern_config::ConfigError;
use postern_decide::CacheLimits;
use tokio::signal::unix::Signal;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::config::{Config, Issuer};
use crate::http_send::HttpSendPlan;
use crate::introspect::IntrospectionPlan;
use crate::metrics::{CONFIG_REFUSED, CONFIG_RELOADS};
use crate::status::ConfigState;
use crate::sync::{Context, PrepareError, Prepared, Sources};

/// How often the file is looked at. Its time and size are all that is read of it.
const LOOK: Duration = Duration::from_secs(1);

/// Why a configuration isn't put into force.
#[derive(Debug, thiserror::Error)]
enum ReloadError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{0} can't change while the process runs; restart it to use the file as it is")]
    NeedsRestart(String),
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    #[error("reading it ended unexpectedly: {0}")]
    Broken(#[from] tokio::task::JoinError),
}

/// A file, and what told its state from another when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    path: PathBuf,
    mark: Option<Mark>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    modified: Option<SystemTime>,
    bytes: u64,
    inode: u64,
}

impl Origin {
    /// The file as it is now; ask before reading it, so that a change meanwhile is seen.
    pub(crate) fn of(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            mark: Mark::of(path),
        }
    }
}

impl Mark {
    /// `None` where there is no file at the moment, as while an editor replaces it.
    fn of(path: &Path) -> Option<Self> {
        // Through links: a mounted ConfigMap changes by switching one.
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self {
            modified: metadata.modified().ok(),
            bytes: metadata.len(),
            inode: metadata.ino(),
        })
    }
}

/// Watches the file.
pub(crate) struct Reload {
    config: Config,
    /// The file as it was when it was last read, whatever came of that.
    seen: Origin,
    sources: Sources,
    context: Arc<Context>,
}

impl Reload {
    /// Goes on from a configuration that is in force.
    pub(crate) fn of(config: Config, sources: Sources, context: Arc<Context>) -> Self {
        gauge!(CONFIG_REFUSED).set(0.0);
        context.status.change(|state| state.config = in_force(&config));
        Self {
            seen: config.origin.clone(),
            config,
            sources,
            context,
        }
    }

    /// Watches until `stop`, then ends everything that the configuration started.
    pub(crate) async fn run(mut self, mut asked: Signal, stop: CancellationToken) {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let because = tokio::select! {
                () = stop.cancelled() => break,
                _ = asked.recv() => "SIGHUP",
                _ = look.tick() => {
                    let mark = Mark::of(&self.seen.path);
                    if mark.is_none() || mark == self.seen.mark {
                        continue;
                    }
                    "the file changed"
                }
            };
            self.seen = Origin::of(&self.seen.path);
            let prepared = tokio::select! {
                () = stop.cancelled() => break,
                prepared = self.prepare() => prepared,
            };
            match prepared {
                Ok((config, prepared)) => self.put_into_force(because, config, prepared).await,
                Err(error) => self.refuse(because, &error),
            }
        }
        self.sources.end().await;
    }

    async fn prepare(&self) -> Result<(Config, Prepared), ReloadError> {
        let path = self.seen.path.clone();
        let config = tokio::task::spawn_blocking(move || Config::load(&path)).await??;
        let fixed = cannot_change(&self.config, &config);
        if !fixed.is_empty() {
            return Err(ReloadError::NeedsRestart(fixed.join(", ")));
        }
        let prepared = self.sources.prepare(&config).await?;
        Ok((config, prepared))
    }

    async fn put_into_force(&mut self, because: &'static str, config: Config, prepared: Prepared) {
        self.sources.put_into_force(&config, prepared).await;
        tracing::info!(because, path = %self.seen.path.display(), "another configuration is in force");
        counter!(CONFIG_RELOADS, "outcome" => "applied").increment(1);
        gauge!(CONFIG_REFUSED).set(0.0);
        self.context
            .status
            .change(|state| state.config = in_force(&config));
        self.config = config;
    }

    fn refuse(&self, because: &'static str, error: &ReloadError) {
        tracing::error!(because, %error, "the configuration is refused; the one before serves on");
        counter!(CONFIG_RELOADS, "outcome" => "refused").increment(1);
        gauge!(CONFIG_REFUSED).set(1.0);
        self.context.status.change(|state| {
            state.config.error = Some(error.to_string());
            state.config.error_at = Some(clock::now().seconds().0);
        });
    }
}

/// What is told of a configuration that has just come into force.
fn in_force(config: &Config) -> ConfigState {
    ConfigState {
        written: Arc::clone(&config.written),
        loaded_at: clock::now().seconds().0,
        ..Default::default()
    }
}

/// What `new` would change and no running process can: the keys, as the file has them.
fn cannot_change(old: &Config, new: &Config) -> Vec<&'static str> {
    // Each part of a configuration is named, so that a further one must be thought about here.
    let Config {
        data_dir,
        listen,
        overload,
        workers,
        admin,
        caches,
        log_decisions,
        keep_decisions,
        http_auth,
        reflection,
        settings: _,
        issuers,
        routes: _,
        policy: _,
        candidate: _,
        stream: _,
        origin: _,
        written: _,
    } = new;
    let CacheLimits {
        token_bytes,
        dpop_proofs,
        dpop_window_seconds,
    } = caches;
    let parts = [
        ("data_dir", *data_dir != old.data_dir),
        ("ext_authz.listen", *listen != old.listen),
        ("overload or ext_authz.max_connections", *overload != old.overload),
        ("ext_authz.workers", *workers != old.workers),
        ("admin", *admin != old.admin),
        ("token_cache_mib", *token_bytes != old.caches.token_bytes),
        (
            "dpop.replay_cache_entries",
            *dpop_proofs != old.caches.dpop_proofs,
        ),
        (
            "a longer dpop.iat_window_seconds than any route had",
            *dpop_window_seconds > old.caches.dpop_window_seconds,
        ),
        (
            "issuers[].introspection",
            introspections(issuers) != introspections(&old.issuers),
        ),
        ("http_auth", *http_auth != old.http_auth),
        ("ext_authz.reflection", *reflection != old.reflection),
        ("log_decisions", *log_decisions != old.log_decisions),
        ("decisions.keep", *keep_decisions != old.keep_decisions),
        ("policy.http_send", http_send(new) != http_send(old)),
    ];
    let changed = parts.into_iter().filter(|(_, changed)| *changed);
    changed.map(|(key, _)| key).collect()
}

fn http_send(config: &Config) -> Option<&HttpSendPlan> {
    config.policy.as_ref()?.http_send.as_ref()
}

/// How tokens are asked about, whatever the order of issuers.
fn introspections(issuers: &[Issuer]) -> Vec<&IntrospectionPlan> {
    let mut plans: Vec<_> = issuers
        .iter()
        .filter_map(|issuer| issuer.introspection.as_ref())
        .collect();
    plans.sort_by(|one, other| one.issuer.cmp(&other.issuer));
    plans
}
