//! The one snapshot that all checks read, swapped whole. A check loads it once; who changes it makes another.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use postern_decide::{ActivePolicy, Snapshot, TrustedIssuer};
use postern_jose::UnixTime;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// The snapshot in force, and whoever waits for an issuer's keys to change.
#[derive(Debug)]
pub(crate) struct Published(ArcSwap<Snapshot>, Notify);

impl Published {
    /// Begins with `snapshot`.
    pub(crate) fn new(snapshot: Snapshot) -> Self {
        Self(ArcSwap::from_pointee(snapshot), Notify::new())
    }

    /// The snapshot in force now. Wait-free; hold it for one check.
    pub(crate) fn load(&self) -> Guard<Arc<Snapshot>> {
        self.0.load()
    }

    /// Puts an issuer with other keys into force. Returns what was in force before, for the caller to let go of.
    pub(crate) fn swap_issuer(&self, issuer: &Arc<TrustedIssuer>) -> Arc<Snapshot> {
        let before = self.0.rcu(|snapshot| snapshot.with_issuer(issuer));
        self.1.notify_waiters();
        before
    }

    /// Notes that an issuer has just confirmed the keys that are in force.
    pub(crate) fn confirm_issuer(&self, issuer: &str, now: UnixTime) {
        self.0.rcu(|snapshot| match snapshot.issuers.get(issuer) {
            Some(issuer) => Arc::new(snapshot.with_issuer(&Arc::new(issuer.confirmed(now)))),
            None => Arc::clone(snapshot),
        });
        self.1.notify_waiters();
    }

    /// The next time that an issuer's keys are put into force or confirmed.
    pub(crate) fn issuers_changed(&self) -> Notified<'_> {
        self.1.notified()
    }

    /// Puts a policy into force. Returns what was in force before, for the caller to let go of.
    pub(crate) fn swap_policy(&self, policy: &Arc<ActivePolicy>) -> Arc<Snapshot> {
        self.0.rcu(|snapshot| snapshot.with_policy(Arc::clone(policy)))
    }
}
