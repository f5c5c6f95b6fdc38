//! What has to be done from time to time: nonce keys come and go, what has expired is forgotten, the change log is kept
//! short. Each round is bounded; what is left over waits for the next.

use std::time::Duration;

use postern_identity::ApiKeys;
use postern_store::ChangeLog;
use postern_token::{NonceKeys, Revocations};

const ROUND: Duration = Duration::from_secs(60);
/// Rows in one transaction, so that nobody waits long for the database.
const BATCH: u32 = 1_000;
/// Transactions in one round for each table.
const BATCHES: usize = 50;
/// Changes that stay in the log: how far behind a sidecar may be and still get only what it missed.
const KEPT_CHANGES: u32 = 100_000;

/// What is looked after.
pub(crate) struct Upkeep {
    pub(crate) nonce_keys: NonceKeys,
    pub(crate) revocations: Revocations,
    pub(crate) api_keys: ApiKeys,
    pub(crate) log: ChangeLog,
}

impl Upkeep {
    /// Looks after everything for as long as it is polled. What fails is tried again in the next round.
    pub(crate) async fn run(self) {
        loop {
            tokio::time::sleep(ROUND).await;
            if let Err(error) = self.nonce_keys.rotate().await {
                tracing::error!(%error, "the DPoP nonce keys can't be rotated");
            }
            warn("revocations", in_batches(|| self.revocations.purge(BATCH)).await);
            warn("API keys", in_batches(|| self.api_keys.purge(BATCH)).await);
            warn(
                "change log",
                in_batches(|| self.log.compact(KEPT_CHANGES, BATCH)).await,
            );
        }
    }
}

/// Goes on as long as a batch is full.
async fn in_batches<E, F: Future<Output = Result<u64, E>>>(batch: impl Fn() -> F) -> Result<(), E> {
    for _ in 0..BATCHES {
        if batch().await? < u64::from(BATCH) {
            break;
        }
    }
    Ok(())
}

fn warn<E: std::error::Error>(what: &str, result: Result<(), E>) {
    if let Err(error) = result {
        tracing::warn!(%error, what, "what isn't needed any more can't be removed");
    }
}
