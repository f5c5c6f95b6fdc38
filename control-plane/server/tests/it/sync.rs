//! The stream that a sidecar follows: hints, and who gets more than those.

use std::time::Duration;

use postern_proto::sync::v1::sync_service_client::SyncServiceClient;
use postern_proto::sync::v1::watch_response::Hint;
use postern_proto::sync::v1::{Position, WatchRequest, WatchResponse};
use tokio::time::timeout;
use tonic::Streaming;

use crate::follower::Follower;
use crate::support::{House, PATIENCE, Plane};

async fn watch(plane: &Plane, bundle: &str) -> Streaming<WatchResponse> {
    let mut sync = SyncServiceClient::new(plane.authorized(&plane.sidecar).await);
    sync.watch(WatchRequest {
        bundle: bundle.into(),
        since: None,
    })
    .await
    .unwrap()
    .into_inner()
}

async fn next(stream: &mut Streaming<WatchResponse>) -> Hint {
    let message = timeout(PATIENCE, stream.message()).await.unwrap();
    message.unwrap().unwrap().hint.unwrap()
}

#[tokio::test]
async fn a_watcher_is_told_what_there_is_and_then_each_change() {
    let house = House::new();
    let plane = house.start();
    let mut early = watch(&plane, "demo").await;
    let Hint::Keys(keys) = next(&mut early).await else {
        panic!("keys come first")
    };
    assert_eq!(keys.issuer, "https://auth.example.com");
    let jwks = plane.get("/.well-known/jwks.json").send().await.unwrap();
    assert_eq!(jwks.headers()["etag"], format!("\"{}\"", keys.etag).as_str());

    let one = plane.publish("demo", house.archive("r1")).await.unwrap();
    let Hint::Bundle(hint) = next(&mut early).await else {
        panic!("then the bundle, when there is one")
    };
    assert_eq!((hint.name.as_str(), &hint.etag), ("demo", &one.etag));

    let mut late = watch(&plane, "demo").await;
    assert!(matches!(next(&mut late).await, Hint::Keys(_)));
    assert!(matches!(next(&mut late).await, Hint::Bundle(hint) if hint.etag == one.etag));

    plane.publish("other", house.archive("r1")).await.unwrap();
    let two = plane.publish("demo", house.archive("r2")).await.unwrap();
    for stream in [&mut early, &mut late] {
        assert!(
            matches!(next(stream).await, Hint::Bundle(hint) if hint.etag == two.etag),
            "not of another bundle"
        );
    }
}

#[tokio::test]
async fn a_name_that_cannot_be_is_refused() {
    let house = House::new();
    let plane = house.start();
    let mut sync = SyncServiceClient::new(plane.authorized(&plane.sidecar).await);
    let status = sync
        .watch(WatchRequest {
            bundle: "../x".into(),
            since: None,
        })
        .await
        .unwrap_err();
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
}

#[tokio::test]
async fn who_asks_for_no_lists_is_told_hints_only() {
    let house = House::new();
    let plane = house.start();
    let mut hints = watch(&plane, "demo").await;
    assert!(matches!(next(&mut hints).await, Hint::Keys(_)));
    // Longer than a sign of life takes to come.
    let more = timeout(Duration::from_secs(6), hints.message()).await;
    assert!(more.is_err(), "{more:?}");
}

#[tokio::test]
async fn the_lists_are_told_to_nobody_without_a_credential() {
    let house = House::new();
    let plane = house.start();
    for credential in ["", "postern_sidecar_x"] {
        let mut sync = SyncServiceClient::new(plane.authorized(credential).await);
        let request = WatchRequest {
            bundle: String::new(),
            since: Some(Position::default()),
        };
        let status = sync.watch(request).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::Unauthenticated);
    }
}

#[tokio::test]
async fn signs_of_life_go_on() {
    let house = House::new();
    let plane = house.start();
    let mut stream = crate::follower::watch(&plane, None).await;
    let mut follower = Follower::default();
    for _ in 0..3 {
        follower.catch_up(&mut stream).await;
    }
    assert_eq!((follower.snapshots, follower.deltas), (1, 0));
}
