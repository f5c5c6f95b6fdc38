//! The lists as bytes, for keeping them over a restart: a line of JSON (where they are complete, which names are watched,
//! the API keys), then each revocation in 24 bytes. Whether the bytes are those that were written is the record's business.

use std::sync::Arc;

use postern_decide::revocation::{Digest, Entry, Name};
use postern_decide::{ApiKey, ApiKeys, Revocations};
use postern_jose::UnixTime;
use serde::{Deserialize, Serialize};

use super::{Lists, MAX_API_KEYS, MAX_REVOCATIONS, Position};

const ENTRY_BYTES: usize = 24;
/// In place of a moment: never.
const NEVER: u32 = u32::MAX;

/// Lists, and where they are complete.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) position: Position,
    pub(crate) revocations: Arc<Revocations>,
    pub(crate) api_keys: Arc<ApiKeys>,
}

/// Why bytes are no lists.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeptError {
    #[error("the lists have no heading")]
    NoHeading,
    #[error("the lists' heading is not ours: {0}")]
    Heading(#[from] serde_json::Error),
    #[error("the lists are not as long as their heading says, or longer than lists can be")]
    Length,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Heading {
    position: Position,
    watched: Vec<Watched>,
    api_keys: Vec<Key>,
    revocations: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Watched {
    issuer: String,
    /// None: the key.
    claim: Option<String>,
    until: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    id: String,
    name: String,
    subject: String,
    scopes: Vec<Box<str>>,
    expires_at: Option<i64>,
    sha256: [u8; 32],
}

impl Kept {
    /// What of `lists` is worth keeping; `None` while they aren't complete anywhere.
    pub(crate) fn of(lists: &Lists) -> Option<Self> {
        Some(Self {
            position: lists.position()?.clone(),
            revocations: Arc::clone(lists.revocations()),
            api_keys: Arc::clone(lists.api_keys()),
        })
    }

    /// The lists to go on from.
    pub(crate) fn into_lists(self) -> Lists {
        Lists::known(Some(self.position), self.revocations, self.api_keys)
    }

    /// The bytes.
    ///
    /// # Errors
    /// None that can happen: everything in the heading can be written as JSON.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, KeptError> {
        let watched = self.revocations.watched().map(|(issuer, name, until)| Watched {
            issuer: issuer.to_owned(),
            claim: match name {
                Name::Claim(claim) => Some(claim.to_owned()),
                Name::KeyId => None,
            },
            until: until.map(|until| until.0),
        });
        let heading = Heading {
            position: self.position.clone(),
            watched: watched.collect(),
            api_keys: self.api_keys.iter().map(Key::from).collect(),
            revocations: self.revocations.len(),
        };
        let mut bytes = serde_json::to_vec(&heading)?;
        bytes.reserve(1 + heading.revocations * ENTRY_BYTES);
        bytes.push(b'\n');
        for entry in self.revocations.entries() {
            bytes.extend_from_slice(&entry.digest().to_bytes());
            for moment in [entry.issued_before(), entry.expires_at()] {
                let moment = moment.map_or(NEVER, |moment| u32::try_from(moment.0).unwrap_or(NEVER));
                bytes.extend_from_slice(&moment.to_le_bytes());
            }
        }
        Ok(bytes)
    }

    /// The lists that these bytes are, last heard of at `heard_at`.
    ///
    /// # Errors
    /// When they aren't what [`to_bytes`](Self::to_bytes) writes.
    pub(crate) fn from_bytes(bytes: &[u8], heard_at: UnixTime) -> Result<Self, KeptError> {
        let end = bytes
            .iter()
            .position(|&byte| byte == b'\n')
            .ok_or(KeptError::NoHeading)?;
        let (heading, rest) = bytes.split_at_checked(end).ok_or(KeptError::NoHeading)?;
        let heading: Heading = serde_json::from_slice(heading)?;
        let entries = rest.strip_prefix(b"\n").unwrap_or(rest);
        let (entries, over) = entries.as_chunks::<ENTRY_BYTES>();
        let fits = heading.revocations <= MAX_REVOCATIONS && heading.api_keys.len() <= MAX_API_KEYS;
        if entries.len() != heading.revocations || !over.is_empty() || !fits {
            return Err(KeptError::Length);
        }
        let mut edit = Revocations::unheard().edit();
        for watched in &heading.watched {
            let name = watched.claim.as_deref().map_or(Name::KeyId, Name::Claim);
            edit.watch(&watched.issuer, name, watched.until.map(UnixTime));
        }
        for entry in entries {
            edit.add_entry(read(entry));
        }
        Ok(Self {
            position: heading.position,
            revocations: Arc::new(edit.finish().heard_at(heard_at)),
            api_keys: Arc::new(ApiKeys::default().with(heading.api_keys.into_iter().map(ApiKey::from), [])),
        })
    }
}

fn read(bytes: &[u8; ENTRY_BYTES]) -> Entry {
    let (digest, times) = bytes.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
    let (times, _) = times.as_chunks::<4>();
    let mut times = times.iter().map(|time| match u32::from_le_bytes(*time) {
        NEVER => None,
        seconds => Some(UnixTime(i64::from(seconds))),
    });
    let mut next = || times.next().flatten();
    let (issued_before, expires_at) = (next(), next());
    Entry::new(Digest::from_bytes(*digest), issued_before, expires_at)
}

impl From<&ApiKey> for Key {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name.to_string(),
            subject: key.subject.to_string(),
            scopes: key.scopes.to_vec(),
            expires_at: key.expires_at.map(|at| at.0),
            sha256: key.sha256,
        }
    }
}

impl From<Key> for ApiKey {
    fn from(key: Key) -> Self {
        Self {
            id: key.id.into(),
            name: key.name.into(),
            subject: key.subject.into(),
            scopes: key.scopes.into(),
            expires_at: key.expires_at.map(UnixTime),
            sha256: key.sha256,
        }
    }
}
