//! Wakes the puller of an issuer's keys: a check met an unknown key, or the control plane said that keys changed. Wakes
//! coalesce, so that ten thousand of them are one; never waits.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Notify;

/// How one puller is woken. Each `Notify` holds one wake at most.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    /// A check met a key that isn't known: anybody can cause this, so the puller waits out its cooldown.
    pub(crate) unknown_key: Notify,
    /// The control plane said so: pull at once.
    pub(crate) hinted: Notify,
}

/// The wakes of all issuers by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wakes(Arc<HashMap<Arc<str>, Arc<Wake>>>);

impl Wakes {
    /// A wake for each issuer.
    pub(crate) fn for_issuers(names: impl IntoIterator<Item = Arc<str>>) -> Self {
        Self(Arc::new(
            names.into_iter().map(|name| (name, Arc::default())).collect(),
        ))
    }

    /// The wake of one issuer.
    pub(crate) fn of(&self, issuer: &str) -> Option<&Arc<Wake>> {
        self.0.get(issuer)
    }
}
