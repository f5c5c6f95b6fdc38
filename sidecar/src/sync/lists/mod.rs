//! The lists that the control plane keeps (revocations, API keys) as this process has them: a state machine over what the
//! stream tells. Pure: it knows no network, no disk and no clock, so that it can be killed at every step in a test.
//!
//! What it has is complete at one position of the server's sequence, always: a snapshot counts when its last part is there,
//! a delta when it is the very next. Whatever doesn't follow makes it lose its position, never its lists: those are what is
//! decided from until a snapshot replaces them.

mod kept;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use postern_decide::revocation::{Edit, Name, Scalar};
use postern_decide::{ApiKey, ApiKeys, Revocations};
use postern_jose::UnixTime;
use serde::{Deserialize, Serialize};

pub(crate) use kept::{Kept, KeptError};
pub(crate) use wire::{Told, WireError, told};

/// The most revocations that are held, twice what a control plane keeps: above, something is wrong with it.
const MAX_REVOCATIONS: usize = 2_000_000;
/// The most API keys.
const MAX_API_KEYS: usize = 200_000;

/// A point in the server's sequence of changes. Good only as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Position {
    pub(crate) epoch: Box<str>,
    pub(crate) sequence: u64,
    pub(crate) check: u64,
}

/// What the stream tells about the lists.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// A part of all that is on them.
    Part(Part),
    /// One change.
    Delta(Delta),
    /// The server has nothing after this position.
    Heartbeat(Position),
}

impl Event {
    /// Its name in metrics.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Part(_) => "snapshot",
            Self::Delta(_) => "delta",
            Self::Heartbeat(_) => "heartbeat",
        }
    }
}

/// A part of a snapshot.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) first: bool,
    pub(crate) last: bool,
    pub(crate) position: Position,
    pub(crate) revoked: Vec<Revocation>,
    pub(crate) api_keys: Vec<ApiKey>,
}

/// A change.
#[derive(Debug, Clone)]
pub(crate) struct Delta {
    pub(crate) sequence: u64,
    pub(crate) check: u64,
    pub(crate) revoked: Vec<Revocation>,
    pub(crate) lifted: Vec<Tokens>,
    pub(crate) api_keys: Vec<ApiKey>,
    pub(crate) api_keys_removed: Vec<String>,
}

/// Tokens, and from when to when they don't count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Revocation {
    pub(crate) tokens: Tokens,
    pub(crate) issued_before: Option<UnixTime>,
    pub(crate) expires_at: UnixTime,
}

/// The tokens of an issuer that have something in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Tokens {
    pub(crate) issuer: String,
    pub(crate) which: Which,
}

/// What they have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Which {
    /// A claim with a string.
    Text(String, String),
    /// A claim with a whole number.
    Integer(String, i64),
    /// A claim with a boolean.
    Boolean(String, bool),
    /// The key that signed them.
    KeyId(String),
}

impl Which {
    fn parts(&self) -> (Name<'_>, Scalar<'_>) {
        match self {
            Self::Text(claim, text) => (Name::Claim(claim), Scalar::String(text)),
            Self::Integer(claim, integer) => (Name::Claim(claim), Scalar::Integer(*integer)),
            Self::Boolean(claim, flag) => (Name::Claim(claim), Scalar::Bool(*flag)),
            Self::KeyId(key_id) => (Name::KeyId, Scalar::String(key_id)),
        }
    }
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing that shows yet: part of a snapshot.
    Collected,
    /// A snapshot is complete: the lists are others now, all of them.
    Replaced,
    /// The lists are others now, by a few entries.
    Changed,
    /// They are what they were, and were so at this moment.
    Heard,
}

/// Why what was told can't be what comes next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OutOfStep {
    /// A part of a snapshot that never began, or of another than the one that did.
    #[error("a part came of a snapshot that had not begun")]
    StrayPart,
    /// Something else came before the last part.
    #[error("a snapshot was interrupted by something that belongs after it")]
    Interrupted,
    /// A change came without anything that it would be a change of.
    #[error("a change came before any snapshot")]
    NothingToChange,
    /// Changes are missing, or came twice.
    #[error("change {found} came where {expected} is the next")]
    Gap {
        /// What would have been next.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// The server is elsewhere than what it sent leads to.
    #[error("the server is at {theirs}, what it sent leads to {ours}")]
    Elsewhere {
        /// Where the server says that it is, by its sequence.
        theirs: u64,
        /// Where this process is.
        ours: u64,
    },
    /// There are more entries than are held.
    #[error("there are more than {0} entries on one list")]
    TooMany(usize),
}

/// The lists.
#[derive(Debug, Clone)]
pub(crate) struct Lists {
    /// Where in the server's sequence they are complete; `None` if nowhere that is known.
    position: Option<Position>,
    revocations: Arc<Revocations>,
    api_keys: Arc<ApiKeys>,
    /// A snapshot that isn't complete yet.
    coming: Option<Coming>,
}

#[derive(Debug, Clone)]
struct Coming {
    position: Position,
    edit: Edit,
    api_keys: Vec<ApiKey>,
}

impl Lists {
    /// Nothing is known.
    pub(crate) fn unknown() -> Self {
        Self::known(None, Arc::new(Revocations::unheard()), Arc::default())
    }

    /// As they were kept.
    pub(crate) fn known(
        position: Option<Position>,
        revocations: Arc<Revocations>,
        api_keys: Arc<ApiKeys>,
    ) -> Self {
        Self {
            position,
            revocations,
            api_keys,
            coming: None,
        }
    }

    /// Where they are complete, for asking what comes next.
    pub(crate) fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    pub(crate) fn revocations(&self) -> &Arc<Revocations> {
        &self.revocations
    }

    pub(crate) fn api_keys(&self) -> &Arc<ApiKeys> {
        &self.api_keys
    }

    /// The same lists in place of those that checks were decided from.
    #[must_use]
    pub(crate) fn succeeding(mut self, older: &Revocations) -> Self {
        self.revocations = Arc::new(self.revocations.succeeding(older));
        self
    }

    /// The same lists, heard of at this moment.
    #[must_use]
    pub(crate) fn heard_at(mut self, at: UnixTime) -> Self {
        self.revocations = Arc::new(self.revocations.heard_at(at));
        self
    }

    /// The stream ended: what of a snapshot had come is let go.
    pub(crate) fn stream_ended(&mut self) {
        self.coming = None;
    }

    /// Lets go of what has expired at `now`.
    pub(crate) fn purge(&mut self, now: UnixTime) {
        self.revocations = Arc::new(self.revocations.purged(now));
    }

    /// Takes in what the stream tells.
    ///
    /// # Errors
    /// When it can't be what comes next. The lists stay, the position is lost: the next stream begins with a snapshot.
    pub(crate) fn step(&mut self, event: Event, now: UnixTime) -> Result<Step, OutOfStep> {
        let step = match event {
            Event::Part(part) => self.take_part(part),
            _ if self.coming.is_some() => Err(OutOfStep::Interrupted),
            Event::Delta(delta) => self.take_delta(&delta),
            Event::Heartbeat(position) => self.hear(&position, now),
        };
        if step.is_err() {
            self.coming = None;
            self.position = None;
        }
        step
    }

    fn take_part(&mut self, part: Part) -> Result<Step, OutOfStep> {
        let mut coming = match self.coming.take() {
            _ if part.first => {
                let mut edit = self.revocations.edit();
                edit.clear();
                Coming {
                    position: part.position,
                    edit,
                    api_keys: Vec::new(),
                }
            }
            Some(coming) if coming.position == part.position => coming,
            Some(_) | None => return Err(OutOfStep::StrayPart),
        };
        revoke(&mut coming.edit, &part.revoked);
        coming.api_keys.extend(part.api_keys);
        bounded(coming.edit.len_at_most(), MAX_REVOCATIONS)?;
        bounded(coming.api_keys.len(), MAX_API_KEYS)?;
        if !part.last {
            self.coming = Some(coming);
            return Ok(Step::Collected);
        }
        self.revocations = Arc::new(coming.edit.finish());
        self.api_keys = Arc::new(ApiKeys::default().with(coming.api_keys, []));
        self.position = Some(coming.position);
        Ok(Step::Replaced)
    }

    fn take_delta(&mut self, delta: &Delta) -> Result<Step, OutOfStep> {
        let position = self.position.as_mut().ok_or(OutOfStep::NothingToChange)?;
        let expected = position.sequence.saturating_add(1);
        if delta.sequence != expected {
            return Err(OutOfStep::Gap {
                expected,
                found: delta.sequence,
            });
        }
        if !(delta.revoked.is_empty() && delta.lifted.is_empty()) {
            let mut edit = self.revocations.edit();
            revoke(&mut edit, &delta.revoked);
            for tokens in &delta.lifted {
                let (name, value) = tokens.which.parts();
                edit.remove(&tokens.issuer, name, value);
            }
            bounded(edit.len_at_most(), MAX_REVOCATIONS)?;
            self.revocations = Arc::new(edit.finish());
        }
        if !(delta.api_keys.is_empty() && delta.api_keys_removed.is_empty()) {
            bounded(
                self.api_keys.len().saturating_add(delta.api_keys.len()),
                MAX_API_KEYS,
            )?;
            let removed = delta.api_keys_removed.iter().map(String::as_str);
            self.api_keys = Arc::new(self.api_keys.with(delta.api_keys.iter().cloned(), removed));
        }
        position.sequence = delta.sequence;
        position.check = delta.check;
        Ok(Step::Changed)
    }

    fn hear(&mut self, theirs: &Position, now: UnixTime) -> Result<Step, OutOfStep> {
        let ours = self.position.as_ref().ok_or(OutOfStep::NothingToChange)?;
        if theirs != ours {
            return Err(OutOfStep::Elsewhere {
                theirs: theirs.sequence,
                ours: ours.sequence,
            });
        }
        self.revocations = Arc::new(self.revocations.heard_at(now));
        Ok(Step::Heard)
    }
}

fn revoke(edit: &mut Edit, revoked: &[Revocation]) {
    for revocation in revoked {
        let (name, value) = revocation.tokens.which.parts();
        edit.add(
            &revocation.tokens.issuer,
            name,
            value,
            revocation.issued_before,
            Some(revocation.expires_at),
        );
    }
}

fn bounded(len: usize, most: usize) -> Result<(), OutOfStep> {
    if len > most {
        Err(OutOfStep::TooMany(most))
    } else {
        Ok(())
    }
}
