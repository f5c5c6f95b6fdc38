//! Issuers' keys: found, fetched no more often than allowed whatever callers send, too old at some point, and nobody else's
//! business.

#[cfg(test)]
mod world;

use std::time::{Duration, Instant};

use postern_jose::{Algorithm, LocalSigner};
use serde_json::json;
use world::{Client, World, eventually, token};

const SOON: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "counts how many cooldowns there were")]
async fn ten_thousand_unknown_keys_cost_at_most_a_fetch_for_each_cooldown() {
    let world = World::new().await;
    let mut config = world.config();
    config.document["issuers"][0]["refetch_cooldown_seconds"] = json!(1);
    config.document["issuers"][0]["refresh_seconds"] = json!(3600);
    config.document["log_decisions"] = json!("none");
    let sidecar = config.start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    let strangers: Vec<_> = (0..100)
        .map(|_| {
            let stranger = LocalSigner::generate(Algorithm::ES256).unwrap();
            token(&stranger, &json!({ "scope": "orders:read" }))
        })
        .collect();
    let before = world.origin.key_fetches();
    let began = Instant::now();
    for _ in 0..100 {
        let asked = strangers.iter().map(|token| client.get("/orders", token));
        let answers = futures_util::future::join_all(asked).await;
        assert!(answers.iter().all(|answer| answer.status == 401));
    }
    let cooldowns = usize::try_from(began.elapsed().as_secs()).unwrap() + 1;
    let fetches = world.origin.key_fetches() - before;
    assert!(fetches <= cooldowns, "{fetches} fetches in {cooldowns} cooldowns");
}

#[tokio::test]
async fn an_issuer_that_publishes_where_its_keys_are_is_followed() {
    let world = World::new().await;
    let mut config = world.config();
    let issuer = world.origin.url("/realm");
    config.document["issuers"][0] = json!({
        "issuer": issuer, "discovery": true, "audiences": [world::AUDIENCE], "refetch_cooldown_seconds": 1,
    });
    // Somebody else's document first: its keys must not count for this issuer's tokens.
    world
        .origin
        .serve_discovery(&json!({ "issuer": "https://else.example", "jwks_uri": world.origin.url("/jwks") }));
    let sidecar = config.start();
    eventually(SOON, "refused", || async {
        let (status, body) = sidecar.readyz().await;
        status == 503 && body.to_string().contains("expected `http://127.0.0.1")
    })
    .await;
    world
        .origin
        .serve_discovery(&json!({ "issuer": issuer, "jwks_uri": world.origin.url("/jwks") }));
    eventually(SOON, "ready", || async { sidecar.readyz().await.0 == 200 }).await;
    let client = Client::over_unix(&sidecar.config).await;
    let reader = token(&world.issuer, &json!({ "iss": issuer, "scope": "orders:read" }));
    assert_eq!(client.get("/orders", &reader).await.status, 200);
}

#[tokio::test]
async fn a_check_that_may_wait_for_a_new_key_is_answered_with_it() {
    let world = World::new().await;
    let mut config = world.config();
    config.document["issuers"][0]["on_unknown_kid"] = json!({ "wait_ms": 400 });
    config.document["issuers"][0]["refetch_cooldown_seconds"] = json!(1);
    let sidecar = config.start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    // The cooldown of the first fetch is over.
    let next = LocalSigner::generate(Algorithm::ES256).unwrap();
    let new = token(&next, &json!({ "scope": "orders:read" }));
    let before = world.origin.key_fetches();
    eventually(SOON, "another fetch", || async {
        client.get("/orders", &new).await;
        world.origin.key_fetches() > before
    })
    .await;
    world.origin.serve_keys([&world.issuer, &next]);
    let before = world.origin.key_fetches();
    eventually(SOON, "the key", || async {
        client.get("/orders", &new).await.status == 200
    })
    .await;
    assert_eq!(world.origin.key_fetches(), before + 1);
}

#[tokio::test]
async fn keys_on_disk_that_are_too_old_are_not_used() {
    let world = World::new().await;
    let mut config = world.config();
    config.document["issuers"][0]["refresh_seconds"] = json!(1);
    config.document["issuers"][0]["max_staleness_seconds"] = json!(1);
    let sidecar = config.start_ready().await.settled().await;
    let client = Client::over_unix(&sidecar.config).await;
    let reader = world.token("orders:read");
    assert_eq!(client.get("/orders", &reader).await.status, 200);
    // Nobody confirms them any more: first those in memory don't count, then those on disk.
    world.origin.kill();
    eventually(SOON, "too old", || async {
        let answer = client.get("/orders", &reader).await;
        answer.status == 503 && answer.json()["code"] == "keys_unavailable"
    })
    .await;
    let restarted = sidecar.kill().start();
    eventually(SOON, "said so", || async {
        let dropped = restarted.snapshot().await["dropped"].take().to_string();
        dropped.contains("max_staleness_seconds")
    })
    .await;
    assert_eq!(restarted.readyz().await.0, 503);
}

#[tokio::test]
async fn an_issuer_that_is_down_holds_nobody_up_and_is_named() {
    let world = World::new().await;
    let mut config = world.config();
    config.document["issuers"].as_array_mut().unwrap().insert(
        0,
        json!({ "issuer": "https://down.example", "jwks_uri": "http://127.0.0.1:1/jwks", "audiences": ["a"] }),
    );
    let sidecar = config.start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    assert_eq!(
        client.get("/orders", &world.token("orders:read")).await.status,
        200
    );
    eventually(SOON, "named", || async {
        let degraded = sidecar.snapshot().await["degraded"].take().to_string();
        degraded.contains("no keys of https://down.example")
    })
    .await;
}
