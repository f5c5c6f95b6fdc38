//! Putting a prepared configuration into force: what isn't wanted any more ends, the snapshot is swapped once, what is new
//! starts. Fetches nothing.

use std::sync::Arc;
use std::time::Duration;

use postern_decide::routes::PolicyMode;
use postern_decide::{Revocations, Snapshot};
use tokio::sync::watch;
use tokio::time::sleep;

use super::super::lists::Lists;
use super::super::watch::{Wakers, Watcher};
use super::super::{StreamPlan, keeper};
use super::prepared::{Prepared, PreparedIssuer, PreparedPolicy};
use super::task::{Running, Task};
use super::{Sources, Stream};
use crate::config::Config;
use crate::status::{BundleState, ControlPlaneState, IssuerState};

/// How long what was replaced is kept.
const LINGER: Duration = Duration::from_secs(2);

/// What becomes of the control plane's lists.
enum ListsChange {
    Stay,
    End,
    Begin(Lists),
}

impl Sources {
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
        self.change_candidate(config).await;
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
            if let Some(bundle) = &mut state.bundle {
                let routes = config.routes.iter();
                bundle.decides = routes
                    .map(|(_, route)| route.policy)
                    .any(|asks| asks == PolicyMode::Enforce);
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
}
