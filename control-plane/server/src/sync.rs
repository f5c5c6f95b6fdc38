//! `postern.sync.v1.SyncService`: tells sidecars that keys or a bundle changed. It sends hints, never the thing itself,
//! and only the newest: a reader that falls behind misses what was overtaken, and nothing piles up.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::stream::{self, Stream};
use postern_policy_service::{BundleName, Catalog, Policies};
use postern_proto::sync::v1::sync_service_server::SyncService;
use postern_proto::sync::v1::watch_response::Hint;
use postern_proto::sync::v1::{BundleHint, KeysHint, WatchRequest, WatchResponse};
use postern_store::Entropy;
use postern_telemetry::{Code, Error};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use crate::request::correlation_id;

/// Open streams at the same time; a further one is told to come back later.
const MAX_WATCHES: usize = 4_096;

/// The service's gRPC edge; clones share it.
#[derive(Clone)]
pub(crate) struct SyncGrpc {
    keys: KeysHint,
    policies: Policies,
    watches: Arc<Semaphore>,
    closing: CancellationToken,
    entropy: Arc<dyn Entropy>,
}

impl SyncGrpc {
    /// Hints about these keys (they stay the same as long as the process runs) and about what `policies` serves. When
    /// `closing` is cancelled, every stream ends.
    pub(crate) fn new(
        keys: KeysHint,
        policies: Policies,
        closing: CancellationToken,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            keys,
            policies,
            watches: Arc::new(Semaphore::new(MAX_WATCHES)),
            closing,
            entropy,
        }
    }

    /// How many streams are open.
    pub(crate) fn watching(&self) -> usize {
        MAX_WATCHES.saturating_sub(self.watches.available_permits())
    }
}

#[tonic::async_trait]
impl SyncService for SyncGrpc {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<WatchResponse, Status>> + Send>>;

    async fn watch(&self, request: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let id = correlation_id(&request.metadata().clone().into_headers(), &*self.entropy);
        let bundle = match request.into_inner().bundle.as_str() {
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
        let watching = Watching {
            keys: Some(self.keys.clone()),
            bundle,
            told: None,
            catalog: self.policies.watch(),
            closing: self.closing.clone(),
            _permit: permit,
        };
        let hints = stream::unfold(watching, |mut watching| async move {
            let hint = watching.next().await?;
            Some((Ok(WatchResponse { hint: Some(hint) }), watching))
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
    closing: CancellationToken,
    _permit: OwnedSemaphorePermit,
}

impl Watching {
    /// The next hint, as soon as there is one; `None` when the process ends.
    async fn next(&mut self) -> Option<Hint> {
        if let Some(keys) = self.keys.take() {
            return Some(Hint::Keys(keys));
        }
        loop {
            if let Some(hint) = self.bundle_hint() {
                return Some(Hint::Bundle(hint));
            }
            tokio::select! {
                changed = self.catalog.changed() => changed.ok()?,
                () = self.closing.cancelled() => return None,
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
