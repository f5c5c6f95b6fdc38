//! `postern revoke` against what Envoy lets through: the real control plane, sidecar and Envoy.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on panics"
)]

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postern_e2e::stack::{Stack, TestIssuer, wait_until};
use serde_json::{Value, json};

/// What a revocation may take to every pod.
const A_SECOND: Duration = Duration::from_secs(1);
/// The file is looked at every second, and a loaded machine is slow.
const RELOAD: Duration = Duration::from_secs(10);
/// A debug build's start.
const START: Duration = Duration::from_secs(30);
/// Well beyond the six seconds of the routes here.
const STALE: Duration = Duration::from_secs(15);
/// For whom the demo's sidecar accepts tokens.
const AUDIENCE: &str = "urn:postern:demo";

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// Runs `postern` on this stack.
async fn postern(stack: &Stack, arguments: &[&str]) -> String {
    let output = stack.postern(arguments).await;
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

async fn is_refused_within_a_second(stack: &Stack, token: &str) {
    wait_until("the token is refused", A_SECOND, || async {
        stack.get("/orders", token).await.status == 401
    })
    .await;
}

#[tokio::test]
async fn a_revoked_token_is_refused_within_a_second_and_no_other_is() {
    let stack = Stack::start().await;
    let (revoked, other) = (stack.token("reader").await, stack.token("reader").await);
    assert_eq!(stack.get("/orders", &revoked).await.status, 200);
    assert_eq!(stack.get("/orders", &other).await.status, 200);
    let jti = claims(&revoked)["jti"].as_str().unwrap().to_owned();
    postern(&stack, &["revoke", "--jti", &jti, "--reason", "a test"]).await;
    is_refused_within_a_second(&stack, &revoked).await;
    assert_eq!(stack.get("/orders", &other).await.status, 200);
}

#[tokio::test]
async fn tokens_of_a_foreign_issuer_are_revoked_by_a_claim_and_a_time() {
    let mut stack = Stack::start().await;
    let issuer = TestIssuer::start().await;
    let audience = AUDIENCE;
    stack.trust(&issuer, audience).await;
    let token = |department: u32, iat_offset: i64| {
        let mut claims = issuer.claims(audience);
        claims["department"] = department.into();
        let iat = claims["iat"].as_i64().unwrap();
        claims["iat"] = (iat + iat_offset).into();
        issuer.sign(&claims)
    };
    let (early, other) = (token(7, -60), token(8, -60));
    for token in [&early, &other] {
        assert_eq!(stack.get("/orders", token).await.status, 200);
    }
    let revoke = [
        "revoke",
        "--claim",
        "department:=7",
        "--issued-before",
        "now",
        "--issuer",
    ];
    postern(&stack, &[revoke.as_slice(), &[issuer.issuer()]].concat()).await;
    is_refused_within_a_second(&stack, &early).await;
    assert_eq!(stack.get("/orders", &other).await.status, 200);
}

/// A stack, and an issuer that it trusts.
async fn with_issuer() -> (Stack, TestIssuer) {
    let mut stack = Stack::start().await;
    let issuer = TestIssuer::start().await;
    stack.trust(&issuer, AUDIENCE).await;
    (stack, issuer)
}

/// A token with these claims over the usual ones.
fn signed(issuer: &TestIssuer, claims: &Value) -> String {
    let mut all = issuer.claims(AUDIENCE);
    all.as_object_mut()
        .unwrap()
        .extend(claims.as_object().unwrap().clone());
    issuer.sign(&all)
}

async fn passes_again(stack: &Stack, token: &str) {
    wait_until("the token passes again", A_SECOND, || async {
        stack.get("/orders", token).await.status == 200
    })
    .await;
}

/// The id of the one entry about this claim or key.
async fn entry_id(stack: &Stack, issuer: &TestIssuer) -> String {
    let list: Value =
        serde_json::from_str(&postern(stack, &["revocation", "list", "-o", "json"]).await).unwrap();
    let mine: Vec<&Value> = list
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["issuer"] == issuer.issuer())
        .collect();
    assert_eq!(mine.len(), 1, "{list}");
    mine[0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_session_or_a_key_ends_whole_and_comes_back_when_its_entry_is_removed() {
    let (stack, issuer) = with_issuer().await;
    let session = |sid: &str, jti: &str| signed(&issuer, &json!({ "sid": sid, "jti": jti }));
    let (first, second, other) = (session("s1", "1"), session("s1", "2"), session("s2", "3"));
    let own = stack.token("reader").await;
    for token in [&first, &second, &other, &own] {
        assert_eq!(stack.get("/orders", token).await.status, 200);
    }
    postern(&stack, &["revoke", "--sid", "s1", "--issuer", issuer.issuer()]).await;
    is_refused_within_a_second(&stack, &first).await;
    assert_eq!(stack.get("/orders", &second).await.status, 401);
    assert_eq!(stack.get("/orders", &other).await.status, 200);
    let id = entry_id(&stack, &issuer).await;
    postern(&stack, &["revocation", "remove", &id]).await;
    passes_again(&stack, &first).await;
    assert_eq!(stack.get("/orders", &second).await.status, 200);

    let key = ["revoke", "--key-id", issuer.key_id(), "--issuer", issuer.issuer()];
    postern(&stack, &key).await;
    is_refused_within_a_second(&stack, &first).await;
    assert_eq!(stack.get("/orders", &other).await.status, 401);
    assert_eq!(
        stack.get("/orders", &own).await.status,
        200,
        "another issuer's keys are others"
    );
    let id = entry_id(&stack, &issuer).await;
    postern(&stack, &["revocation", "remove", &id]).await;
    passes_again(&stack, &other).await;
}

#[tokio::test]
async fn a_route_that_denies_when_stale_does_so_and_others_serve_on() {
    let stack = Stack::start().await;
    stack.reconfigure(|config| {
        config["routes"] = json!([
            { "name": "strict", "match": { "path": { "prefix": "/strict" } }, "policy": "off",
              "revocation": { "max_staleness_seconds": 6, "when_stale": "deny" } },
            { "name": "easy", "match": { "path": { "prefix": "/easy" } }, "policy": "off",
              "revocation": { "max_staleness_seconds": 6, "when_stale": "serve" } },
        ]);
    });
    let token = stack.token("reader").await;
    wait_until("the routes count", RELOAD, || async {
        stack.get("/strict", &token).await.status == 200
    })
    .await;
    stack.kill("control_plane").await;
    assert_eq!(
        stack.get("/strict", &token).await.status,
        200,
        "what was just heard is fresh"
    );
    wait_until("silence is noticed", STALE, || async {
        stack.get("/strict", &token).await.status == 503
    })
    .await;
    let answer = stack.get("/strict", &token).await;
    assert_eq!(answer.json()["code"], "revocations_stale", "{answer:?}");
    assert_eq!(stack.get("/easy", &token).await.status, 200);
}

#[tokio::test]
async fn an_api_key_passes_until_it_is_revoked_and_a_changed_one_never() {
    let stack = Stack::start().await;
    stack.reconfigure(|config| {
        config["routes"] = json!([
            { "name": "batch", "match": { "path": { "prefix": "/batch" } }, "policy": "off", "accept": "api_key" },
            { "name": "default" },
        ]);
    });
    let made = postern(
        &stack,
        &[
            "api-key",
            "create",
            "--subject",
            "nightly",
            "--scope",
            "orders:read",
            "-o",
            "json",
        ],
    )
    .await;
    let made: Value = serde_json::from_str(&made).unwrap();
    let (key, id) = (made["key"].as_str().unwrap(), made["id"].as_str().unwrap());
    let ask = async |key: &str| stack.ask("GET", "/batch", &[("x-api-key", key)]).await;
    wait_until("the key is known", RELOAD, || async {
        ask(key).await.status == 200
    })
    .await;
    let answer = ask(key).await;
    assert_eq!(answer.upstream_header("x-postern-subject"), "nightly");
    assert_eq!(answer.upstream_header("x-postern-auth"), "api_key");

    let (kept, last) = key.split_at(key.len() - 1);
    let changed = format!("{kept}{}", if last == "A" { "B" } else { "A" });
    for wrong in [changed.as_str(), id, "", "postern_key_"] {
        assert_eq!(ask(wrong).await.status, 401, "{wrong}");
    }
    assert_eq!(stack.ask("GET", "/batch", &[]).await.status, 401);
    assert_eq!(
        stack.get("/batch", &stack.token("reader").await).await.status,
        401,
        "the route takes keys alone"
    );

    postern(&stack, &["api-key", "revoke", id]).await;
    wait_until("the key is refused", A_SECOND, || async {
        ask(key).await.status == 401
    })
    .await;
}

#[tokio::test]
async fn what_was_revoked_stays_so_without_the_control_plane_and_over_a_restart() {
    let mut stack = Stack::start().await;
    let (revoked, other) = (stack.token("reader").await, stack.token("reader").await);
    assert_eq!(stack.get("/orders", &revoked).await.status, 200);
    postern(&stack, &["revoke", "--token", &revoked]).await;
    is_refused_within_a_second(&stack, &revoked).await;

    stack.kill("control_plane").await;
    assert_eq!(stack.get("/orders", &revoked).await.status, 401);
    assert_eq!(stack.get("/orders", &other).await.status, 200);
    // Milliseconds, unless the disk is busy.
    let kept = stack.folder().join("sidecar/lists/lists.record");
    wait_until("the list is on disk", A_SECOND * 10, || async {
        std::fs::read(&kept).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains("\"sequence\":1,"))
    })
    .await;

    stack.kill("sidecar").await;
    stack.start_by_hand("sidecar");
    wait_until("the sidecar decides again", START, || async {
        stack.get("/orders", &other).await.status == 200
    })
    .await;
    assert_eq!(stack.get("/orders", &revoked).await.status, 401);
}
