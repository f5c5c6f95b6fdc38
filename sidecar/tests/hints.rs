//! Hints from a control plane: with everything else polled once an hour, changes are found within a second of a hint.

#[cfg(test)]
mod world;

use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use postern_jose::{Algorithm, LocalSigner};
use postern_proto::sync::v1::sync_service_server::{SyncService, SyncServiceServer};
use postern_proto::sync::v1::{BundleHint, KeysHint, WatchRequest, WatchResponse, watch_response::Hint};
use serde_json::json;
use tokio::sync::broadcast;
use tokio_stream::wrappers::{BroadcastStream, TcpListenerStream};
use tonic::{Request, Response, Status};
use world::{Client, World, eventually, strict_plan, token};

/// The server's side of the contract: wants its credential, sends what it is told to.
struct Hints(broadcast::Sender<Hint>);

#[cfg(test)]
#[tonic::async_trait]
impl SyncService for Hints {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<WatchResponse, Status>> + Send>>;

    async fn watch(&self, request: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let credential = request
            .metadata()
            .get("authorization")
            .and_then(|value| value.to_str().ok());
        if credential != Some("Bearer postern_sidecar_secret") {
            return Err(Status::unauthenticated("who are you?"));
        }
        assert_eq!(request.get_ref().bundle, "demo");
        let hints = BroadcastStream::new(self.0.subscribe());
        Ok(Response::new(Box::pin(
            hints.map(|hint| Ok(WatchResponse { hint: hint.ok() })),
        )))
    }
}

#[cfg(test)]
async fn control_plane() -> (SocketAddr, broadcast::Sender<Hint>) {
    let (hints, _) = broadcast::channel(8);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server =
        tonic::transport::Server::builder().add_service(SyncServiceServer::new(Hints(hints.clone())));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    (address, hints)
}

#[tokio::test]
async fn a_hint_is_followed_at_once() {
    let world = World::new().await;
    world.origin.be_plain();
    let (address, hints) = control_plane().await;
    let mut config = world.config();
    std::fs::write(config.folder.join("credential"), "postern_sidecar_secret\n").unwrap();
    config.document["control_plane"] =
        json!({ "grpc": format!("http://{address}"), "credential_file": "credential" });
    config.document["policy"]["poll_seconds"] = json!(3600);
    config.document["issuers"][0]["refresh_seconds"] = json!(3600);
    config.document["issuers"][0]["refetch_cooldown_seconds"] = json!(3600);
    let sidecar = config.start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    eventually(Duration::from_secs(5), "connected", || async {
        sidecar.snapshot().await["control_plane"]["connected"] == true
    })
    .await;

    let reader = world.token("orders:read");
    assert_eq!(client.get("/orders", &reader).await.status, 200);
    world.origin.serve_bundle(world.bundle("r2", &strict_plan()));
    hints
        .send(Hint::Bundle(BundleHint {
            name: "demo".to_owned(),
            etag: "2".to_owned(),
        }))
        .unwrap();
    eventually(Duration::from_secs(1), "the policy", || async {
        client.get("/orders", &reader).await.status == 403
    })
    .await;

    let next = LocalSigner::generate(Algorithm::ES256).unwrap();
    let new = token(&next, &json!({ "scope": "orders:nobody-has-this" }));
    world.origin.serve_keys([&next]);
    hints
        .send(Hint::Keys(KeysHint {
            issuer: world::ISSUER.to_owned(),
            etag: "2".to_owned(),
        }))
        .unwrap();
    eventually(Duration::from_secs(1), "the keys", || async {
        client.get("/orders", &new).await.status == 200
    })
    .await;
}

#[tokio::test]
async fn a_hint_does_not_end_long_polling() {
    let world = World::new().await;
    let (address, hints) = control_plane().await;
    let mut config = world.config();
    std::fs::write(config.folder.join("credential"), "postern_sidecar_secret\n").unwrap();
    config.document["control_plane"] =
        json!({ "grpc": format!("http://{address}"), "credential_file": "credential" });
    config.document["policy"]["poll_seconds"] = json!(3600);
    let sidecar = config.start_ready().await;
    eventually(Duration::from_secs(5), "connected and held", || async {
        world.origin.holds() && sidecar.snapshot().await["control_plane"]["connected"] == true
    })
    .await;
    // The request that a hint causes is not one to be held, and says nothing about whether others are.
    let unmodified = world.origin.bundle_unmodified();
    hints
        .send(Hint::Bundle(BundleHint {
            name: "demo".to_owned(),
            etag: "2".to_owned(),
        }))
        .unwrap();
    eventually(
        Duration::from_secs(5),
        "asked at once, then held again",
        || async { world.origin.bundle_unmodified() == unmodified + 1 && world.origin.holds() },
    )
    .await;
    world.origin.serve_bundle(world.bundle("r2", &strict_plan()));
    eventually(Duration::from_secs(5), "the policy", || async {
        sidecar.snapshot().await["bundle"]["revision"] == "r2"
    })
    .await;
}

#[tokio::test]
async fn a_flood_of_unknown_keys_within_the_cooldown_costs_no_fetch() {
    let world = World::new().await;
    let (address, hints) = control_plane().await;
    let mut config = world.config();
    std::fs::write(config.folder.join("credential"), "postern_sidecar_secret\n").unwrap();
    config.document["control_plane"] =
        json!({ "grpc": format!("http://{address}"), "credential_file": "credential" });
    config.document["issuers"][0]["refetch_cooldown_seconds"] = json!(3600);
    let sidecar = config.start_ready().await;
    eventually(Duration::from_secs(5), "connected", || async {
        sidecar.snapshot().await["control_plane"]["connected"] == true
    })
    .await;
    let client = Client::over_unix(&sidecar.config).await;
    // The first fetch, at start, began the cooldown.
    let before = world.origin.key_fetches();
    for _ in 0..5 {
        let stranger = LocalSigner::generate(Algorithm::ES256).unwrap();
        let forged = token(&stranger, &json!({}));
        for _ in 0..20 {
            assert_eq!(client.get("/orders", &forged).await.status, 401);
        }
    }
    // The puller is one task: once it has followed a hint, whatever the flood caused has been fetched too.
    let next = LocalSigner::generate(Algorithm::ES256).unwrap();
    let new = token(&next, &json!({ "scope": "orders:read" }));
    world.origin.serve_keys([&next]);
    hints
        .send(Hint::Keys(KeysHint {
            issuer: world::ISSUER.to_owned(),
            etag: "2".to_owned(),
        }))
        .unwrap();
    eventually(Duration::from_secs(5), "the hinted keys", || async {
        client.get("/orders", &new).await.status == 200
    })
    .await;
    assert_eq!(world.origin.key_fetches(), before + 1, "the hint's alone");
}

#[tokio::test]
async fn a_control_plane_that_does_not_answer_is_told() {
    let world = World::new().await;
    // It takes connections and says nothing, as one behind a stuck proxy does.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = world.config();
    config.document["control_plane"] = json!({ "grpc": format!("http://{}", silent.local_addr().unwrap()) });
    let sidecar = config.start_ready().await;
    eventually(Duration::from_secs(20), "told", || async {
        let error = sidecar.snapshot().await["control_plane"]["error"].take();
        error
            .as_str()
            .is_some_and(|error| error.contains("did not begin"))
    })
    .await;
}

#[tokio::test]
async fn a_refused_credential_is_told_and_nothing_else_suffers() {
    let world = World::new().await;
    let (address, _hints) = control_plane().await;
    let mut config = world.config();
    config.document["control_plane"] = json!({ "grpc": format!("http://{address}") });
    let sidecar = config.start_ready().await;
    eventually(Duration::from_secs(5), "told", || async {
        let error = sidecar.snapshot().await["control_plane"]["error"].take();
        error.as_str().is_some_and(|error| error.contains("who are you?"))
    })
    .await;
    let client = Client::over_unix(&sidecar.config).await;
    assert_eq!(
        client.get("/orders", &world.token("orders:read")).await.status,
        200
    );
}
