//! Follows the control plane's stream: keeps its lists (revocations, API keys) in force, takes its keys for nonces, and
//! wakes pullers on its hints. A hint only wakes: what changed is fetched and verified over its own API, so that a lying
//! control plane can cause a fetch and nothing else. Never on a check's way.

use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use postern_decide::Snapshot;
use postern_decide::revocation::Heard;
use postern_jose::UnixTime;
use postern_proto::sync::v1::{BundleHint, KeysHint, WatchResponse};
use tokio::sync::{Notify, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::lists::{Lists, Step, Told, told};
use super::stream::{Stream, StreamError, StreamPlan};
use super::{Context, backoff};
use crate::clock;
use crate::metrics::SYNC_MESSAGES;
use crate::refetch::Wakes;

/// The longest pause before connecting again: a control plane that comes back is heard soon.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How often what has expired is let go of, in seconds.
const PURGE_SECONDS: i64 = 60;
/// How long replaced lists are kept, so that they are let go of here and not by the last check that used them.
const LINGER: Duration = Duration::from_secs(2);
/// How long readiness waits for the stream's first word on the lists, where nothing is known from before.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a hint wakes.
#[derive(Debug, Clone)]
pub(crate) struct Wakers {
    /// The pullers of keys.
    pub(crate) keys: Wakes,
    /// The puller of the bundle.
    pub(crate) bundle: Arc<Notify>,
}

/// Follows the stream.
pub(crate) struct Watcher {
    context: Arc<Context>,
    plan: StreamPlan,
    wakers: Wakers,
    lists: Lists,
    /// Where the lists go to be kept.
    keep: watch::Sender<Lists>,
    purge_at: UnixTime,
}

impl Watcher {
    /// Goes on from these lists, which are in force; each later state of them goes to `keep`.
    pub(crate) fn new(
        context: Arc<Context>,
        plan: StreamPlan,
        wakers: Wakers,
        lists: Lists,
        keep: watch::Sender<Lists>,
    ) -> Self {
        Self {
            context,
            plan,
            wakers,
            lists,
            keep,
            purge_at: UnixTime(0),
        }
    }

    /// Listens until `stop`, connecting again whenever the stream ends.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        self.publish();
        let context = Arc::clone(&self.context);
        let patience = async {
            sleep(PATIENCE).await;
            context.status.change_control_plane(|state| state.settled = true);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = patience => {}
            () = self.follow_for_ever() => {}
        }
    }

    async fn follow_for_ever(&mut self) {
        let mut failures = 0u32;
        loop {
            let error = self.follow(&mut failures).await;
            self.lists.stream_ended();
            tracing::warn!(%error, "the control plane isn't heard; its lists stay in force, keys and policy are polled");
            self.context.status.change_control_plane(|state| {
                state.connected = false;
                state.error = Some(error.to_string());
                state.settled = true;
            });
            failures = failures.saturating_add(1);
            let longest = backoff(failures).min(LONGEST_PAUSE);
            sleep(self.context.randomness.backoff(longest)).await;
            self.purge();
        }
    }

    /// Follows one stream to its end.
    async fn follow(&mut self, failures: &mut u32) -> StreamError {
        let mut stream = match Stream::begin(&self.plan, self.lists.position()).await {
            Ok(stream) => stream,
            Err(error) => return error,
        };
        tracing::info!("the control plane is heard");
        self.context.status.change_control_plane(|state| {
            state.connected = true;
            state.error = None;
        });
        loop {
            let heeded = match stream.next().await {
                Ok(message) => self.heed(message),
                Err(error) => Err(error),
            };
            match heeded {
                // A stream that brings something that can be heeded is a good one.
                Ok(()) => *failures = 0,
                Err(error) => return error,
            }
        }
    }

    fn heed(&mut self, message: WatchResponse) -> Result<(), StreamError> {
        match told(message)? {
            Told::Keys(hint) => self.heed_keys(&hint),
            Told::Bundle(hint) => self.heed_bundle(&hint),
            Told::NonceKeys(keys) => self.context.nonce_keys.told(&self.context.published, keys),
            Told::Lists(event) => {
                let kind = event.kind();
                counter!(SYNC_MESSAGES, "kind" => kind).increment(1);
                let step = self.lists.step(event, clock::now().seconds())?;
                self.settle(step);
            }
            Told::Unknown => {}
        }
        Ok(())
    }

    fn settle(&mut self, step: Step) {
        match step {
            Step::Collected => return,
            Step::Replaced => {
                let replaced = self.publish();
                tokio::spawn(async move {
                    sleep(LINGER).await;
                    drop(replaced);
                });
                tracing::info!(
                    revocations = self.lists.revocations().len(),
                    api_keys = self.lists.api_keys().len(),
                    "the control plane's lists are in force"
                );
            }
            Step::Changed | Step::Heard => {
                self.publish();
            }
        }
        self.keep.send_replace(self.lists.clone());
        self.purge();
    }

    /// Puts the lists into force.
    fn publish(&self) -> Arc<Snapshot> {
        let (revocations, api_keys) = (self.lists.revocations(), self.lists.api_keys());
        self.context.status.change_control_plane(|state| {
            state.revocations = revocations.len();
            state.api_keys = api_keys.len();
            state.sequence = self.lists.position().map(|position| position.sequence);
            state.heard_at = match revocations.heard() {
                Heard::At(heard) => Some(heard.0),
                Heard::NoStream | Heard::Never => None,
            };
            state.settled |= state.heard_at.is_some();
        });
        self.context.published.swap_lists(revocations, api_keys)
    }

    fn purge(&mut self) {
        let now = clock::now().seconds();
        if now >= self.purge_at {
            self.purge_at = now.plus_seconds(PURGE_SECONDS);
            self.lists.purge(now);
            self.publish();
        }
    }

    fn heed_keys(&self, hint: &KeysHint) {
        if let Some(wake) = self.wakers.keys.of(&hint.issuer) {
            wake.hinted.notify_one();
        }
    }

    /// Wakes the puller, unless the hint tells what is known already from this side's own fetches.
    fn heed_bundle(&self, hint: &BundleHint) {
        if hint.name != self.plan.bundle {
            return;
        }
        let known = self.context.status.read().bundle.and_then(|bundle| bundle.etag);
        if known.as_deref().map(bare) != Some(bare(&hint.etag)) {
            self.wakers.bundle.notify_one();
        }
    }
}

/// A tag without the marks of HTTP (RFC 9110 §8.8.3).
fn bare(etag: &str) -> &str {
    etag.trim_start_matches("W/").trim_matches('"')
}
