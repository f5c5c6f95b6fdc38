//! The one snapshot that all checks read, swapped whole. A check loads it once; who changes it makes another.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use postern_decide::dpop::NonceKeys;
use postern_decide::{ActivePolicy, ApiKeys, Revocations, Snapshot, TrustedIssuer};
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

    /// Puts lists of the control plane into force. Returns what was in force before, for the caller to let go of.
    pub(crate) fn swap_lists(
        &self,
        revocations: &Arc<Revocations>,
        api_keys: &Arc<ApiKeys>,
    ) -> Arc<Snapshot> {
        self.0.rcu(|snapshot| Snapshot {
            revocations: Arc::clone(revocations),
            api_keys: Arc::clone(api_keys),
            ..Snapshot::clone(snapshot)
        })
    }

    /// Puts keys for nonces into force.
    pub(crate) fn swap_nonce_keys(&self, keys: &Arc<NonceKeys>) {
        self.0.rcu(|snapshot| snapshot.with_nonce_keys(Arc::clone(keys)));
    }

    /// Makes a whole change at once; `change` may be asked more than once. Returns what was in force before, for the
    /// caller to let go of.
    pub(crate) fn change(&self, change: impl Fn(&Snapshot) -> Snapshot) -> Arc<Snapshot> {
        self.0.rcu(|snapshot| change(snapshot))
    }

    /// Puts a policy into force. Returns what was in force before, for the caller to let go of.
    pub(crate) fn swap_policy(&self, policy: &Arc<ActivePolicy>) -> Arc<Snapshot> {
        self.0.rcu(|snapshot| snapshot.with_policy(Arc::clone(policy)))
    }
}
