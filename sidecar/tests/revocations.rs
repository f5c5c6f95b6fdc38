//! Revocations and API keys end to end: the real binary on the stream of a control plane that is a double, and says what the
//! test tells it to. The double keeps the contract's wire format and nothing else of a control plane.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on panics"
)]

#[cfg(test)]
mod world;

use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use futures_util::Stream;
use postern_proto::sync::v1::revocation::Which;
use postern_proto::sync::v1::sync_service_server::{SyncService, SyncServiceServer};
use postern_proto::sync::v1::watch_response::Hint;
use postern_proto::sync::v1::{
    ApiKey, Delta, Heartbeat, Position, Revocation, SnapshotPart, WatchRequest, WatchResponse,
};
use postern_proto::token::v1::{Claim, claim};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request, Response, Status};
use world::{Client, Config, World, eventually, token};

const SOON: Duration = Duration::from_secs(5);
/// What a change may take to every pod.
const A_SECOND: Duration = Duration::from_secs(1);
const API_KEY: &str = "postern_key_abc_0123456789";

/// The double: hands each stream that a sidecar opens to the test.
struct Double(mpsc::Sender<Watched>);

/// A stream that a sidecar opened, and from where.
struct Watched {
    since: Position,
    tell: mpsc::Sender<Result<WatchResponse, Status>>,
}

#[tonic::async_trait]
impl SyncService for Double {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<WatchResponse, Status>> + Send>>;

    async fn watch(&self, request: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let (tell, told) = mpsc::channel(64);
        let since = request.into_inner().since.unwrap();
        self.0.send(Watched { since, tell }).await.unwrap();
        Ok(Response::new(Box::pin(ReceiverStream::new(told))))
    }
}

impl Watched {
    async fn tell(&self, hint: Hint) {
        let message = WatchResponse { hint: Some(hint) };
        self.tell.send(Ok(message)).await.unwrap();
    }

    async fn snapshot(&self, sequence: u64, revocations: Vec<Revocation>, api_keys: Vec<ApiKey>) {
        let part = |first, revocations, api_keys| {
            Hint::Snapshot(SnapshotPart {
                first,
                last: !first,
                position: Some(position(sequence)),
                revocations,
                api_keys,
            })
        };
        self.tell(part(true, revocations, Vec::new())).await;
        self.tell(part(false, Vec::new(), api_keys)).await;
        self.heartbeat(sequence).await;
    }

    async fn heartbeat(&self, sequence: u64) {
        self.tell(Hint::Heartbeat(Heartbeat {
            position: Some(position(sequence)),
            at: 0,
        }))
        .await;
    }

    async fn delta(&self, sequence: u64, revoked: Vec<Revocation>, lifted: Vec<Revocation>) {
        self.tell(Hint::Delta(Delta {
            sequence,
            check: check(sequence),
            revoked,
            lifted,
            ..Default::default()
        }))
        .await;
    }
}

/// Any function will do, as long as the double keeps to it.
fn check(sequence: u64) -> u64 {
    sequence * 1_000_003
}

fn position(sequence: u64) -> Position {
    Position {
        epoch: "epoch".to_owned(),
        sequence,
        check: check(sequence),
    }
}

fn revocation(name: &str, value: &str) -> Revocation {
    Revocation {
        issuer: world::ISSUER.to_owned(),
        which: Some(Which::Claim(Claim {
            name: name.to_owned(),
            value: Some(claim::Value::Text(value.to_owned())),
        })),
        issued_before: 0,
        expires_at: i64::try_from(world::now()).unwrap() + 3_600,
    }
}

fn api_key() -> ApiKey {
    ApiKey {
        id: "abc".to_owned(),
        sha256: digest(&SHA256, API_KEY.as_bytes()).as_ref().to_vec(),
        subject: "robot".to_owned(),
        name: "for tests".to_owned(),
        scopes: vec!["orders:read".to_owned()],
        expires_at: 0,
    }
}

async fn control_plane(address: &str) -> (SocketAddr, mpsc::Receiver<Watched>, tokio::task::JoinHandle<()>) {
    let (opened, streams) = mpsc::channel(8);
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tonic::transport::Server::builder().add_service(SyncServiceServer::new(Double(opened)));
    let served = tokio::spawn(async move {
        server
            .serve_with_incoming(TcpListenerStream::new(listener))
            .await
            .unwrap();
    });
    (address, streams, served)
}

fn config(world: &World, address: SocketAddr) -> Config {
    let mut config = world.config();
    config.document["control_plane"] = json!({ "grpc": format!("http://{address}") });
    config.document["routes"] = json!([
        {
            "name": "careful",
            "match": { "path": { "prefix": "/orders/careful" } },
            "revocation": { "max_staleness_seconds": 3600, "when_stale": "deny" },
        },
        { "name": "default", "accept": { "any": ["jwt", "api_key"] } },
    ]);
    config
}

async fn status_with_key(client: &Client) -> i32 {
    client
        .ask("GET", "/orders", &[("x-api-key", API_KEY)], true)
        .await
        .status
}

#[tokio::test]
async fn what_is_revoked_is_refused_within_a_second_and_stays_so_whatever_happens_to_the_stream() {
    let world = World::new().await;
    let (address, mut streams, server) = control_plane("127.0.0.1:0").await;
    let sidecar = config(&world, address).start();
    let reader = |claims: serde_json::Value| {
        let mut all = json!({ "scope": "orders:read" });
        all.as_object_mut()
            .unwrap()
            .extend(claims.as_object().unwrap().clone());
        token(&world.issuer, &all)
    };
    let (first, second, third) = (
        reader(json!({ "jti": "one", "sid": "s1" })),
        reader(json!({ "jti": "two", "sid": "s2" })),
        reader(json!({ "jti": "three", "sid": "s3" })),
    );

    // From nothing: everything there is.
    let stream = streams.recv().await.unwrap();
    assert_eq!(stream.since, Position::default());
    stream
        .snapshot(7, vec![revocation("jti", "one")], vec![api_key()])
        .await;
    eventually(SOON, "ready", || async { sidecar.readyz().await.0 == 200 }).await;
    let client = Client::over_unix(&sidecar.config).await;
    let refused = client.get("/orders", &first).await;
    assert_eq!(
        (refused.status, refused.json()["code"].as_str()),
        (401, Some("invalid_token"))
    );
    assert_eq!(client.get("/orders", &second).await.status, 200);
    assert_eq!(client.get("/orders/careful", &second).await.status, 200);
    assert_eq!(status_with_key(&client).await, 200);
    let told = sidecar.snapshot().await["control_plane"].take();
    assert_eq!(
        (&told["revocations"], &told["api_keys"], &told["sequence"]),
        (&json!(1), &json!(1), &json!(7))
    );

    // A change reaches a token that was verified, and remembered, before.
    stream.delta(8, vec![revocation("sid", "s2")], Vec::new()).await;
    eventually(A_SECOND, "the session is revoked", || async {
        client.get("/orders", &second).await.status == 401
    })
    .await;
    assert_eq!(client.get("/orders", &third).await.status, 200);
    stream.delta(9, Vec::new(), vec![revocation("sid", "s2")]).await;
    eventually(A_SECOND, "and lifted", || async {
        client.get("/orders", &second).await.status == 200
    })
    .await;

    // A gap: the lists stay, and everything is asked for anew.
    stream.delta(11, vec![revocation("sid", "s3")], Vec::new()).await;
    let stream = streams.recv().await.unwrap();
    assert_eq!(stream.since, Position::default());
    assert_eq!(client.get("/orders", &first).await.status, 401);
    assert_eq!(client.get("/orders", &third).await.status, 200);
    let all = vec![revocation("jti", "one"), revocation("sid", "s3")];
    stream.snapshot(11, all, vec![api_key()]).await;
    eventually(A_SECOND, "the whole is there again", || async {
        client.get("/orders", &third).await.status == 401
    })
    .await;

    // The stream breaks: it goes on from where it was.
    drop(stream);
    let stream = streams.recv().await.unwrap();
    assert_eq!(stream.since, position(11));
    let kept = sidecar.config.folder.join("data/lists/lists.record");
    eventually(SOON, "kept", || async {
        std::fs::read(&kept).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains("\"sequence\":11"))
    })
    .await;

    // Nobody is there at the restart: what was known still is.
    server.abort();
    drop((stream, streams));
    let restarted = sidecar.kill().start_ready().await;
    let client = Client::over_unix(&restarted.config).await;
    assert_eq!(client.get("/orders", &first).await.status, 401);
    assert_eq!(client.get("/orders", &second).await.status, 200);
    assert_eq!(client.get("/orders/careful", &second).await.status, 200);
    assert_eq!(client.get("/orders", &third).await.status, 401);
    assert_eq!(status_with_key(&client).await, 200);

    // The control plane is back: only what is missing is asked for.
    let (_, mut streams, _server) = control_plane(&address.to_string()).await;
    let stream = streams.recv().await.unwrap();
    assert_eq!(stream.since, position(11));
    stream
        .tell(Hint::Delta(Delta {
            sequence: 12,
            check: check(12),
            api_keys_removed: vec!["abc".to_owned()],
            ..Default::default()
        }))
        .await;
    eventually(A_SECOND, "the API key is gone", || async {
        status_with_key(&client).await == 401
    })
    .await;
}

#[tokio::test]
async fn a_route_that_must_know_denies_while_nobody_tells() {
    let world = World::new().await;
    let (address, mut streams, _server) = control_plane("127.0.0.1:0").await;
    let sidecar = config(&world, address).start();
    let stream = streams.recv().await.unwrap();
    eventually(Duration::from_secs(20), "its patience ends", || async {
        sidecar.readyz().await.0 == 200
    })
    .await;
    let client = Client::over_unix(&sidecar.config).await;
    let reader = world.token("orders:read");
    assert_eq!(client.get("/orders", &reader).await.status, 200);
    let refused = client.get("/orders/careful", &reader).await;
    assert_eq!(
        (refused.status, refused.json()["code"].as_str()),
        (503, Some("revocations_stale"))
    );
    let degraded = sidecar.snapshot().await["degraded"].take().to_string();
    assert!(degraded.contains("what is revoked is not known"), "{degraded}");
    stream.snapshot(1, Vec::new(), Vec::new()).await;
    eventually(A_SECOND, "told", || async {
        client.get("/orders/careful", &reader).await.status == 200
    })
    .await;
}

#[tokio::test]
async fn what_was_heard_last_before_the_end_is_known_to_the_next_start() {
    let world = World::new().await;
    let (address, mut streams, server) = control_plane("127.0.0.1:0").await;
    let mut sidecar = config(&world, address).start();
    let stream = streams.recv().await.unwrap();
    stream.snapshot(1, Vec::new(), vec![api_key()]).await;
    eventually(SOON, "ready", || async { sidecar.readyz().await.0 == 200 }).await;
    // Many changes in a row, so that the last ones come while the ones before are being written.
    let reader = |n: u64| {
        token(
            &world.issuer,
            &json!({ "scope": "orders:read", "jti": n.to_string() }),
        )
    };
    let client = Client::over_unix(&sidecar.config).await;
    let last = 40;
    for n in 2..=last {
        stream
            .delta(n, vec![revocation("jti", &n.to_string())], Vec::new())
            .await;
    }
    eventually(A_SECOND, "the last is revoked", || async {
        client.get("/orders", &reader(last)).await.status == 401
    })
    .await;
    drop(client);
    server.abort();
    drop((stream, streams));

    let (status, config) = sidecar.terminate();
    assert!(status.success());
    sidecar = config.start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    for n in 2..=last {
        assert_eq!(client.get("/orders", &reader(n)).await.status, 401, "{n}");
    }
    assert_eq!(client.get("/orders", &reader(last + 1)).await.status, 200);
}
