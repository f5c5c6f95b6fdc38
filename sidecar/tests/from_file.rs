//! A bundle that is a file of this machine, as an init container leaves it: served from the start, looked at again, refused
//! like any other.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

#[cfg(test)]
mod world;

use std::time::Duration;

use serde_json::json;
use world::{Client, World, demo_plan, eventually, strict_plan};

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_bundle_in_a_file_decides_and_is_looked_at_again() {
    let world = World::new().await;
    let file = world.folder.path().join("orders.tar.gz");
    let write = |archive: Vec<u8>| {
        // As whoever replaces a file that is read does: whole.
        let beside = world.folder.path().join("orders.new");
        std::fs::write(&beside, archive).unwrap();
        std::fs::rename(beside, &file).unwrap();
    };
    write(world.bundle("r1", &demo_plan()));
    let mut config = world.config();
    config.document["policy"]["url"] = json!(format!("file://{}", file.display()));
    config.document["policy"]["poll_seconds"] = json!(1);
    let sidecar = config.start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    let reader = world.token("orders:read");
    assert_eq!(client.get("/orders", &reader).await.status, 200);
    assert_eq!(sidecar.snapshot().await["bundle"]["revision"], "r1");

    write(world.bundle("r2", &strict_plan()));
    eventually(SOON, "the other decides", || async {
        client.get("/orders", &reader).await.status == 403
    })
    .await;
    for (bad, why) in [
        (b"no bundle".to_vec(), "gzipped tar"),
        (vec![0; (32 << 20) + 1], "larger than 33554432 bytes"),
    ] {
        write(bad);
        eventually(SOON, why, || async {
            let bundle = sidecar.snapshot().await["bundle"].take();
            bundle["error"].as_str().is_some_and(|error| error.contains(why))
        })
        .await;
    }
    std::fs::remove_file(&file).unwrap();
    eventually(SOON, "gone", || async {
        let metrics = sidecar.metrics().await;
        metrics.contains("postern_bundle_pulls_total{bundle=\"demo\",outcome=\"failed\"}")
    })
    .await;
    assert_eq!(client.get("/orders", &reader).await.status, 403);
    assert_eq!(sidecar.readyz().await.0, 200);
}

#[tokio::test]
async fn a_file_must_be_named_with_its_whole_path() {
    for url in ["file://orders.tar.gz", "file:orders.tar.gz?x", "ftp://a/b"] {
        let world = World::new().await;
        let mut config = world.config();
        config.document["policy"]["url"] = json!(url);
        let output = config.refused();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{url}: {told}");
        assert!(told.contains("policy.url: expected"), "{url}: {told}");
    }
}
