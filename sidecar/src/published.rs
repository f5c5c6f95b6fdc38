//! The one snapshot that all checks read, swapped whole. A check loads it once; who changes it makes another.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use postern_decide::{ActivePolicy, Snapshot, TrustedIssuer};
use postern_jose::UnixTime;

/// The snapshot in force.
#[derive(Debug)]
pub(crate) struct Published(ArcSwap<Snapshot>);

impl Published {
    /// Begins with `snapshot`.
    pub(crate) fn new(snapshot: Snapshot) -> Self {
        Self(ArcSwap::from_pointee(snapshot))
    }

    /// The snapshot in force now. Wait-free; hold it for one check.
    pub(crate) fn load(&self) -> Guard<Arc<Snapshot>> {
        self.0.load()
    }

    /// Puts an issuer with other keys into force. Returns what was in force before, for the caller to let go of.
    pub(crate) fn swap_issuer(&self, issuer: &Arc<TrustedIssuer>) -> Arc<Snapshot> {
        self.0.rcu(|snapshot| snapshot.with_issuer(issuer))
    }

    /// Notes that an issuer has just confirmed the keys that are in force.
    pub(crate) fn confirm_issuer(&self, issuer: &str, now: UnixTime) {
        self.0.rcu(|snapshot| match snapshot.issuers.get(issuer) {
            Some(issuer) => Arc::new(snapshot.with_issuer(&Arc::new(issuer.confirmed(now)))),
            None => Arc::clone(snapshot),
        });
    }

    /// Puts a policy into force. Returns what was in force before, for the caller to let go of.
    pub(crate) fn swap_policy(&self, policy: &Arc<ActivePolicy>) -> Arc<Snapshot> {
        self.0.rcu(|snapshot| snapshot.with_policy(Arc::clone(policy)))
    }
}
