//! A stand-in for the control plane's stream, for benches alone: tells one list of revocations and then that it is alive.
//! The real one is under test in `control-plane/server`; here only what the list costs a sidecar matters.

use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use futures_util::stream::{self, Stream, StreamExt as _};
use postern_proto::sync::v1::revocation::Which;
use postern_proto::sync::v1::sync_service_server::{SyncService, SyncServiceServer};
use postern_proto::sync::v1::watch_response::Hint;
use postern_proto::sync::v1::{Heartbeat, Position, Revocation, SnapshotPart, WatchRequest, WatchResponse};
use postern_proto::token::v1::{Claim, claim::Value};
use tonic::{Request, Response, Status};

const PART: u32 = 1_000;
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Serves `count` revoked `jti`s of `issuer` on an address of its own.
///
/// # Errors
/// Where no socket can be had.
pub(super) async fn serve(issuer: &str, count: u32, now: i64) -> anyhow::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let list = List {
        issuer: issuer.to_owned(),
        count,
        now,
    };
    tokio::spawn(
        tonic::transport::Server::builder()
            .add_service(SyncServiceServer::new(list))
            .serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener)),
    );
    Ok(address)
}

#[derive(Clone)]
struct List {
    issuer: String,
    count: u32,
    now: i64,
}

impl List {
    fn part(&self, from: u32) -> SnapshotPart {
        let to = self.count.min(from.saturating_add(PART));
        SnapshotPart {
            first: from == 0,
            last: to == self.count,
            position: Some(self.position()),
            revocations: (from..to).map(|n| self.revocation(n)).collect(),
            api_keys: Vec::new(),
        }
    }

    fn revocation(&self, n: u32) -> Revocation {
        Revocation {
            issuer: self.issuer.clone(),
            which: Some(Which::Claim(Claim {
                name: "jti".to_owned(),
                value: Some(Value::Text(format!("11111111-1111-4111-8111-{n:012}"))),
            })),
            issued_before: 0,
            expires_at: self.now + 86_400,
        }
    }

    fn position(&self) -> Position {
        Position {
            epoch: "bench".to_owned(),
            sequence: 1,
            check: 1,
        }
    }

    fn heartbeat(&self) -> Hint {
        Hint::Heartbeat(Heartbeat {
            position: Some(self.position()),
            at: self.now,
        })
    }
}

#[tonic::async_trait]
impl SyncService for List {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<WatchResponse, Status>> + Send>>;

    async fn watch(&self, _request: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let (parts, alive) = (self.clone(), self.clone());
        let starts = (0..self.count.max(1)).step_by(PART as usize);
        let snapshot = stream::iter(starts).map(move |from| Hint::Snapshot(parts.part(from)));
        let heartbeats = stream::unfold(true, move |first| {
            let hint = alive.heartbeat();
            async move {
                if !first {
                    tokio::time::sleep(HEARTBEAT).await;
                }
                Some((hint, false))
            }
        });
        let told = snapshot
            .chain(heartbeats)
            .map(|hint| Ok(WatchResponse { hint: Some(hint) }));
        Ok(Response::new(Box::pin(told)))
    }
}
