//! Policy from where OPA's configuration says: each of its `bundles` is asked for, loaded and told of as OPA does it
//! (`v1/download`, `v1/plugins/bundle`), all of them into one policy.
//!
//! | file | job |
//! |---|---|
//! | `polling` | what is known of a server, and when it is asked next; pure |
//! | `download` | one request |
//! | `downloader` | asks a service again and again |
//! | `file` | a bundle on this machine's disk |
//! | `loading` | from what came to what is in force, and what is told of it |
//! | `kept` | `persist`: the last good bundle on disk, where OPA has it |
//! | `watched` | `--watch`: what the process was started with, when it changes on disk |
//! | `discovered` | the bundle of `discovery` |
//! | `problem` | why there is no bundle, in the status's words |

mod discovered;
mod download;
mod downloader;
mod file;
mod kept;
mod loading;
mod polling;
mod problem;
mod watched;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use postern_opa_config::{Bundle, BundleSource, Keys, PolicyFiles};
use postern_policy::Limits;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::service::Service;
use super::status::{OpaStatus, PluginState};
use super::verification;
use super::watching::Watching;
use crate::sync::{Context, PolicySet};
pub(super) use discovered::{Applied, DISCOVERY, Discovered, NotApplied};
use downloader::Downloader;
use loading::{Loading, Subscription};
use polling::Polling;

/// The name under which OPA's plugin tells of itself.
pub(super) const PLUGIN: &str = "bundle";
/// An archive as it comes. OPA has no bound.
const MAX_ARCHIVE_BYTES: usize = 256 << 20;
/// All files of one. OPA has no bound but for each file.
const MAX_INFLATED_BYTES: u64 = 1 << 30;

/// What bundles are loaded into, and told of to.
pub(super) struct Into {
    pub(super) set: Arc<PolicySet>,
    pub(super) context: Arc<Context>,
    pub(super) status: Arc<OpaStatus>,
    /// `persistence_directory`.
    pub(super) folder: PathBuf,
    /// Why nothing can be compiled here, where that is so.
    pub(super) missing: Option<String>,
}

/// Bundles that are asked for.
pub(super) struct Bundles {
    loading: Arc<Loading>,
    stop: CancellationToken,
    asked: Mutex<BTreeMap<String, Asking>>,
}

/// A bundle that is being asked for.
struct Asking {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Bundles {
    /// None yet.
    pub(super) fn new(into: Into) -> Self {
        Self {
            loading: Arc::new(Loading::new(into)),
            stop: CancellationToken::new(),
            asked: Mutex::default(),
        }
    }

    /// Asks for these no more, to the end of what is being loaded.
    pub(super) async fn leave(&self, names: impl Iterator<Item = &String>) {
        for name in names {
            let asking = self
                .asked
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(name);
            if let Some(asking) = asking {
                asking.stop.cancel();
                // It told what became of it.
                let _ = asking.task.await;
            }
        }
    }

    /// Loads what is on disk of these bundles, and begins to ask for them.
    pub(super) async fn start(
        &self,
        bundles: &BTreeMap<String, Bundle>,
        keys: &Keys,
        services: &BTreeMap<String, Arc<dyn Service>>,
    ) {
        if bundles.is_empty() {
            return;
        }
        let status = &self.loading.into.status;
        status.expect_bundles(bundles.keys());
        status.plugin(PLUGIN, PluginState::NotReady);
        let all: Vec<(Arc<Subscription>, &Bundle)> = bundles
            .iter()
            .map(|(name, bundle)| {
                let subscription = Arc::new(subscription(name, bundle, keys));
                if bundle.signing.as_ref().is_some_and(|signing| !signing.is_required) {
                    tracing::warn!(
                        bundle = name,
                        "`keys` are configured, and no `signing` for this bundle: a signature is verified where there is \
                         one, and a bundle without one is taken. Add `signing` to require one"
                    );
                }
                (subscription, bundle)
            })
            .collect();
        let persisted = all.iter().map(|(subscription, _)| subscription);
        self.loading
            .load_from_disk(persisted.filter(|one| one.persist))
            .await;
        for (subscription, bundle) in all {
            self.ask_for(subscription, bundle, services);
        }
    }

    fn ask_for(
        &self,
        subscription: Arc<Subscription>,
        bundle: &Bundle,
        services: &BTreeMap<String, Arc<dyn Service>>,
    ) {
        let loading = Arc::clone(&self.loading);
        let name = subscription.name.clone();
        let stop = self.stop.child_token();
        let task = match &bundle.source {
            BundleSource::File(path) => {
                let path = PathBuf::from(path);
                tokio::spawn(async move { file::load(&loading, &subscription, &path).await })
            }
            BundleSource::Service { service, resource } => {
                let Some(service) = services.get(service) else {
                    // The configuration was read: it names only what is there.
                    tracing::error!(service, "there is no such service");
                    return;
                };
                let downloader = Downloader {
                    service: Arc::clone(service),
                    resource: resource.clone(),
                    polling: Polling::new(&bundle.polling, ""),
                    randomness: Arc::clone(&loading.into.context.randomness),
                };
                tokio::spawn(downloader.run(loading, subscription, stop.clone()))
            }
        };
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.insert(name, Asking { stop, task });
    }

    /// Loads what the command line names again each time that it changes.
    pub(super) fn watch(&self, files: &PolicyFiles, watching: Watching) {
        let (loading, files, stop) = (Arc::clone(&self.loading), files.clone(), self.stop.child_token());
        tokio::spawn(async move { watched::follow(&loading, files, watching, stop).await });
    }

    /// Asks for no more; what is being loaded is loaded.
    pub(super) fn end(&self) {
        self.stop.cancel();
    }
}

fn subscription(name: &str, bundle: &Bundle, keys: &Keys) -> Subscription {
    Subscription {
        name: name.to_owned(),
        verification: verification::of_bundle(keys, bundle.signing.as_ref()),
        limits: Limits {
            archive_bytes: MAX_ARCHIVE_BYTES,
            inflated_bytes: MAX_INFLATED_BYTES,
            file_bytes: bundle.size_limit_bytes.min(MAX_INFLATED_BYTES),
            ..Limits::default()
        },
        persist: bundle.persist,
    }
}
