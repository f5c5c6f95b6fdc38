//! Bundles that carry a sequence: an older one is refused, before and after a restart, and what it holds comes back under a
//! higher one.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

#[cfg(test)]
mod world;

use std::time::Duration;

use postern_policy::{BundleBuilder, Limits, bundle};
use serde_json::{Value as Json, json};
use world::{Client, World, demo_plan, eventually, strict_plan};

const SOON: Duration = Duration::from_secs(5);

fn ordered(world: &World, revision: &str, plan: &str, sequence: u64) -> Vec<u8> {
    let limits = Limits::default();
    let archive = BundleBuilder::new(revision).plan(plan).build().unwrap();
    let archive = bundle::with_sequence(&archive, sequence, &limits).unwrap();
    bundle::sign(&archive, &world.author, "author", &limits).unwrap()
}

async fn refused(sidecar: &world::sidecar::Sidecar, why: &str) -> Json {
    eventually(SOON, why, || async {
        let bundle = sidecar.snapshot().await["bundle"].take();
        bundle["error"].as_str().is_some_and(|error| error.contains(why))
    })
    .await;
    sidecar.snapshot().await["bundle"].take()
}

async fn in_force(sidecar: &world::sidecar::Sidecar, revision: &str) -> Json {
    eventually(SOON, revision, || async {
        sidecar.snapshot().await["bundle"]["revision"] == revision
    })
    .await;
    sidecar.snapshot().await["bundle"].take()
}

#[tokio::test]
async fn an_older_bundle_is_refused_and_its_content_comes_back_under_a_higher_sequence() {
    let world = World::new().await;
    world.origin.serve_bundle(ordered(&world, "r5", &demo_plan(), 50));
    let sidecar = world.config().start_ready().await;
    world
        .origin
        .serve_bundle(ordered(&world, "r6", &strict_plan(), 60));
    assert_eq!(in_force(&sidecar, "r6").await["sequence"], json!(60));
    let client = Client::over_unix(&sidecar.config).await;
    let reader = world.token("orders:read");
    assert_eq!(client.get("/orders", &reader).await.status, 403);

    world.origin.serve_bundle(ordered(&world, "r5", &demo_plan(), 50));
    let bundle = refused(&sidecar, "its sequence is 50, and 60 was in force already").await;
    assert_eq!(
        (&bundle["revision"], &bundle["sequence"]),
        (&json!("r6"), &json!(60))
    );
    assert_eq!(
        client.get("/orders", &reader).await.status,
        403,
        "the old rules are not back"
    );
    assert_eq!(sidecar.readyz().await.0, 200);
    let metrics = sidecar.metrics().await;
    for line in [
        "postern_bundle_sequence{bundle=\"demo\"} 60",
        "postern_bundle_refused{bundle=\"demo\"} 1",
        "postern_bundle_pulls_total{bundle=\"demo\",outcome=\"refused\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }

    world
        .origin
        .serve_bundle(ordered(&world, "r5 again", &demo_plan(), 61));
    let bundle = in_force(&sidecar, "r5 again").await;
    assert_eq!((&bundle["sequence"], &bundle["error"]), (&json!(61), &Json::Null));
    assert_eq!(client.get("/orders", &reader).await.status, 200);
}

#[tokio::test]
async fn after_a_restart_an_older_bundle_is_still_refused() {
    let world = World::new().await;
    world.origin.serve_bundle(ordered(&world, "r6", &demo_plan(), 60));
    let sidecar = world.config().start_ready().await;
    // One without a sequence takes its place, on disk too, and makes nobody forget.
    world.origin.serve_bundle(world.bundle("foreign", &demo_plan()));
    assert_eq!(in_force(&sidecar, "foreign").await["sequence"], Json::Null);
    // Told to end, it writes what it has first.
    let (_, config) = sidecar.terminate();
    world
        .origin
        .serve_bundle(ordered(&world, "r5", &strict_plan(), 50));
    let sidecar = config.start_ready().await;
    let bundle = refused(&sidecar, "its sequence is 50, and 60 was in force already").await;
    assert_eq!(bundle["revision"], "foreign");
    let client = Client::over_unix(&sidecar.config).await;
    assert_eq!(
        client.get("/orders", &world.token("orders:read")).await.status,
        200
    );
}

#[tokio::test]
async fn a_sequence_on_disk_that_is_damaged_is_told_and_the_bundle_beside_it_counts() {
    let world = World::new().await;
    world.origin.serve_bundle(ordered(&world, "r6", &demo_plan(), 60));
    let sidecar = world.config().start_ready().await;
    let (_, config) = sidecar.terminate();
    let bundles = world.folder.path().join("data/bundles");
    let kept = std::fs::read_dir(&bundles)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let sequence = kept
        .into_iter()
        .find(|path| path.extension().is_some_and(|it| it == "sequence"))
        .unwrap();
    std::fs::write(&sequence, "60").unwrap();
    world
        .origin
        .serve_bundle(ordered(&world, "r5", &strict_plan(), 50));
    let sidecar = config.start_ready().await;
    refused(&sidecar, "its sequence is 50, and 60 was in force already").await;
    let dropped = sidecar.snapshot().await["dropped"].take();
    assert!(
        dropped[0]
            .as_str()
            .unwrap()
            .starts_with("sequence of bundle demo"),
        "{dropped}"
    );
}
