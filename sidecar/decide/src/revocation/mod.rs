//! What has been revoked: an exact set in memory, looked at once for each token and each change of the set. Never waits and
//! never asks: the host hears of revocations on its stream, and publishes another set.
//!
//! All kinds are one form: the tokens of one issuer in which a claim has a value (`jti`, `sid`, `fam`, or any other; the
//! key that signed counts as one), issued before a moment. Only claims in whose name something *is* revoked are looked at,
//! so that an empty set costs nothing and a token is hashed for what could matter alone.

mod digest;
mod edit;
mod shards;
mod subject;
mod watched;

#[cfg(test)]
mod tests;

use postern_jose::UnixTime;

pub use digest::{Digest, Name, Scalar};
pub use edit::Edit;
pub use shards::Entry;
pub use subject::Subject;

use shards::Shards;
use watched::Watched;

/// When the stream that tells of revocations was heard last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// No stream is configured: nothing is ever revoked.
    NoStream,
    /// One is configured, and nothing has come from it, nor is anything known from before.
    Never,
    /// At this moment, by this process's clock, all that the control plane knew was known here.
    At(UnixTime),
}

/// Everything that is revoked, as it was known at one moment. Immutable; a change is another set that shares with this one
/// all that didn't change.
#[derive(Debug, Clone)]
pub struct Revocations {
    generation: u64,
    heard: Heard,
    shards: Shards,
    watched: Watched,
}

/// What a token is revoked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevokedBy<'s> {
    /// The claim, or the key.
    pub name: Name<'s>,
}

impl Revocations {
    /// The set where there is no stream: it stays empty.
    pub fn without_stream() -> Self {
        Self::empty(Heard::NoStream)
    }

    /// The set before the stream has told anything.
    pub fn unheard() -> Self {
        Self::empty(Heard::Never)
    }

    fn empty(heard: Heard) -> Self {
        Self {
            // Zero is left to whoever remembers "not looked at yet".
            generation: 1,
            heard,
            shards: Shards::default(),
            watched: Watched::default(),
        }
    }

    /// Which state of the set this is: grows by each change, in this process. What was looked up in a set of the same
    /// generation needn't be looked up again. Never 0.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// When the stream was heard last.
    pub fn heard(&self) -> Heard {
        self.heard
    }

    /// Whether the stream has been silent for longer than `max_staleness_seconds`. One that never spoke is, and so is one
    /// that isn't there: who asks wants to know what is revoked, and nobody says.
    pub fn is_stale(&self, now: UnixTime, max_staleness_seconds: u32) -> bool {
        match self.heard {
            Heard::NoStream | Heard::Never => true,
            Heard::At(heard) => now.seconds_since(heard) > i64::from(max_staleness_seconds),
        }
    }

    /// The same set, heard again.
    #[must_use]
    pub fn heard_at(&self, now: UnixTime) -> Self {
        Self {
            heard: Heard::At(now),
            ..self.clone()
        }
    }

    /// The same set as the successor of `older`: of a later generation, so that what was looked up in one isn't taken for
    /// looked up in the other.
    #[must_use]
    pub fn succeeding(&self, older: &Self) -> Self {
        Self {
            generation: self.generation.max(older.generation.saturating_add(1)),
            ..self.clone()
        }
    }

    /// How many entries there are, those that have expired since they were last purged included.
    pub fn len(&self) -> usize {
        self.shards.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the token that `subject` describes is revoked, and by what. A claim that is an array is met by each of its
    /// elements. A token that doesn't say when it was issued counts as issued before any revocation.
    pub fn find(&self, subject: &Subject<'_>, now: UnixTime) -> Option<RevokedBy<'_>> {
        self.watched.of(subject.issuer).find_map(|name| {
            let name = name.as_name();
            let revoked = |value: Scalar<'_>| {
                self.shards
                    .find(&Digest::of(subject.issuer, name, value))
                    .is_some_and(|entry| entry.revokes(subject.issued_at(), now))
            };
            subject.values(name).any(revoked).then_some(RevokedBy { name })
        })
    }

    /// Whether there is an entry of this digest, whichever tokens it means.
    pub fn has(&self, digest: &Digest) -> bool {
        self.shards.find(digest).is_some()
    }

    /// Begins a change of this set.
    pub fn edit(&self) -> Edit {
        Edit::of(self)
    }

    /// Every entry, in no order that means anything. For keeping them.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.shards.iter()
    }

    /// Every name that is looked at: issuer, name, and the last moment at which something is revoked by it.
    pub fn watched(&self) -> impl Iterator<Item = (&str, Name<'_>, Option<UnixTime>)> {
        self.watched.iter()
    }
}
