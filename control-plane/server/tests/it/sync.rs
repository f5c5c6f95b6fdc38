//! The stream of hints that a sidecar follows.

use postern_proto::sync::v1::sync_service_client::SyncServiceClient;
use postern_proto::sync::v1::watch_response::Hint;
use postern_proto::sync::v1::{WatchRequest, WatchResponse};
use tokio::time::timeout;
use tonic::Streaming;

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
