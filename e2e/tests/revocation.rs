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
use postern_e2e::stack::{Stack, TestIssuer, binary, wait_until};
use serde_json::Value;

/// What a revocation may take to every pod.
const A_SECOND: Duration = Duration::from_secs(1);

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// Runs `postern` on this stack.
async fn postern(stack: &Stack, arguments: &[&str]) -> String {
    let output = tokio::process::Command::new(binary("postern"))
        .args(arguments)
        .arg("--data-dir")
        .arg(stack.folder())
        .output()
        .await
        .unwrap();
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
    let audience = "urn:postern:demo";
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
