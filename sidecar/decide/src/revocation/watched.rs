//! The names that something is revoked by, for each issuer: what a token is looked at for.

use std::collections::HashMap;
use std::sync::Arc;

use postern_jose::UnixTime;

use super::digest::Name;

/// Names by issuer. Few, and changed rarely: a new one copies the table, another value under a known one doesn't.
#[derive(Debug, Clone, Default)]
pub(super) struct Watched(Arc<HashMap<Box<str>, Vec<WatchedName>>>);

/// One name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WatchedName {
    /// The claim; `None` for the key.
    claim: Option<Box<str>>,
    /// Nothing is revoked by it from then on; `None` where something is for ever.
    until: Option<UnixTime>,
}

impl WatchedName {
    pub(super) fn as_name(&self) -> Name<'_> {
        self.claim.as_deref().map_or(Name::KeyId, Name::Claim)
    }
}

impl Watched {
    /// The names of one issuer.
    pub(super) fn of(&self, issuer: &str) -> impl Iterator<Item = &WatchedName> {
        self.0.get(issuer).into_iter().flatten()
    }

    /// Each name with its issuer, and until when it is watched.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Name<'_>, Option<UnixTime>)> {
        self.0.iter().flat_map(|(issuer, names)| {
            names
                .iter()
                .map(|name| (issuer.as_ref(), name.as_name(), name.until))
        })
    }

    /// Watches a name at least until `until`.
    pub(super) fn watch(&mut self, issuer: &str, name: Name<'_>, until: Option<UnixTime>) {
        let later = |known: Option<UnixTime>| match (known, until) {
            (Some(known), Some(until)) => Some(known.max(until)),
            (None, _) | (_, None) => None,
        };
        let known = self.of(issuer).find(|known| known.as_name() == name);
        if known.is_some_and(|known| later(known.until) == known.until) {
            return;
        }
        let names = Arc::make_mut(&mut self.0).entry(issuer.into()).or_default();
        match names.iter_mut().find(|known| known.as_name() == name) {
            Some(known) => known.until = later(known.until),
            None => names.push(WatchedName {
                claim: match name {
                    Name::Claim(claim) => Some(claim.into()),
                    Name::KeyId => None,
                },
                until,
            }),
        }
    }

    /// Forgets the names that nothing is revoked by at `now`.
    pub(super) fn purge(&mut self, now: UnixTime) {
        let over = |name: &WatchedName| name.until.is_some_and(|until| until <= now);
        if !self.0.values().flatten().any(over) {
            return;
        }
        let watched = Arc::make_mut(&mut self.0);
        watched.retain(|_, names| {
            names.retain(|name| !over(name));
            !names.is_empty()
        });
    }
}
