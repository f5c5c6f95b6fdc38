//! Keeps the candidate policy fresh, as the policy in force is kept; what it has become of nothing waits for.

use tokio_util::sync::CancellationToken;

use super::bundle::{BundlePlan, BundlePuller};

/// The candidate: where it comes from, and which share of decisions it is compared in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CandidatePlan {
    pub(crate) url: String,
    pub(crate) credential_file: Option<std::path::PathBuf>,
    pub(crate) plan: BundlePlan,
    /// So many of a million decisions.
    pub(crate) per_million: u64,
}

/// Begins with the last good one from disk, and pulls until `stop`.
pub(super) async fn keep(mut puller: BundlePuller, stop: CancellationToken) {
    let loaded = tokio::select! {
        () = stop.cancelled() => return,
        loaded = puller.load_from_disk() => loaded,
    };
    if let Some(loaded) = &loaded {
        puller.put_into_force(loaded);
    }
    puller.run(stop).await;
}
