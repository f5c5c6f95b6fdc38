//! All that the snapshot is filled from, as the configuration names it: a task for each issuer, the bundle and the stream.
//! Another configuration is prepared beside what runs, and put into force in one swap or not at all; what it doesn't change
//! runs on, with its keys.

mod beside;
mod in_force;
mod prepared;
mod task;

use std::collections::HashMap;
use std::sync::Arc;

use reqwest::Client;
use tokio::sync::{Notify, watch};

use self::task::{Running, Task};
use super::fetch::{FetchError, client};
use super::keys::{KeysPlan, KeysSource};
use super::lists::Lists;
use super::{CandidatePlan, Context, StreamPlan, nonce_keys};
use crate::config::Policy;
use crate::refetch::Wakes;

pub(crate) use self::prepared::{PrepareError, Prepared};

/// Everything that runs.
pub(crate) struct Sources {
    context: Arc<Context>,
    client: Client,
    wakes: Wakes,
    bundle_hint: Arc<Notify>,
    issuers: HashMap<Arc<str>, Running<(KeysSource, KeysPlan)>>,
    policy: Option<Running<Policy>>,
    candidate: Option<Running<CandidatePlan>>,
    stream: Option<Stream>,
    nonce_keys: Task,
}

struct Stream {
    plan: StreamPlan,
    lists: watch::Sender<Lists>,
    watcher: Task,
    keeper: Task,
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
            candidate: None,
            stream: None,
            nonce_keys: Task::start(|stop| async move { nonce_keys::turn_over(&turning, stop).await }),
            context,
        })
    }

    /// Ends everything.
    pub(crate) async fn end(self) {
        let issuers = self.issuers.into_values().map(|running| running.task);
        let policy = self.policy.map(|running| running.task);
        let candidate = self.candidate.map(|running| running.task);
        let stream = self.stream.map(|stream| [stream.watcher, stream.keeper]);
        let tasks: Vec<_> = issuers
            .chain(policy)
            .chain(candidate)
            .chain(stream.into_iter().flatten())
            .chain([self.nonce_keys])
            .collect();
        for task in &tasks {
            task.stop();
        }
        for task in tasks {
            task.end().await;
        }
    }
}

#[cfg(test)]
mod tests;
