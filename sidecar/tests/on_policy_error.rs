//! A policy that fails, told to the proxy as each route says: as a denial, or as a failure that `failure_mode_allow` decides on.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

#[cfg(test)]
mod world;

use serde_json::{Value as Json, json};
use world::sidecar::free_address;
use world::{Client, World, demo_plan};

/// The demo's policy, whose answer has no `allowed`.
#[cfg(test)]
fn ill_formed_plan() -> String {
    let plan = demo_plan().replace("\"allowed\"", "\"alowed\"");
    assert_ne!(plan, demo_plan());
    plan
}

#[cfg(test)]
fn routes() -> Json {
    json!([
        { "name": "left", "match": { "path": { "prefix": "/orders/left" } }, "on_policy_error": "error" },
        { "name": "shadow", "match": { "path": { "prefix": "/orders/shadow" } }, "on_policy_error": "error", "policy": "shadow" },
        { "name": "rest" },
    ])
}

#[tokio::test]
async fn a_policy_that_fails_is_told_as_the_route_says() {
    let world = World::new().await;
    world.origin.serve_bundle(world.bundle("r1", &ill_formed_plan()));
    let mut config = world.config();
    config.document["routes"] = routes();
    let sidecar = config.start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    let token = world.token("orders:read");

    let denied = client.get("/orders/7", &token).await;
    assert_eq!(
        (denied.status, denied.json()["code"].as_str()),
        (500, Some("policy_error"))
    );
    let status = client.failing("/orders/left", &token).await;
    assert_eq!(status.code(), tonic::Code::Unknown);
    assert!(status.message().contains("`allowed`"), "{status:?}");
    assert_eq!(client.get("/orders/shadow", &token).await.status, 200);
    // Who may not ask the policy at all is refused as ever.
    assert_eq!(client.ask("GET", "/orders/left", &[], true).await.status, 401);

    let metrics = sidecar.metrics().await;
    for line in [
        "postern_checks_total{route=\"rest\",outcome=\"denied\",code=\"policy_error\"} 1",
        "postern_checks_total{route=\"left\",outcome=\"error\",code=\"policy_error\"} 1",
        "postern_checks_total{route=\"left\",outcome=\"denied\",code=\"missing_token\"} 1",
        "postern_shadow_decisions_total{route=\"shadow\",outcome=\"error\",code=\"policy_error\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    let kept = sidecar.admin("/decisions?limit=10").await.1;
    let of = |route: &str| {
        let all = kept["decisions"].as_array().unwrap().iter();
        all.rev().find(|kept| kept["route"] == route).unwrap().clone()
    };
    assert_eq!(
        (&of("left")["outcome"], &of("left")["code"]),
        (&json!("error"), &json!("policy_error"))
    );
    assert_eq!(of("shadow")["shadow"]["outcome"], "would fail");
    assert_eq!(of("rest")["outcome"], "denied");
    let logged = sidecar.log().iter().any(|line| line["outcome"] == "error");
    assert!(logged, "{:?}", sidecar.log());
}

#[tokio::test]
async fn over_http_a_failing_policy_is_an_accident_where_the_route_says_so() {
    let world = World::new().await;
    world.origin.serve_bundle(world.bundle("r1", &ill_formed_plan()));
    let mut config = world.config();
    let address = free_address();
    config.document["routes"] = routes();
    config.document["http_auth"] =
        json!({ "listen": [address], "mode": "envoy", "trusted_peers": ["127.0.0.1/32"] });
    let sidecar = config.start_ready().await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let token = world.token("orders:read");
    // A 5xx is what Envoy's `failure_mode_allow` decides on, and nothing else.
    for (path, status) in [("/orders/left", 500), ("/orders/7", 403)] {
        let asked = http.get(format!("http://{address}{path}")).bearer_auth(&token);
        let told = asked.send().await.unwrap();
        assert_eq!(told.status(), status, "{path}");
        assert!(told.text().await.unwrap().contains("policy_error"));
    }
    drop(sidecar);
}
