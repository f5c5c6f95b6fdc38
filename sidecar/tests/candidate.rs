//! A candidate policy beside the one in force: equal to it, it never differs; a difference is seen in each decision that has
//! it; and nobody is answered otherwise for it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

#[cfg(test)]
mod world;

use std::time::Duration;

use serde_json::{Value as Json, json};
use world::sidecar::{Sidecar, free_address};
use world::{Client, Config, Origin, World, demo_plan, eventually, strict_plan};

const SOON: Duration = Duration::from_secs(10);

/// Where the candidate comes from, and a configuration that compares each decision with it.
async fn beside(world: &World) -> (Origin, Config) {
    let origin = Origin::start().await;
    let mut config = world.config();
    config.document["policy"]["candidate"] = json!({
        "bundle": "next",
        "url": origin.url("/bundles/demo"),
        "sample_per_million": 1_000_000,
    });
    (origin, config)
}

async fn candidate(sidecar: &Sidecar) -> Json {
    sidecar.admin("/candidate?limit=100").await.1
}

async fn revision(sidecar: &Sidecar, revision: &str) {
    eventually(SOON, revision, || async {
        candidate(sidecar).await["bundle"]["revision"] == revision
    })
    .await;
}

/// Waits until so many decisions were compared; what came of them.
async fn compared(sidecar: &Sidecar, count: u64) -> Json {
    eventually(SOON, "compared", || async {
        let compared = candidate(sidecar).await["compared"].take();
        let counts = compared.as_object().unwrap().values();
        counts.map(|count| count.as_u64().unwrap()).sum::<u64>() == count
    })
    .await;
    candidate(sidecar).await
}

#[tokio::test]
async fn a_candidate_that_is_the_policy_in_force_never_differs() {
    let world = World::new().await;
    let (next, config) = beside(&world).await;
    next.serve_bundle(world.bundle("r1", &demo_plan()));
    let sidecar = config.start_ready().await;
    revision(&sidecar, "r1").await;
    let client = Client::over_unix(&sidecar.config).await;
    let (reader, other) = (world.token("orders:read"), world.token("other"));
    for _ in 0..20 {
        for (token, path, status) in [
            (&reader, "/orders", 200),
            (&reader, "/orders/7?x=1", 200),
            (&other, "/orders", 403),
            (&other, "/x", 403),
        ] {
            assert_eq!(client.get(path, token).await.status, status);
        }
    }
    // No policy is asked about these.
    assert_eq!(client.ask("GET", "/orders", &[], true).await.status, 401);
    let shown = compared(&sidecar, 80).await;
    assert_eq!(shown["compared"]["same"], 80, "{shown}");
    assert_eq!(shown["sample_per_million"], 1_000_000);
    assert_eq!(
        (&shown["dropped"], &shown["differences"]),
        (&json!(0), &json!([]))
    );
    let metrics = sidecar.metrics().await;
    for line in [
        "postern_candidate_compared_total{outcome=\"same\"} 80",
        "postern_candidate_compared_total{outcome=\"would_deny\"} 0",
        "postern_candidate_dropped_total 0",
        "postern_bundle_pulls_total{bundle=\"next\",outcome=\"activated\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn each_decision_that_would_be_another_is_seen_and_none_is() {
    let world = World::new().await;
    let (next, config) = beside(&world).await;
    next.serve_bundle(world.bundle("r2", &strict_plan()));
    let sidecar = config.start_ready().await;
    revision(&sidecar, "r2").await;
    let client = Client::over_unix(&sidecar.config).await;
    let (reader, other) = (world.token("orders:read"), world.token("other"));
    for _ in 0..10 {
        assert_eq!(client.get("/orders?secret=1", &reader).await.status, 200);
        assert_eq!(client.get("/orders", &other).await.status, 403);
    }
    let shown = compared(&sidecar, 20).await;
    assert_eq!(shown["compared"]["would_deny"], 10, "{shown}");
    let differing = shown["differences"].as_array().unwrap();
    // The refusals say which scope would do, which isn't the same either.
    let kinds = |kind: &str| {
        differing
            .iter()
            .filter(|difference| difference["kind"] == kind)
            .count()
    };
    assert_eq!(kinds("would_deny") + kinds("other"), differing.len(), "{shown}");
    assert_eq!(json!(kinds("other")), shown["compared"]["other"], "{shown}");
    let denied = differing
        .iter()
        .find(|difference| difference["kind"] == "would_deny")
        .unwrap();
    assert_eq!(
        (&denied["route"], &denied["method"], &denied["path"]),
        (&json!("default"), &json!("GET"), &json!("/orders")),
        "no query"
    );
    assert_eq!(denied["differs"], json!(["allowed", "code"]));
    assert_eq!(
        (&denied["active"]["outcome"], &denied["active"]["revision"]),
        (&json!("allowed"), &json!("r1"))
    );
    let said = &denied["candidate"];
    assert_eq!(
        (&said["outcome"], &said["revision"], &said["status"]),
        (&json!("denied"), &json!("r2"), &json!(403)),
        "{denied}"
    );
    // It is one that was made.
    let id = denied["decision_id"].as_str().unwrap();
    let (status, decision) = sidecar.admin(&format!("/decisions/{id}")).await;
    assert_eq!((status, &decision["outcome"]), (200, &json!("allowed")));
}

#[tokio::test]
async fn a_candidate_that_is_refused_or_gone_holds_nothing_up() {
    let world = World::new().await;
    let (next, mut config) = beside(&world).await;
    next.serve_bundle(world.bundle("bad", "{}"));
    config.document["policy"]["candidate"]["sample_per_million"] = json!(1_000_000);
    let sidecar = config.start_ready().await;
    eventually(SOON, "refused", || async {
        candidate(&sidecar).await["bundle"]["error"].is_string()
    })
    .await;
    let snapshot = sidecar.snapshot().await;
    assert!(
        snapshot["degraded"]
            .to_string()
            .contains("no candidate policy is active"),
        "{snapshot}"
    );
    assert_eq!(snapshot["candidate"]["name"], "next");
    assert_eq!(
        (&snapshot["ready"], &snapshot["bundle"]["error"]),
        (&json!(true), &Json::Null)
    );
    let client = Client::over_unix(&sidecar.config).await;
    let reader = world.token("orders:read");
    assert_eq!(client.get("/orders", &reader).await.status, 200);

    // One that can be evaluated takes its place; after a restart it is there with nobody to ask.
    next.serve_bundle(world.bundle("r2", &strict_plan()));
    revision(&sidecar, "r2").await;
    assert_eq!(client.get("/orders", &reader).await.status, 200);
    assert_eq!(compared(&sidecar, 1).await["compared"]["would_deny"], 1);
    let (_, config) = sidecar.terminate();
    next.kill();
    let sidecar = config.start_ready().await;
    revision(&sidecar, "r2").await;

    // Taken out of the file, it is compared with no more.
    let path = sidecar.config.folder.join("sidecar.yaml");
    let mut document = sidecar.config.document.clone();
    document["policy"].as_object_mut().unwrap().remove("candidate");
    std::fs::write(&path, document.to_string()).unwrap();
    eventually(SOON, "gone", || async {
        sidecar.snapshot().await["candidate"].is_null()
    })
    .await;
    let client = Client::over_unix(&sidecar.config).await;
    assert_eq!(client.get("/orders", &reader).await.status, 200);
    let shown = candidate(&sidecar).await;
    assert_eq!(
        (&shown["bundle"], &shown["compared"]["would_deny"]),
        (&Json::Null, &json!(0))
    );
}

#[tokio::test]
async fn what_proxies_ask_over_http_is_compared_too() {
    let world = World::new().await;
    let (next, mut config) = beside(&world).await;
    next.serve_bundle(world.bundle("r2", &strict_plan()));
    let address = free_address();
    config.document["http_auth"] =
        json!({ "listen": [address], "mode": "forward", "trusted_peers": ["127.0.0.1/32"] });
    let sidecar = config.start_ready().await;
    revision(&sidecar, "r2").await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http
        .get(format!("http://{address}/"))
        .header("x-forwarded-method", "GET")
        .header("x-forwarded-proto", "http")
        .header("x-forwarded-host", "orders.example")
        .header("x-forwarded-uri", "/orders")
        .header("x-forwarded-for", "203.0.113.7")
        .header("authorization", format!("Bearer {}", world.token("orders:read")))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let shown = compared(&sidecar, 1).await;
    assert_eq!(
        (&shown["compared"]["would_deny"], &shown["differences"][0]["host"]),
        (&json!(1), &json!("orders.example")),
        "{shown}"
    );
}

#[tokio::test]
async fn only_a_share_is_compared_where_less_is_asked_for() {
    let world = World::new().await;
    let (next, mut config) = beside(&world).await;
    config.document["policy"]["candidate"]["sample_per_million"] = json!(500_000);
    next.serve_bundle(world.bundle("r1", &demo_plan()));
    let sidecar = config.start_ready().await;
    revision(&sidecar, "r1").await;
    let client = Client::over_unix(&sidecar.config).await;
    let reader = world.token("orders:read");
    for _ in 0..200 {
        assert_eq!(client.get("/orders", &reader).await.status, 200);
    }
    // Which are is chance: with 200 of them, hardly ever as few as 40 or as many as 160.
    eventually(SOON, "some", || async {
        let same = candidate(&sidecar).await["compared"]["same"].as_u64().unwrap();
        (40..160).contains(&same)
    })
    .await;
}
