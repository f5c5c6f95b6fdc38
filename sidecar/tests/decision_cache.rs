//! Answers of policy that are remembered, and policies in shadow, by the real process.

#[cfg(test)]
mod world;

use std::time::Duration;

use serde_json::{Value as Json, json};
use world::{Client, World, demo_plan, eventually, strict_plan};

/// The value of a metric, by all that stands before it on its line.
#[cfg(test)]
fn metric(metrics: &str, name: &str) -> Option<f64> {
    let line = metrics
        .lines()
        .find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
async fn ask(client: &Client, token: &str, id: &str) -> bool {
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str()), ("x-request-id", id)];
    client.ask("GET", "/orders", &headers, true).await.status == 200
}

#[tokio::test]
async fn an_answer_is_given_again_counted_and_told_until_the_policy_changes() {
    let world = World::new().await;
    let mut config = world.config();
    config.document["policy"]["long_poll_seconds"] = json!(1);
    config.document["policy"]["poll_seconds"] = json!(1);
    let sidecar = config.start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    let token = world.token("orders:read");
    for id in ["a-0", "a-1", "a-2"] {
        assert!(ask(&client, &token, id).await);
    }
    let snapshot = sidecar.snapshot().await;
    assert_eq!(
        snapshot["bundle"]["cache"],
        json!({ "answers": "on", "why": null })
    );
    let metrics = sidecar.metrics().await;
    assert_eq!(
        metric(&metrics, "postern_decision_cache_hits_total"),
        Some(2.0),
        "{metrics}"
    );
    assert_eq!(metric(&metrics, "postern_decision_cache_misses_total"), Some(1.0));
    assert_eq!(metric(&metrics, "postern_decision_cache_entries"), Some(1.0));
    // Each is a decision of its own.
    let mut ids = Vec::new();
    for (id, remembered) in [("a-0", false), ("a-1", true), ("a-2", true)] {
        let (_, decision) = sidecar.admin(&format!("/decisions/{id}")).await;
        assert_eq!(decision["policy_remembered"], remembered, "{decision}");
        assert_eq!(
            (&decision["outcome"], &decision["policy_revision"]),
            (&json!("allowed"), &json!("r1"))
        );
        ids.push(decision["decision_id"].as_str().unwrap().to_owned());
        let logged: Vec<Json> = sidecar
            .log()
            .into_iter()
            .filter(|line| line["correlation_id"] == id)
            .collect();
        assert_eq!(logged.len(), 1, "{logged:?}");
        assert_eq!(logged[0]["policy_cached"], remembered);
    }
    ids.dedup();
    assert_eq!(ids.len(), 3);

    // Of the same revision: revisions are others' words.
    world.origin.serve_bundle(world.bundle("r1", &strict_plan()));
    eventually(Duration::from_secs(30), "the other policy", || async {
        !ask(&client, &token, "b").await
    })
    .await;
    world.origin.serve_bundle(world.bundle("r1", &demo_plan()));
    eventually(Duration::from_secs(30), "the first policy again", || async {
        ask(&client, &token, "c").await
    })
    .await;
}

#[tokio::test]
async fn nothing_is_remembered_where_that_is_configured() {
    let world = World::new().await;
    let mut config = world.config();
    config.document["policy"]["cache"] = json!({ "entries": 0 });
    let sidecar = config.start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    let token = world.token("orders:read");
    for id in ["a", "b"] {
        assert!(ask(&client, &token, id).await);
    }
    let why = &sidecar.snapshot().await["bundle"]["cache"];
    assert_eq!(
        *why,
        json!({ "answers": "off", "why": "policy.cache.entries is 0" })
    );
    let metrics = sidecar.metrics().await;
    assert_eq!(
        metric(&metrics, "postern_decision_cache_hits_total").unwrap_or_default(),
        0.0
    );
    assert_eq!(
        metric(&metrics, "postern_decision_cache_misses_total").unwrap_or_default(),
        0.0
    );
}

#[tokio::test]
async fn a_policy_in_shadow_is_told_of_and_decides_nothing() {
    let world = World::new().await;
    let mut config = world.config();
    config.document["log_decisions"] = json!("denied");
    config.document["routes"] = json!([{ "name": "orders", "policy": "shadow" }]);
    let sidecar = config.start_ready().await;
    // Nothing is held up for it.
    eventually(Duration::from_secs(30), "the policy", || async {
        sidecar.snapshot().await["bundle"]["activated_at"].is_i64()
    })
    .await;
    let client = Client::over_unix(&sidecar.config).await;
    let (may, may_not) = (world.token("orders:read"), world.token("orders:none"));
    assert!(ask(&client, &may, "may").await);
    assert!(ask(&client, &may_not, "may-not").await);
    assert!(!ask(&client, "nonsense", "nobody").await);

    let shadow = |decision: &Json| {
        (
            decision["shadow"]["outcome"].clone(),
            decision["shadow"]["code"].clone(),
        )
    };
    let (_, decision) = sidecar.admin("/decisions/may").await;
    assert_eq!(
        shadow(&decision),
        (json!("would allow"), Json::Null),
        "{decision}"
    );
    let (_, decision) = sidecar.admin("/decisions/may-not").await;
    assert_eq!(decision["outcome"], "allowed");
    assert_eq!(
        shadow(&decision),
        (json!("would deny"), json!("insufficient_scope")),
        "{decision}"
    );
    let metrics = sidecar.metrics().await;
    for line in [
        r#"postern_shadow_decisions_total{route="orders",outcome="allowed",code="ok"}"#,
        r#"postern_shadow_decisions_total{route="orders",outcome="denied",code="insufficient_scope"}"#,
    ] {
        assert_eq!(metric(&metrics, line), Some(1.0), "{line} in {metrics}");
    }
    // Who logs refusals sees those that would have been.
    let logged = |id: &str| {
        sidecar
            .log()
            .into_iter()
            .find(|line| line["correlation_id"] == id)
    };
    assert_eq!(logged("may"), None);
    let line = logged("may-not").unwrap();
    assert_eq!(
        (&line["outcome"], &line["shadow"]),
        (&json!("allowed"), &json!("would deny"))
    );
    assert_eq!(line["shadow_code"], "insufficient_scope");
    assert!(logged("nobody").unwrap()["shadow"].is_null());
}

#[tokio::test]
async fn a_policy_in_shadow_that_never_comes_holds_nobody_up() {
    let world = World::new().await;
    let mut config = world.config();
    config.document["policy"]["url"] = json!(world.origin.url("/nothing"));
    config.document["routes"] = json!([{ "name": "orders", "policy": "shadow" }]);
    let sidecar = config.start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    assert!(ask(&client, &world.token("orders:none"), "a").await);
    let (_, decision) = sidecar.admin("/decisions/a").await;
    assert_eq!(decision["shadow"]["code"], "policy_unavailable", "{decision}");
    let degraded = sidecar.snapshot().await["degraded"].to_string();
    assert!(degraded.contains("no policy is active"), "{degraded}");
}
