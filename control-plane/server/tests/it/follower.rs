//! A client of `SyncService/Watch` that does what the contract asks of one: keeps the lists, checks the sequence, knows
//! where to go on.

use std::collections::BTreeMap;

use postern_proto::sync::v1::sync_service_client::SyncServiceClient;
use postern_proto::sync::v1::watch_response::Hint;
use postern_proto::sync::v1::{
    ApiKey, NonceKey, Position, Revocation, SnapshotPart, WatchRequest, WatchResponse, revocation,
};
use postern_proto::token::v1::{Claim, claim};
use prost::Message;
use tokio::time::timeout;
use tonic::Streaming;

use crate::support::{PATIENCE, Plane};

/// What one client has.
#[derive(Debug, Default)]
pub(crate) struct Follower {
    pub(crate) position: Option<Position>,
    pub(crate) revoked: Vec<Revocation>,
    pub(crate) api_keys: BTreeMap<String, ApiKey>,
    pub(crate) nonce_keys: Vec<NonceKey>,
    /// Snapshots that it got, and deltas.
    pub(crate) snapshots: usize,
    pub(crate) deltas: usize,
    arriving: Option<SnapshotPart>,
}

/// Opens a stream for `credential`'s role that goes on at `since`; an empty position asks for everything.
pub(crate) async fn watch(plane: &Plane, since: Option<Position>) -> Streaming<WatchResponse> {
    let mut sync = SyncServiceClient::new(plane.authorized(&plane.sidecar).await);
    let request = WatchRequest {
        bundle: String::new(),
        since: Some(since.unwrap_or_default()),
    };
    sync.watch(request).await.unwrap().into_inner()
}

/// An entry's `jti`, where it names one.
pub(crate) fn jti(entry: &Revocation) -> Option<&str> {
    match entry.which.as_ref()? {
        revocation::Which::Claim(Claim {
            name,
            value: Some(claim::Value::Text(text)),
        }) if name == "jti" => Some(text),
        _ => None,
    }
}

impl Follower {
    /// Follows a stream until the server says that this is all.
    pub(crate) async fn catch_up(&mut self, stream: &mut Streaming<WatchResponse>) {
        while !matches!(self.heed_next(stream).await, Hint::Heartbeat(_)) {}
    }

    /// Takes the next message.
    pub(crate) async fn heed_next(&mut self, stream: &mut Streaming<WatchResponse>) -> Hint {
        let message = timeout(PATIENCE, stream.message()).await.unwrap();
        let message = message.unwrap().expect("the stream goes on");
        assert!(message.encoded_len() < 2 << 20, "a message is bounded");
        let hint = message.hint.unwrap();
        self.heed(hint.clone());
        hint
    }

    fn heed(&mut self, hint: Hint) {
        match hint {
            Hint::Keys(_) | Hint::Bundle(_) => {}
            Hint::NonceKeys(keys) => self.nonce_keys = keys.keys,
            Hint::Snapshot(part) => {
                assert!(part.revocations.len() + part.api_keys.len() <= 1_000);
                let last = part.last;
                if part.first {
                    self.arriving = Some(part);
                } else {
                    let arriving = self.arriving.as_mut().expect("a first part comes first");
                    arriving.revocations.extend(part.revocations);
                    arriving.api_keys.extend(part.api_keys);
                    assert_eq!(arriving.position, part.position);
                }
                if last {
                    let whole = self.arriving.take().unwrap();
                    self.position = whole.position;
                    self.revoked = whole.revocations;
                    self.api_keys = whole
                        .api_keys
                        .into_iter()
                        .map(|key| (key.id.clone(), key))
                        .collect();
                    self.snapshots += 1;
                }
            }
            Hint::Delta(delta) => {
                let at = self.position.as_mut().expect("deltas follow on something");
                assert_eq!(delta.sequence, at.sequence + 1);
                (at.sequence, at.check) = (delta.sequence, delta.check);
                for gone in delta.lifted.iter().chain(&delta.revoked) {
                    self.revoked
                        .retain(|entry| (&entry.issuer, &entry.which) != (&gone.issuer, &gone.which));
                }
                self.revoked.extend(delta.revoked);
                for id in delta.api_keys_removed {
                    self.api_keys.remove(&id);
                }
                for key in delta.api_keys {
                    self.api_keys.insert(key.id.clone(), key);
                }
                self.deltas += 1;
            }
            Hint::Heartbeat(heartbeat) => assert_eq!(heartbeat.position, self.position),
        }
    }

    /// The `jti`s that it knows to be revoked, in order.
    pub(crate) fn jtis(&self) -> Vec<&str> {
        let mut jtis: Vec<&str> = self.revoked.iter().filter_map(jti).collect();
        jtis.sort_unstable();
        jtis
    }
}
