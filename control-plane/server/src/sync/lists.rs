//! The lists as one stream tells them: from the position that the client has, or from a snapshot, then change by change.
//! It holds one part at a time, whatever there is to tell: a client that reads slowly is behind in the log, not in
//! memory here, and one that the log has no way on for gets a snapshot.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use postern_identity::ApiKeys;
use postern_proto::sync::v1::watch_response::Hint;
use postern_proto::sync::v1::{self as proto, Delta, Heartbeat, SnapshotPart};
use postern_store::{ChangeLog, DatabaseError, Position, RepositoryError};
use postern_token::Revocations;
use tokio::sync::{Semaphore, watch};

use super::feed::{FeedError, Known, delta};
use crate::metrics;

/// Entries in one part.
const PART: u32 = 1_000;
/// Changes read from the log at a time by a stream that is behind.
const PAGE: u32 = 32;
/// Streams that read the database at the same time: when all sidecars begin at once, everybody else still gets a
/// connection.
const READERS: usize = 4;
/// How old the certainty may be that there is nothing newer.
const FRESH: Duration = Duration::from_secs(4);

/// Why a stream can't go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListsError {
    #[error(transparent)]
    Log(#[from] FeedError),
    #[error(transparent)]
    Rows(#[from] RepositoryError),
}

impl From<DatabaseError> for ListsError {
    fn from(error: DatabaseError) -> Self {
        Self::Log(error.into())
    }
}

/// Where the lists are; clones share them.
#[derive(Clone)]
pub(crate) struct Lists {
    log: ChangeLog,
    revocations: Revocations,
    api_keys: ApiKeys,
    known: watch::Receiver<Known>,
    readers: Arc<Semaphore>,
    part: u32,
}

impl Lists {
    /// The lists whose changes are in `log`, the end of which is `known`.
    pub(crate) fn new(
        log: ChangeLog,
        revocations: Revocations,
        api_keys: ApiKeys,
        known: watch::Receiver<Known>,
    ) -> Self {
        Self {
            log,
            revocations,
            api_keys,
            known,
            readers: Arc::new(Semaphore::new(READERS)),
            part: PART,
        }
    }

    /// Where the log ends, as far as is known.
    pub(crate) fn sequence(&self) -> u64 {
        self.known.borrow().head.sequence
    }

    /// Tells them to a client that has everything up to `position`.
    pub(crate) fn tell(&self, position: Option<Position>) -> Telling {
        Telling {
            lists: self.clone(),
            history: self.known.borrow().history,
            place: Place::Begin(position),
        }
    }
}

/// How far one client was told.
pub(crate) struct Telling {
    lists: Lists,
    history: u64,
    place: Place,
}

enum Place {
    /// Nothing was told yet; the client says that it has this.
    Begin(Option<Position>),
    /// Up to `position` as soon as the parts from here on are told.
    Snapshot {
        position: Position,
        first: bool,
        rest: Rest,
    },
    /// Up to `position`; what was read of the log after it waits in `read`.
    Following {
        position: Position,
        read: VecDeque<Delta>,
    },
}

/// What of a snapshot is still to be told: what comes after these ids.
enum Rest {
    Revocations(String),
    ApiKeys(String),
}

impl Telling {
    /// Waits until there may be something new. `false`: there will be nothing any more.
    pub(crate) async fn changed(&mut self) -> bool {
        self.lists.known.changed().await.is_ok()
    }

    /// The next thing to tell; `None` when the client has everything.
    pub(crate) async fn next(&mut self) -> Result<Option<Hint>, ListsError> {
        loop {
            let history = self.lists.known.borrow_and_update().history;
            // Past the end of a snapshot, too: its position may be one that means something else now.
            if history != self.history {
                self.history = history;
                self.place = Place::Begin(self.position().cloned());
            }
            match &mut self.place {
                Place::Begin(position) => {
                    let position = position.take();
                    self.place = self.lists.begin(position).await?;
                }
                Place::Snapshot { .. } => return Ok(Some(Hint::Snapshot(self.part().await?))),
                Place::Following { position, read } => {
                    let sequence = position.sequence + 1;
                    let delta = match read.pop_front() {
                        Some(delta) => Some(delta),
                        None => self.lists.known.borrow().recent(sequence).cloned(),
                    };
                    if let Some(delta) = delta {
                        position.sequence = delta.sequence;
                        position.check = delta.check;
                        return Ok(Some(Hint::Delta(delta)));
                    }
                    if sequence > self.lists.sequence() {
                        return Ok(None);
                    }
                    let position = position.clone();
                    self.place = self.lists.begin(Some(position)).await?;
                }
            }
        }
    }

    /// What says that the client has everything; `None` as long as that isn't so, or nobody knows.
    pub(crate) fn heartbeat(&self) -> Option<Hint> {
        let known = self.lists.known.borrow();
        let Place::Following { position, read } = &self.place else {
            return None;
        };
        let (heard, at) = known.heard;
        let current = read.is_empty()
            && position.sequence >= known.head.sequence
            && known.history == self.history
            && heard.elapsed() < FRESH;
        current.then(|| {
            Hint::Heartbeat(Heartbeat {
                position: Some(told(position)),
                at,
            })
        })
    }

    /// What the client has for certain.
    fn position(&self) -> Option<&Position> {
        match &self.place {
            Place::Following { position, .. } => Some(position),
            Place::Begin(position) => position.as_ref(),
            Place::Snapshot { .. } => None,
        }
    }

    /// The next part of the snapshot that is being told.
    async fn part(&mut self) -> Result<SnapshotPart, ListsError> {
        let Place::Snapshot {
            position,
            first,
            rest,
        } = &mut self.place
        else {
            return Ok(SnapshotPart::default());
        };
        let mut part = SnapshotPart {
            first: std::mem::take(first),
            position: Some(told(position)),
            ..SnapshotPart::default()
        };
        let _turn = self.lists.readers.acquire().await;
        let mut room = self.lists.part;
        if let Rest::Revocations(after) = rest {
            let entries = self.lists.revocations.part(after, room).await?;
            room -= u32::try_from(entries.len()).unwrap_or(room).min(room);
            match entries.last() {
                Some((last, _)) if room == 0 => after.clone_from(last),
                _ => *rest = Rest::ApiKeys(String::new()),
            }
            part.revocations = entries.iter().map(|(_, entry)| entry.into()).collect();
        }
        if let Rest::ApiKeys(after) = rest {
            part.api_keys = self.lists.api_keys.part(after, room).await?;
            part.last = part.api_keys.len() < room as usize;
            if let Some(last) = part.api_keys.last() {
                after.clone_from(&last.id);
            }
        }
        if part.last {
            self.place = Place::Following {
                position: position.clone(),
                read: VecDeque::new(),
            };
        }
        Ok(part)
    }
}

impl Lists {
    /// Where to go on for a client that has everything up to `position`: behind it in the log if there is a way, else with
    /// a snapshot.
    ///
    /// The entries of a snapshot are read after its position, part by part, while changes go on: it has everything that
    /// was on the lists at the position and wasn't taken off since, and the deltas that follow make it exact.
    async fn begin(&self, position: Option<Position>) -> Result<Place, ListsError> {
        let _turn = self.readers.acquire().await;
        if let Some(position) = position
            && let Some(changes) = self.log.after(&position, PAGE).await?
        {
            let read = changes.iter().map(delta).collect::<Result<_, _>>()?;
            return Ok(Place::Following { position, read });
        }
        metrics::snapshot_begun();
        Ok(Place::Snapshot {
            position: self.log.head().await?,
            first: true,
            rest: Rest::Revocations(String::new()),
        })
    }
}

fn told(position: &Position) -> proto::Position {
    proto::Position {
        epoch: position.epoch.to_string(),
        sequence: position.sequence,
        check: position.check,
    }
}

#[cfg(test)]
mod tests;
