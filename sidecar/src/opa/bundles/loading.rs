//! From a bundle that came to one that is in force, and what the status tells of it (OPA's `v1/plugins/bundle`,
//! `Plugin.process`). One at a time, as there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use postern_policy::activation::Verified;
use postern_policy::{Deltas, Limits, Verification};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::problem::Problem;
use super::{Into, PLUGIN, kept};
use crate::clock::{self, Stopwatch};
use crate::opa::at_start::AtStart;
use crate::opa::status::{BundleStatus, PluginState};
use crate::sync::{Activation, put_into_force, verified};

/// A bundle that is asked for.
pub(super) struct Subscription {
    pub(super) name: String,
    pub(super) verification: Verification,
    pub(super) limits: Limits,
    pub(super) persist: bool,
}

/// A bundle that came, and is what its signer signed.
pub(super) struct Came {
    pub(super) verified: Verified,
    /// Its tag; empty for none.
    pub(super) etag: String,
    /// Of the archive, bytes; 0 where it wasn't one.
    pub(super) size: usize,
    /// The archive, where it is to be kept on disk.
    pub(super) kept: Option<Vec<u8>>,
}

/// What is known of an answer besides what it brought.
pub(super) struct Update {
    /// The tag of what is in force.
    good: String,
    /// The tag that stands after an answer that nothing changed.
    pub(super) tag: String,
    timers: BTreeMap<String, i64>,
}

impl Update {
    /// Before anything was measured; what is in force has the tag `good`.
    pub(super) fn new(good: &str) -> Self {
        Self {
            good: good.to_owned(),
            tag: good.to_owned(),
            timers: BTreeMap::new(),
        }
    }

    /// Notes how long something took, by OPA's name for it.
    pub(super) fn timer(&mut self, name: &str, took: Duration) {
        let ns = i64::try_from(took.as_nanos()).unwrap_or(i64::MAX);
        let total = self.timers.entry(format!("timer_{name}_ns")).or_default();
        *total = total.saturating_add(ns);
    }
}

/// How often persisted bundles are tried that need each other (OPA's `maxActivationRetry`).
const MOST_ROUNDS: usize = 10;

/// Brings bundles into force.
pub(super) struct Loading {
    pub(super) into: Into,
    turn: Mutex<()>,
}

impl Loading {
    pub(super) fn new(into: Into) -> Self {
        Self {
            into,
            turn: Mutex::new(()),
        }
    }

    /// The tag of the bundle of that name that is in force, if one is.
    pub(super) fn tag_in_force(&self, name: &str) -> Option<String> {
        self.into.set.tag_in_force(name)
    }

    /// Takes in what was answered. Gives the tag of what is in force now, where that is another.
    ///
    /// # Errors
    /// Whatever keeps the last good bundle in force, or the new one from being kept; it was told.
    pub(super) async fn process(
        &self,
        subscription: &Subscription,
        mut update: Update,
        outcome: Result<Option<Came>, Problem>,
    ) -> Result<Option<String>, Problem> {
        let _turn = self.turn.lock().await;
        let name = subscription.name.as_str();
        let mut status = self.into.status.bundle_status(name);
        let now = clock::now().unix_ns;
        status.last_request = Some(now);
        let done = match outcome {
            Err(problem) => {
                tracing::error!(bundle = name, problem = problem.text(), "bundle load failed");
                if problem.is_of_what_is_served() {
                    self.into.set.forget(name);
                }
                Err(problem)
            }
            Ok(None) => {
                self.into.set.forget(name);
                status.last_successful_request = Some(now);
                if update.tag == update.good {
                    status.set_error(None);
                }
                Ok(None)
            }
            Ok(Some(came)) => {
                status.last_successful_request = Some(now);
                status.last_successful_download = Some(now);
                came.verified.kind().clone_into(&mut status.kind);
                let etag = came.etag.clone();
                let done = self.activate(subscription, came, &mut update, &mut status).await;
                if let Err(problem) = &done {
                    tracing::error!(
                        bundle = name,
                        problem = problem.text(),
                        "bundle activation failed"
                    );
                }
                done.map(|()| Some(etag))
            }
        };
        if let Err(problem) = &done {
            status.set_error(Some(problem.told()));
        }
        status.metrics = update.timers;
        self.into.status.bundle(name, |told| *told = status);
        self.check_readiness();
        done
    }

    async fn activate(
        &self,
        subscription: &Subscription,
        came: Came,
        update: &mut Update,
        status: &mut BundleStatus,
    ) -> Result<(), Problem> {
        let stopwatch = Stopwatch::start();
        let revision = came.verified.revision().to_owned();
        let is_whole = came.verified.bundle().is_some();
        let activated = self.in_force(came.verified).await;
        update.timer("rego_module_compile", stopwatch.elapsed());
        update.timer("rego_load_bundles", stopwatch.elapsed());
        self.tell_of_followers(&activated?);
        if subscription.persist && is_whole {
            self.keep(subscription, came.kept).await.map_err(Problem::Other)?;
        }
        status.set_error(None);
        status.last_successful_activation = Some(clock::now().unix_ns);
        status.size = came.size as u64;
        tracing::info!(
            bundle = subscription.name,
            revision,
            etag = came.etag,
            "the bundle is in force"
        );
        status.active_revision = revision;
        Ok(())
    }

    async fn in_force(&self, verified: Verified) -> Result<Activation, Problem> {
        let context = Arc::clone(&self.into.context);
        let tell = move |activation: &Activation| put_into_force(&context, &activation.policy);
        let taken = self.into.set.take(verified, &tell).await;
        taken.map_err(|error| Problem::of(error, &self.into.missing))
    }

    /// Puts what the process was started with into force once more, as it was read again.
    ///
    /// # Errors
    /// Whatever keeps what was in force there.
    pub(super) async fn start_anew(&self, at_start: AtStart) -> Result<(), Problem> {
        let _turn = self.turn.lock().await;
        let context = Arc::clone(&self.into.context);
        let tell = move |activation: &Activation| put_into_force(&context, &activation.policy);
        let AtStart { loose, bundles, .. } = at_start;
        let started = self.into.set.start_anew(loose, bundles, &tell).await;
        let activation = started.map_err(|error| Problem::of(error, &self.into.missing))?;
        self.tell_of_followers(&activation);
        self.check_readiness();
        Ok(())
    }

    /// Bundles that had been refused came into force with another.
    fn tell_of_followers(&self, activation: &Activation) {
        for name in &activation.followed {
            let in_force = activation.bundles.iter().find(|bundle| bundle.name == *name);
            self.into.status.bundle(name, |told| {
                told.set_error(None);
                told.last_successful_activation = Some(clock::now().unix_ns);
                told.active_revision = in_force.map(|bundle| bundle.revision.clone()).unwrap_or_default();
            });
        }
    }

    async fn keep(&self, subscription: &Subscription, archive: Option<Vec<u8>>) -> Result<(), String> {
        let archive = archive.ok_or("no raw bundle bytes to persist to disk")?;
        let path = kept::path(&self.into.folder, &subscription.name)?;
        let written = spawn_blocking(move || kept::write(&path, &archive)).await;
        written.map_err(|error| error.to_string())?
    }

    /// Loads what is on disk of these bundles.
    pub(super) async fn load_from_disk(&self, subscriptions: impl Iterator<Item = &Arc<Subscription>>) {
        let _turn = self.turn.lock().await;
        let mut found = Vec::new();
        for subscription in subscriptions {
            let name = subscription.name.as_str();
            match self.read_from_disk(subscription).await {
                Ok(None) => {}
                Ok(Some(verified)) => found.push(verified),
                Err(problem) => {
                    tracing::error!(
                        bundle = name,
                        problem = problem.text(),
                        "the bundle on disk can't be loaded"
                    );
                    self.into
                        .status
                        .loaded_from_disk(name, |status| status.set_error(Some(problem.told())));
                }
            }
        }
        for _ in 0..MOST_ROUNDS {
            let mut refused = Vec::new();
            for verified in std::mem::take(&mut found) {
                let name = verified.name().to_owned();
                let revision = verified.revision().to_owned();
                let kind = verified.kind();
                let activated = self.in_force(verified.clone()).await;
                self.into.status.loaded_from_disk(&name, |status| {
                    kind.clone_into(&mut status.kind);
                    match &activated {
                        Ok(_) => {
                            status.set_error(None);
                            status.last_successful_activation = Some(clock::now().unix_ns);
                            status.active_revision.clone_from(&revision);
                        }
                        Err(problem) => status.set_error(Some(problem.told())),
                    }
                });
                match activated {
                    Ok(activation) => {
                        tracing::info!(
                            bundle = name,
                            revision,
                            "the bundle that was kept on disk is in force"
                        );
                        self.tell_of_followers(&activation);
                        refused.retain(|other: &Verified| {
                            !activation.followed.iter().any(|name| name == other.name())
                        });
                    }
                    Err(problem) => {
                        tracing::error!(
                            bundle = name,
                            problem = problem.text(),
                            "the bundle on disk is refused"
                        );
                        refused.push(verified);
                    }
                }
            }
            if refused.is_empty() {
                break;
            }
            found = refused;
        }
        self.check_readiness();
    }

    async fn read_from_disk(&self, subscription: &Subscription) -> Result<Option<Verified>, Problem> {
        let path = kept::path(&self.into.folder, &subscription.name).map_err(Problem::Other)?;
        let limit = subscription.limits.archive_bytes;
        let read = spawn_blocking(move || kept::read(&path, limit)).await;
        let read = read.map_err(|error| Problem::Other(error.to_string()))?;
        let Some(archive) = read.map_err(Problem::Other)? else {
            return Ok(None);
        };
        let Subscription {
            name,
            verification,
            limits,
            ..
        } = subscription;
        // OPA has no tag for it.
        let deltas = Some(Deltas::default());
        let verified = verified(archive, name, "", verification, *limits, deltas).await;
        verified.map(Some).map_err(Problem::Refused)
    }

    /// Once all bundles were in force at once, the plugin is ready for good.
    fn check_readiness(&self) {
        let status = &self.into.status;
        if status.plugin_state(PLUGIN) != Some(PluginState::Ok) && status.all_bundles_are_active() {
            status.plugin(PLUGIN, PluginState::Ok);
        }
    }
}
