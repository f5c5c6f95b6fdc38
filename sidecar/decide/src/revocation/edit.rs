//! A change of the set in the making: parts of a snapshot, or a delta. Nothing of it shows before it is published.

use postern_jose::UnixTime;

use super::digest::{Digest, Name, Scalar};
use super::shards::{Change, Entry, Shards};
use super::watched::Watched;
use super::{Heard, Revocations};

/// How many changes are collected before they are made: bounds what an edit takes beside the set.
const BATCH: usize = 16 * 1024;

/// A change of a set in the making.
#[derive(Debug, Clone)]
pub struct Edit {
    generation: u64,
    heard: Heard,
    shards: Shards,
    watched: Watched,
    pending: Vec<Change>,
}

impl Edit {
    pub(super) fn of(set: &Revocations) -> Self {
        Self {
            generation: set.generation,
            heard: set.heard,
            shards: set.shards.clone(),
            watched: set.watched.clone(),
            pending: Vec::new(),
        }
    }

    /// Forgets everything: a snapshot begins.
    pub fn clear(&mut self) {
        self.shards = Shards::default();
        self.watched = Watched::default();
        self.pending.clear();
    }

    /// Revokes the tokens of `issuer` with this value under this name: those issued before `issued_before` (`None`: all),
    /// until `expires_at` (`None`: for ever). It takes the place of what was said of the same value before.
    pub fn add(
        &mut self,
        issuer: &str,
        name: Name<'_>,
        value: Scalar<'_>,
        issued_before: Option<UnixTime>,
        expires_at: Option<UnixTime>,
    ) {
        let entry = Entry::new(Digest::of(issuer, name, value), issued_before, expires_at);
        self.watch(issuer, name, entry.expires_at());
        self.add_entry(entry);
    }

    /// Revokes nothing by this value any more.
    pub fn remove(&mut self, issuer: &str, name: Name<'_>, value: Scalar<'_>) {
        self.push(Change::Remove(Digest::of(issuer, name, value)));
    }

    /// Adds an entry that was kept. Its name must be watched for it to be found.
    pub fn add_entry(&mut self, entry: Entry) {
        self.push(Change::Add(entry));
    }

    /// Watches a name at least until `until` (`None`: for ever).
    pub fn watch(&mut self, issuer: &str, name: Name<'_>, until: Option<UnixTime>) {
        self.watched.watch(issuer, name, until);
    }

    /// How many entries there would be, if what is pending touches no other entry twice.
    pub fn len_at_most(&self) -> usize {
        self.shards.len().saturating_add(self.pending.len())
    }

    /// The set with the changes made, of another generation.
    #[must_use]
    pub fn finish(mut self) -> Revocations {
        self.settle();
        Revocations {
            generation: self.generation.saturating_add(1),
            heard: self.heard,
            shards: self.shards,
            watched: self.watched,
        }
    }

    fn push(&mut self, change: Change) {
        self.pending.push(change);
        if self.pending.len() >= BATCH {
            self.settle();
        }
    }

    fn settle(&mut self) {
        self.shards.apply(std::mem::take(&mut self.pending));
    }
}

impl Revocations {
    /// The set without what revokes nothing at `now` any more. It finds what it found: its generation is the same.
    #[must_use]
    pub fn purged(&self, now: UnixTime) -> Self {
        let mut purged = self.clone();
        purged.shards.purge(now);
        purged.watched.purge(now);
        purged
    }
}
