//! The configuration changes while the process runs: as a whole, or not at all.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on panics"
)]

#[cfg(test)]
mod world;

use std::time::Duration;

use postern_jose::{Algorithm, LocalSigner, sign_compact};
use serde_json::json;
use world::sidecar::Sidecar;
use world::{Client, Origin, World, eventually};

const SOON: Duration = Duration::from_secs(10);

/// Writes the configuration that the test has changed.
fn rewrite(sidecar: &Sidecar) {
    let text = serde_json::to_string_pretty(&sidecar.config.document).unwrap();
    // As editors and kubelets do it.
    let path = sidecar.config.folder.join("sidecar.yaml");
    let beside = path.with_extension("new");
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(beside, path).unwrap();
}

fn hang_up(sidecar: &Sidecar) {
    let told = std::process::Command::new("kill")
        .args(["-HUP", &sidecar.pid().to_string()])
        .status()
        .unwrap();
    assert!(told.success());
}

async fn is_refused(sidecar: &Sidecar, words: &[&str]) {
    eventually(SOON, "refused, and said why", || async {
        let error = sidecar.snapshot().await["config"]["error"].take();
        error
            .as_str()
            .is_some_and(|error| words.iter().all(|word| error.contains(word)))
    })
    .await;
}

#[tokio::test]
async fn issuers_and_routes_come_and_go_while_what_stays_keeps_its_keys() {
    let world = World::new().await;
    let mut sidecar = world.config().start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    let reader = world.token("orders:read");
    assert_eq!(client.get("/orders", &reader).await.status, 200);
    let fetches = world.origin.key_fetches();

    // Another issuer, and a route that is for its tokens alone.
    let other = Origin::start().await;
    let signer = LocalSigner::generate(Algorithm::ES256).unwrap();
    other.serve_keys([&signer]);
    let now = world::now();
    let claims = json!({
        "iss": "https://other.example", "aud": world::AUDIENCE, "iat": now, "exp": now + 600,
        "scope": "orders:read", "sub": "bob",
    });
    let foreign = sign_compact(&signer, Some("at+jwt"), claims.to_string().as_bytes()).unwrap();
    assert_eq!(client.get("/orders", &foreign).await.status, 401);
    sidecar.config.document["issuers"]
        .as_array_mut()
        .unwrap()
        .insert(
            0,
            json!({ "issuer": "https://other.example", "jwks_uri": other.url("/jwks"), "audiences": [world::AUDIENCE] }),
        );
    sidecar.config.document["routes"] = json!([
        {
            "name": "foreign",
            "match": { "path": { "prefix": "/orders/foreign" } },
            "accept": { "jwt": { "issuers": ["https://other.example"] } },
        },
        { "name": "default" },
    ]);
    rewrite(&sidecar);
    eventually(SOON, "the new issuer counts", || async {
        client.get("/orders/foreign", &foreign).await.status == 200
    })
    .await;
    assert_eq!(client.get("/orders/foreign", &reader).await.status, 401);
    assert_eq!(client.get("/orders", &reader).await.status, 200);
    assert_eq!(
        world.origin.key_fetches(),
        fetches,
        "nothing of the old issuer changed"
    );
    assert_eq!(sidecar.snapshot().await["issuers"].as_array().unwrap().len(), 2);

    // And away again: its tokens end, remembered or not.
    sidecar.config.document["issuers"]
        .as_array_mut()
        .unwrap()
        .remove(0);
    sidecar.config.document["routes"] = json!([{ "name": "default" }]);
    rewrite(&sidecar);
    eventually(SOON, "the issuer is gone", || async {
        client.get("/orders", &foreign).await.status == 401
    })
    .await;
    assert_eq!(client.get("/orders", &reader).await.status, 200);
    assert_eq!(world.origin.key_fetches(), fetches);
    assert_eq!(sidecar.readyz().await.0, 200);
}

#[tokio::test]
async fn rules_that_change_count_for_tokens_that_were_verified_before() {
    let world = World::new().await;
    let mut sidecar = world.config().start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    let reader = world.token("orders:read");
    assert_eq!(client.get("/orders", &reader).await.status, 200);
    sidecar.config.document["issuers"][0]["required_claims"] = json!({ "tenant": ["acme"] });
    rewrite(&sidecar);
    hang_up(&sidecar);
    eventually(SOON, "the claim is asked for", || async {
        client.get("/orders", &reader).await.status == 401
    })
    .await;
}

#[tokio::test]
async fn a_wrong_configuration_is_refused_whole_and_the_old_one_serves_on() {
    let world = World::new().await;
    let mut sidecar = world.config().start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    let reader = world.token("orders:read");
    let good = sidecar.config.document.clone();
    let serves_on = || async {
        assert_eq!(client.get("/orders", &reader).await.status, 200);
        assert_eq!(sidecar.readyz().await.0, 200);
    };

    // One thing is wrong, another would deny everything.
    let mut wrong = good.clone();
    wrong["issuers"][0]["audiences"] = json!(["urn:nobody"]);
    wrong["routes"] = json!([{ "name": "a", "colour": "red" }]);
    write(&sidecar, &wrong);
    is_refused(&sidecar, &["sidecar.yaml:", "routes[0].colour"]).await;
    serves_on().await;
    assert!(sidecar.metrics().await.contains("postern_config_refused 1"));

    let mut fixed = good.clone();
    fixed["data_dir"] = json!("elsewhere");
    fixed["ext_authz"]["workers"] = json!(2);
    write(&sidecar, &fixed);
    is_refused(&sidecar, &["data_dir, ext_authz.workers", "restart"]).await;
    serves_on().await;

    // A policy that can't be had doesn't take over from one that serves.
    let mut policy = good.clone();
    policy["policy"]["bundle"] = json!("another");
    policy["policy"]["url"] = json!(world.origin.url("/bundles/nothing"));
    write(&sidecar, &policy);
    is_refused(&sidecar, &["policy:", "404"]).await;
    serves_on().await;

    sidecar.config.document = good;
    rewrite(&sidecar);
    eventually(SOON, "all is well", || async {
        sidecar.snapshot().await["config"]["error"].is_null()
    })
    .await;
    assert!(sidecar.metrics().await.contains("postern_config_refused 0"));
    assert_eq!(client.get("/orders", &reader).await.status, 200);
}

fn write(sidecar: &Sidecar, document: &serde_json::Value) {
    let path = sidecar.config.folder.join("sidecar.yaml");
    std::fs::write(path, serde_json::to_string_pretty(document).unwrap()).unwrap();
}

#[tokio::test]
async fn admin_shows_the_configuration_in_force_not_the_one_that_was_refused() {
    let world = World::new().await;
    let mut sidecar = world.config().start_ready().await;
    assert_eq!(sidecar.admin("/config").await.1, sidecar.config.document);
    let in_force = sidecar.config.document.clone();
    sidecar.config.document["realm"] = json!("");
    rewrite(&sidecar);
    is_refused(&sidecar, &["realm"]).await;
    assert_eq!(sidecar.admin("/config").await.1, in_force);
    sidecar.config.document["realm"] = json!("another");
    rewrite(&sidecar);
    eventually(SOON, "shown", || async {
        sidecar.admin("/config").await.1["realm"] == "another"
    })
    .await;
}
