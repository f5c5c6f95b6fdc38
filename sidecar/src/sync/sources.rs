//! All that the snapshot is filled from, as the configuration names it: a task for each issuer, the bundle and the stream.
//! Another configuration is prepared beside what runs, and put into force in one swap or not at all; what it doesn't change
//! runs on, with its keys.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use postern_decide::{Revocations, Snapshot, TrustedIssuer};
use reqwest::Client;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::bundle::{BundlePuller, Loaded, PullError};
use super::fetch::{FetchError, Fetcher, client};
use super::keeper;
use super::keys::{KeysPlan, KeysPuller, KeysSource};
use super::lists::Lists;
use super::nonce_keys;
use super::watch::{Wakers, Watcher};
use super::{Context, StreamPlan};
use crate::clock;
use crate::config::{Config, Issuer, Policy};
use crate::refetch::{Wake, Wakes};
use crate::status::{BundleState, ControlPlaneState, IssuerState};

/// How long another policy may take to be fetched before it takes over from one that serves.
const FIRST_FETCH: Duration = Duration::from_secs(20);

/// How long what was replaced is kept.
const LINGER: Duration = Duration::from_secs(2);

/// Why a configuration can't take over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrepareError {
    /// Its policy can't be had: the one that serves would be replaced by none.
    #[error("policy: {0}")]
    Policy(#[from] PullError),
    /// Its policy takes too long.
    #[error("policy: it could not be fetched within {} s", FIRST_FETCH.as_secs())]
    PolicyDeadline,
}

/// Everything that runs.
pub(crate) struct Sources {
    context: Arc<Context>,
    client: Client,
    wakes: Wakes,
    bundle_hint: Arc<Notify>,
    issuers: HashMap<Arc<str>, Running<(KeysSource, KeysPlan)>>,
    policy: Option<Running<Policy>>,
    stream: Option<Stream>,
    nonce_keys: Task,
}

/// A source that runs, and what it was started from.
struct Running<P> {
    plan: P,
    task: Task,
}

struct Stream {
    plan: StreamPlan,
    lists: watch::Sender<Lists>,
    watcher: Task,
    keeper: Task,
}

struct Task {
    stop: CancellationToken,
    handle: JoinHandle<()>,
}

impl Task {
    fn start<F: Future<Output = ()> + Send + 'static>(run: impl FnOnce(CancellationToken) -> F) -> Self {
        let stop = CancellationToken::new();
        Self {
            handle: tokio::spawn(run(stop.clone())),
            stop,
        }
    }

    /// Stops it; when this is through, it changes nothing any more.
    async fn end(self) {
        self.stop.cancel();
        let _ = self.handle.await;
    }
}

/// What another configuration makes of what there is. Nothing of it is in force.
pub(crate) struct Prepared {
    issuers: Vec<PreparedIssuer>,
    policy: PreparedPolicy,
    lists: Option<Lists>,
}

struct PreparedIssuer {
    issuer: Arc<TrustedIssuer>,
    wake: Arc<Wake>,
    /// `None`: the one that runs stays, with the keys that it has by then.
    puller: Option<(KeysPuller, IssuerState)>,
}

enum PreparedPolicy {
    Stays,
    None,
    Other(Box<BundlePuller>, Option<Loaded>),
}

/// What becomes of the control plane's lists.
enum ListsChange {
    Stay,
    End,
    Begin(Lists),
}

impl Sources {
    /// Nothing runs yet.
    ///
    /// # Errors
    /// When outgoing connections can't be set up.
    pub(crate) fn new(context: Arc<Context>, wakes: Wakes) -> Result<Self, FetchError> {
        context.turn_nonce_keys();
        let turning = Arc::clone(&context);
        Ok(Self {
            client: client()?,
            wakes,
            bundle_hint: Arc::default(),
            issuers: HashMap::new(),
            policy: None,
            stream: None,
            nonce_keys: Task::start(|stop| async move { nonce_keys::turn_over(&turning, stop).await }),
            context,
        })
    }

    /// Gets ready for the first configuration, from disk alone: checks needn't wait for the network.
    pub(crate) async fn prepare_from_disk(&self, config: &Config) -> Prepared {
        let policy = match &config.policy {
            None => PreparedPolicy::None,
            Some(policy) => {
                let mut puller = self.bundle_puller(policy);
                let loaded = puller.load_from_disk().await;
                PreparedPolicy::Other(Box::new(puller), loaded)
            }
        };
        self.prepared(config, policy)
    }

    /// Gets ready for another configuration.
    ///
    /// # Errors
    /// When something that serves would be replaced by something that isn't there.
    pub(crate) async fn prepare(&self, config: &Config) -> Result<Prepared, PrepareError> {
        let policy = match (&config.policy, &self.policy) {
            (None, _) => PreparedPolicy::None,
            (Some(policy), Some(running)) if *policy == running.plan => PreparedPolicy::Stays,
            (Some(policy), _) => {
                let mut puller = self.bundle_puller(policy);
                let loaded = match puller.load_from_disk().await {
                    Some(loaded) => loaded,
                    None => timeout(FIRST_FETCH, puller.fetch())
                        .await
                        .map_err(|_| PrepareError::PolicyDeadline)??,
                };
                PreparedPolicy::Other(Box::new(puller), Some(loaded))
            }
        };
        Ok(self.prepared(config, policy))
    }

    fn prepared(&self, config: &Config, policy: PreparedPolicy) -> Prepared {
        Prepared {
            issuers: config
                .issuers
                .iter()
                .map(|issuer| self.prepare_issuer(issuer))
                .collect(),
            policy,
            lists: match (&config.stream, &self.stream) {
                (Some(plan), None) => Some(self.lists_from_disk(plan)),
                (Some(_) | None, _) => None,
            },
        }
    }

    fn prepare_issuer(&self, plan: &Issuer) -> PreparedIssuer {
        let wake = self.wakes.of(plan.name()).unwrap_or_default();
        let in_force = self.context.published.load().issuers.get(plan.name()).cloned();
        if let (Some(running), Some(issuer)) = (self.issuers.get(plan.name()), &in_force)
            && (&running.plan.0, &running.plan.1) == (&plan.source, &plan.plan)
        {
            return PreparedIssuer {
                issuer: Arc::clone(issuer),
                wake,
                puller: None,
            };
        }
        let mut puller = KeysPuller::new(
            Arc::clone(&self.context),
            plan.plan.clone(),
            &plan.source,
            self.client.clone(),
            Arc::clone(&wake),
        );
        let issuer = puller
            .load_from_disk()
            .unwrap_or_else(|| TrustedIssuer::without_keys(Arc::clone(&plan.plan.rules)));
        let state = IssuerState::of(&issuer, issuer.keys().is_some());
        PreparedIssuer {
            issuer: Arc::new(issuer),
            wake,
            puller: Some((puller, state)),
        }
    }

    fn bundle_puller(&self, policy: &Policy) -> BundlePuller {
        let fetcher = Fetcher::new(
            self.client.clone(),
            policy.url.clone(),
            policy.credential_file.clone(),
        );
        BundlePuller::new(
            Arc::clone(&self.context),
            policy.plan.clone(),
            fetcher,
            Arc::clone(&self.bundle_hint),
        )
    }

    fn lists_from_disk(&self, plan: &StreamPlan) -> Lists {
        match keeper::load(&self.context.disk, &plan.url, clock::now().seconds()) {
            Ok(lists) => lists.unwrap_or_else(Lists::unknown),
            Err(error) => {
                self.context.drop_kept("revocations and API keys", &error);
                Lists::unknown()
            }
        }
    }

    /// Puts a configuration into force: in one swap, so that no check sees half of it.
    pub(crate) async fn put_into_force(&mut self, config: &Config, prepared: Prepared) {
        // What nothing of the new configuration asks for ends first: it could still bring what isn't wanted any more.
        self.end_issuers(&prepared).await;
        if !matches!(prepared.policy, PreparedPolicy::Stays)
            && let Some(running) = self.policy.take()
        {
            running.task.end().await;
        }
        let lists = self.change_of_lists(config, prepared.lists).await;
        self.swap(config, &prepared.issuers, &prepared.policy, &lists);
        self.tell(config, &prepared.issuers, &prepared.policy, &lists);
        let wakes = prepared.issuers.iter();
        self.wakes
            .become_those(wakes.map(|it| (Arc::clone(it.issuer.name()), Arc::clone(&it.wake))));
        self.start(config, prepared.issuers, prepared.policy, lists);
    }

    async fn end_issuers(&mut self, prepared: &Prepared) {
        let stays = |name: &Arc<str>| {
            let mut kept = prepared.issuers.iter().filter(|issuer| issuer.puller.is_none());
            kept.any(|issuer| issuer.issuer.name() == name)
        };
        let ended: Vec<_> = self.issuers.keys().filter(|name| !stays(name)).cloned().collect();
        for name in ended {
            if let Some(running) = self.issuers.remove(&name) {
                running.task.end().await;
            }
        }
    }

    /// What becomes of the lists; a stream that isn't wanted any more has ended by then.
    async fn change_of_lists(&mut self, config: &Config, from_disk: Option<Lists>) -> ListsChange {
        let plan = self.stream.as_ref().map(|stream| &stream.plan);
        if plan == config.stream.as_ref() {
            return ListsChange::Stay;
        }
        let known = match self.stream.take() {
            None => from_disk,
            Some(stream) => {
                stream.watcher.end().await;
                stream.keeper.end().await;
                // Another address may well be the same control plane's: what is revoked stays so until it says otherwise.
                Some(stream.lists.borrow().clone())
            }
        };
        if config.stream.is_none() {
            self.context.nonce_keys.on_its_own();
            return ListsChange::End;
        }
        let lists = known.unwrap_or_else(Lists::unknown);
        let in_force = Arc::clone(&self.context.published.load().revocations);
        ListsChange::Begin(lists.succeeding(&in_force))
    }

    fn swap(
        &self,
        config: &Config,
        issuers: &[PreparedIssuer],
        policy: &PreparedPolicy,
        lists: &ListsChange,
    ) {
        let settings = Arc::new(config.settings.clone());
        let replaced = self.context.published.change(|snapshot| {
            let (revocations, api_keys) = match lists {
                ListsChange::Stay => (Arc::clone(&snapshot.revocations), Arc::clone(&snapshot.api_keys)),
                ListsChange::End => {
                    let none = Revocations::without_stream().succeeding(&snapshot.revocations);
                    (Arc::new(none), Arc::default())
                }
                ListsChange::Begin(lists) => (Arc::clone(lists.revocations()), Arc::clone(lists.api_keys())),
            };
            // An issuer that stays has whatever keys it has got to by now.
            let issuers = issuers.iter().map(|prepared| {
                let in_force = snapshot.issuers.get(prepared.issuer.name());
                let stays = in_force.filter(|_| prepared.puller.is_none());
                Arc::clone(stays.unwrap_or(&prepared.issuer))
            });
            Snapshot {
                settings: Arc::clone(&settings),
                routes: Arc::clone(&config.routes),
                issuers: issuers.collect(),
                policy: match policy {
                    PreparedPolicy::Stays => snapshot.policy.clone(),
                    PreparedPolicy::None => None,
                    PreparedPolicy::Other(_, loaded) => loaded.as_ref().map(|it| Arc::clone(it.policy())),
                },
                revocations,
                api_keys,
                nonce_keys: Arc::clone(&snapshot.nonce_keys),
            }
        });
        // Checks under way may be the last to hold it: it is let go of here, not by one of them.
        tokio::spawn(async move {
            sleep(LINGER).await;
            drop(replaced);
        });
    }

    /// Says what there is now.
    fn tell(
        &self,
        config: &Config,
        issuers: &[PreparedIssuer],
        policy: &PreparedPolicy,
        lists: &ListsChange,
    ) {
        self.context.status.change(|state| {
            let known = std::mem::take(&mut state.issuers);
            let said = |prepared: &PreparedIssuer| match &prepared.puller {
                Some((_, said)) => said.clone(),
                None => known
                    .iter()
                    .find(|said| *said.issuer == **prepared.issuer.name())
                    .cloned()
                    .unwrap_or_else(|| IssuerState::of(&prepared.issuer, false)),
            };
            state.issuers = issuers.iter().map(said).collect();
            match lists {
                ListsChange::Stay => {}
                ListsChange::End => state.control_plane = None,
                ListsChange::Begin(_) => state.control_plane = Some(ControlPlaneState::default()),
            }
            if !matches!(policy, PreparedPolicy::Stays) {
                state.bundle = config.policy.as_ref().map(|policy| BundleState {
                    name: policy.plan.name.clone(),
                    ..Default::default()
                });
            }
        });
        if let PreparedPolicy::Other(puller, Some(loaded)) = policy {
            puller.tell(loaded);
        }
    }

    fn start(
        &mut self,
        config: &Config,
        issuers: Vec<PreparedIssuer>,
        policy: PreparedPolicy,
        lists: ListsChange,
    ) {
        for (plan, prepared) in config.issuers.iter().zip(issuers) {
            if let Some((puller, _)) = prepared.puller {
                let running = Running {
                    plan: (plan.source.clone(), plan.plan.clone()),
                    task: Task::start(|stop| puller.run(stop)),
                };
                self.issuers.insert(Arc::clone(prepared.issuer.name()), running);
            }
        }
        if let (PreparedPolicy::Other(puller, _), Some(plan)) = (policy, &config.policy) {
            self.policy = Some(Running {
                plan: plan.clone(),
                task: Task::start(|stop| puller.run(stop)),
            });
        }
        if let (ListsChange::Begin(lists), Some(plan)) = (lists, &config.stream) {
            self.stream = Some(self.started_stream(plan, lists));
        }
    }

    fn started_stream(&self, plan: &StreamPlan, lists: Lists) -> Stream {
        let kept = watch::Sender::new(lists.clone());
        let watcher = Watcher::new(
            Arc::clone(&self.context),
            plan.clone(),
            Wakers {
                keys: self.wakes.clone(),
                bundle: Arc::clone(&self.bundle_hint),
            },
            lists,
            kept.clone(),
        );
        let (context, url, changes) = (Arc::clone(&self.context), plan.url.clone(), kept.subscribe());
        Stream {
            plan: plan.clone(),
            lists: kept,
            watcher: Task::start(|stop| watcher.run(stop)),
            keeper: Task::start(|stop| async move { keeper::keep(&context, &url, changes, stop).await }),
        }
    }

    /// Ends everything.
    pub(crate) async fn end(self) {
        let issuers = self.issuers.into_values().map(|running| running.task);
        let policy = self.policy.map(|running| running.task);
        let stream = self.stream.map(|stream| [stream.watcher, stream.keeper]);
        let tasks: Vec<_> = issuers
            .chain(policy)
            .chain(stream.into_iter().flatten())
            .chain([self.nonce_keys])
            .collect();
        for task in &tasks {
            task.stop.cancel();
        }
        for task in tasks {
            task.end().await;
        }
    }
}

#[cfg(test)]
mod tests;
