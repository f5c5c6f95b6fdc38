//! The end of the change log as all streams see it: one task reads what was appended, by this process or another, so that
//! a change costs one read however many watch. It keeps the newest changes, a bounded number of bytes; who is further
//! behind reads the log itself.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use postern_proto::sync::v1::Delta;
use postern_store::{Change, ChangeLog, Clock, DatabaseError, Position};
use prost::Message;
use tokio::sync::watch;
use tokio::time::Instant;

/// How often the log is looked at when nobody says that something was appended: another process may have.
const POLL: Duration = Duration::from_millis(500);
/// Changes read at a time.
const PAGE: u32 = 256;
/// Of changes that are kept, encoded.
const MAX_RECENT_BYTES: usize = 4 << 20;

/// Why the end of the log is not known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeedError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A change that no version of ours wrote.
    #[error("the change {0} in the log is no message of ours")]
    Change(u64),
}

/// What is known of the end of the log.
#[derive(Debug)]
pub(crate) struct Known {
    /// Where it ends.
    pub(crate) head: Position,
    /// Grows when what came before `head` is not what was read before: the log was replaced.
    pub(crate) history: u64,
    /// When that was last certain: by this machine's monotonic clock, and in seconds since the epoch.
    pub(crate) heard: (Instant, i64),
    recent: VecDeque<(usize, Delta)>,
    recent_bytes: usize,
}

impl Known {
    /// The change with this number, if it is one of the newest.
    pub(crate) fn recent(&self, sequence: u64) -> Option<&Delta> {
        let first = self.recent.front()?.1.sequence;
        let at = usize::try_from(sequence.checked_sub(first)?).ok()?;
        self.recent.get(at).map(|(_, delta)| delta)
    }

    fn append(&mut self, bytes: usize, delta: Delta) {
        self.head.sequence = delta.sequence;
        self.head.check = delta.check;
        self.recent_bytes += bytes;
        self.recent.push_back((bytes, delta));
        while self.recent_bytes > MAX_RECENT_BYTES
            && let Some((bytes, _)) = self.recent.pop_front()
        {
            self.recent_bytes -= bytes;
        }
    }

    fn begin_anew(&mut self, head: Position) {
        self.head = head;
        self.history += 1;
        self.recent.clear();
        self.recent_bytes = 0;
    }
}

/// The task's side.
pub(crate) struct Feed {
    log: ChangeLog,
    clock: Arc<dyn Clock>,
    known: watch::Sender<Known>,
}

impl Feed {
    /// A feed that knows where the log ends now.
    pub(crate) async fn open(log: ChangeLog, clock: Arc<dyn Clock>) -> Result<Self, DatabaseError> {
        let known = Known {
            head: log.head().await?,
            history: 0,
            heard: (Instant::now(), clock.unix_seconds()),
            recent: VecDeque::new(),
            recent_bytes: 0,
        };
        Ok(Self {
            log,
            clock,
            known: watch::Sender::new(known),
        })
    }

    /// What streams follow.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Known> {
        self.known.subscribe()
    }

    /// Follows the log for as long as it is polled.
    pub(crate) async fn run(self) {
        let mut failing = false;
        loop {
            let read = self.read().await;
            // Said once, not twice a second.
            match &read {
                Err(error) if !failing => {
                    tracing::error!(%error, "the change log can't be read; sidecars are told nothing");
                }
                Ok(()) if failing => tracing::info!("the change log is read again"),
                _ => {}
            }
            failing = read.is_err();
            if failing {
                tokio::time::sleep(POLL).await;
            } else {
                let _ = tokio::time::timeout(POLL, self.log.appended()).await;
            }
        }
    }

    /// Reads what was appended since the last time.
    pub(crate) async fn read(&self) -> Result<(), FeedError> {
        loop {
            let before = self.known.borrow().head.clone();
            let heard = (Instant::now(), self.clock.unix_seconds());
            let head = self.log.head().await?;
            if head == before {
                self.known.send_if_modified(|known| {
                    known.heard = heard;
                    false
                });
                return Ok(());
            }
            let Some(changes) = self.log.after(&before, PAGE).await? else {
                tracing::warn!("the change log was replaced; sidecars get the lists anew");
                self.known.send_modify(|known| known.begin_anew(head));
                continue;
            };
            let deltas: Vec<(usize, Delta)> = changes
                .iter()
                .map(|change| Ok((change.bytes.len(), delta(change)?)))
                .collect::<Result<_, FeedError>>()?;
            self.known.send_modify(|known| {
                for (bytes, delta) in deltas {
                    known.append(bytes, delta);
                }
            });
        }
    }
}

/// A change of the log as it is told.
pub(crate) fn delta(change: &Change) -> Result<Delta, FeedError> {
    let delta = Delta::decode(change.bytes.as_slice()).map_err(|_| FeedError::Change(change.sequence))?;
    Ok(Delta {
        sequence: change.sequence,
        check: change.check,
        ..delta
    })
}
