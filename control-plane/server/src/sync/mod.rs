//! `postern.sync.v1.SyncService`: what sidecars follow. Of keys and bundles it sends hints, only the newest: a reader that
//! falls behind misses what was overtaken. Of revocations and API keys it sends the lists themselves (`lists`), from the
//! log whose end `feed` knows. Nothing piles up for anybody.

mod feed;
mod lists;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, Stream};
use postern_policy_service::{BundleName, Catalog, Policies};
use postern_proto::sync::v1::sync_service_server::SyncService;
use postern_proto::sync::v1::watch_response::Hint;
use postern_proto::sync::v1::{
    BundleHint, KeysHint, NonceKey, NonceKeys, Position, WatchRequest, WatchResponse,
};
use postern_store::Entropy;
use postern_telemetry::{Code, CorrelationId, Error};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

pub(crate) use feed::Feed;
pub(crate) use lists::Lists;
use lists::{ListsError, Telling};

use crate::request::correlation_id;

/// Open streams at the same time; a further one is told to come back later.
const MAX_WATCHES: usize = 4_096;
/// Between two signs of life.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Of an epoch that a client says it knows.
const MAX_EPOCH: usize = 64;

/// What is told.
#[derive(Clone)]
pub(crate) struct Sources {
    /// The key set; it stays the same as long as the process runs.
    pub(crate) keys: KeysHint,
    pub(crate) policies: Policies,
    pub(crate) lists: Lists,
    pub(crate) nonce_keys: postern_token::NonceKeys,
}

/// The service's gRPC edge; clones share it.
#[derive(Clone)]
pub(crate) struct SyncGrpc {
    sources: Sources,
    watches: Arc<Semaphore>,
    closing: CancellationToken,
    entropy: Arc<dyn Entropy>,
}

impl SyncGrpc {
    /// Tells about `sources`. When `closing` is cancelled, every stream ends.
    pub(crate) fn new(sources: Sources, closing: CancellationToken, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            sources,
            watches: Arc::new(Semaphore::new(MAX_WATCHES)),
            closing,
            entropy,
        }
    }

    /// How many streams are open.
    pub(crate) fn watching(&self) -> usize {
        MAX_WATCHES.saturating_sub(self.watches.available_permits())
    }

    /// The last change of the lists that is known.
    pub(crate) fn sequence(&self) -> u64 {
        self.sources.lists.sequence()
    }
}

#[tonic::async_trait]
impl SyncService for SyncGrpc {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<WatchResponse, Status>> + Send>>;

    async fn watch(&self, request: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let id = correlation_id(&request.metadata().clone().into_headers(), &*self.entropy);
        let WatchRequest { bundle, since } = request.into_inner();
        let bundle = match bundle.as_str() {
            "" => None,
            text => Some(BundleName::parse(text).ok_or_else(|| {
                Error::validation("There can't be a bundle of that name.")
                    .with_field("bundle", format!("expected {}", BundleName::EXPECTED))
                    .to_status(&id)
            })?),
        };
        let permit = Arc::clone(&self.watches).try_acquire_owned().map_err(|_| {
            Error::new(Code::Unavailable, "Too many streams are open already.").to_status(&id)
        })?;
        let Sources {
            keys,
            policies,
            lists,
            nonce_keys,
        } = self.sources.clone();
        let watching = Watching {
            keys: Some(keys),
            bundle,
            told: None,
            catalog: policies.watch(),
            follower: since.map(|since| Follower::new(&lists, since, nonce_keys.watch())),
            closing: self.closing.clone(),
            id,
            _permit: permit,
        };
        let hints = stream::try_unfold(watching, |mut watching| async move {
            let hint = watching.next().await?;
            Ok(hint.map(|hint| (WatchResponse { hint: Some(hint) }, watching)))
        });
        Ok(Response::new(Box::pin(hints)))
    }
}

/// One stream, and what it has told.
struct Watching {
    /// Not told yet.
    keys: Option<KeysHint>,
    bundle: Option<BundleName>,
    /// The tag that was told last.
    told: Option<String>,
    catalog: watch::Receiver<Catalog>,
    /// For a client that asked for the lists.
    follower: Option<Follower>,
    closing: CancellationToken,
    id: CorrelationId,
    _permit: OwnedSemaphorePermit,
}

impl Watching {
    /// The next thing to tell, as soon as there is one; `None` when the process ends.
    async fn next(&mut self) -> Result<Option<Hint>, Status> {
        if let Some(keys) = self.keys.take() {
            return Ok(Some(Hint::Keys(keys)));
        }
        loop {
            if self.closing.is_cancelled() {
                return Ok(None);
            }
            if let Some(hint) = self.bundle_hint() {
                return Ok(Some(Hint::Bundle(hint)));
            }
            if let Some(follower) = &mut self.follower
                && let Some(hint) = follower.next().await.map_err(|error| failed(error, &self.id))?
            {
                return Ok(Some(hint));
            }
            let goes_on = tokio::select! {
                changed = self.catalog.changed() => changed.is_ok(),
                goes_on = wait(self.follower.as_mut()) => goes_on,
                () = self.closing.cancelled() => false,
            };
            if !goes_on {
                return Ok(None);
            }
        }
    }

    /// What is to be told of the bundle now.
    fn bundle_hint(&mut self) -> Option<BundleHint> {
        let name = self.bundle.as_ref()?;
        let etag = self.catalog.borrow_and_update().etag(name).map(str::to_owned);
        if etag == self.told {
            return None;
        }
        self.told.clone_from(&etag);
        etag.map(|etag| BundleHint {
            name: name.to_string(),
            etag,
        })
    }
}

fn failed(error: ListsError, id: &CorrelationId) -> Status {
    let error = Error::unavailable(error);
    tracing::error!(error = error.log_detail(), "a sidecar's stream can't go on");
    error.to_status(id)
}

/// The part of a stream that only a client has that asked for the lists.
struct Follower {
    lists: Telling,
    nonce_keys: watch::Receiver<Arc<[postern_token::NonceKey]>>,
    heartbeat: Interval,
    /// A sign of life is owed: as soon as the client has everything, then at each tick.
    due: bool,
}

impl Follower {
    fn new(
        lists: &Lists,
        since: Position,
        mut nonce_keys: watch::Receiver<Arc<[postern_token::NonceKey]>>,
    ) -> Self {
        nonce_keys.mark_changed();
        let mut heartbeat = tokio::time::interval_at(tokio::time::Instant::now() + HEARTBEAT, HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            lists: lists.tell(known(since)),
            nonce_keys,
            heartbeat,
            due: true,
        }
    }

    /// The next thing to tell; `None` when there is nothing at the moment.
    async fn next(&mut self) -> Result<Option<Hint>, ListsError> {
        if self.nonce_keys.has_changed().unwrap_or(false) {
            let keys = self.nonce_keys.borrow_and_update().iter().map(told).collect();
            return Ok(Some(Hint::NonceKeys(NonceKeys { keys })));
        }
        if let Some(hint) = self.lists.next().await? {
            return Ok(Some(hint));
        }
        let heartbeat = self.lists.heartbeat().filter(|_| self.due);
        self.due &= heartbeat.is_none();
        Ok(heartbeat)
    }
}

/// Waits until a follower may have something new to tell; for ever where there is none. `false`: never again.
async fn wait(follower: Option<&mut Follower>) -> bool {
    let Some(follower) = follower else {
        return std::future::pending().await;
    };
    tokio::select! {
        goes_on = follower.lists.changed() => goes_on,
        changed = follower.nonce_keys.changed() => changed.is_ok(),
        _ = follower.heartbeat.tick() => {
            follower.due = true;
            true
        }
    }
}

/// What a client says that it has; nothing where that can't be.
fn known(since: Position) -> Option<postern_store::Position> {
    (1..=MAX_EPOCH)
        .contains(&since.epoch.len())
        .then(|| postern_store::Position {
            epoch: since.epoch.into(),
            sequence: since.sequence,
            check: since.check,
        })
}

fn told(key: &postern_token::NonceKey) -> NonceKey {
    NonceKey {
        id: key.id.clone(),
        key: key.key.to_vec(),
        not_before: key.not_before,
        not_after: key.not_after,
    }
}
