//! The policy decides: change it and the answer changes, break it and the last good one serves.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on panics"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use postern_e2e::stack::{Options, Stack, binary, wait_until};

const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_changed_policy_decides_with_no_failed_request_on_the_way() {
    let stack = Arc::new(
        Stack::start_with(Options {
            with_opa: true,
            ..Options::default()
        })
        .await,
    );
    let token = stack.token("reader").await;
    let rego = std::path::PathBuf::from(stack.url("policy_dir")).join("orders.rego");
    let good = std::fs::read_to_string(&rego).unwrap();

    let stop = Arc::new(AtomicBool::new(false));
    let traffic = tokio::spawn({
        let (stack, token, stop) = (Arc::clone(&stack), token.clone(), Arc::clone(&stop));
        async move {
            let mut seen = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                seen.push(stack.get("/orders", &token).await.status);
            }
            seen
        }
    });
    std::fs::write(&rego, good.replace("orders:read", "orders:nobody-has-this")).unwrap();
    wait_until("the new policy refuses", SOON, || async {
        stack.get("/orders", &token).await.status == 403
    })
    .await;
    std::fs::write(&rego, &good).unwrap();
    wait_until("the old policy is back", SOON, || async {
        stack.get("/orders", &token).await.status == 200
    })
    .await;
    stop.store(true, Ordering::Relaxed);
    let seen = traffic.await.unwrap();
    assert!(seen.iter().all(|status| [200, 403].contains(status)), "{seen:?}");
    assert!(
        seen.contains(&200) && seen.contains(&403),
        "requests flowed through both: {}",
        seen.len()
    );
}

#[tokio::test]
async fn a_policy_that_does_not_compile_is_refused_and_status_says_why() {
    let stack = Stack::start_with(Options {
        with_opa: true,
        ..Options::default()
    })
    .await;
    let token = stack.token("reader").await;
    let rego = std::path::PathBuf::from(stack.url("policy_dir")).join("orders.rego");
    let good = std::fs::read_to_string(&rego).unwrap();
    std::fs::write(&rego, format!("{good}\nallow if {{{{{{\n")).unwrap();

    let status = || async {
        let output = tokio::process::Command::new(binary("postern"))
            .args(["status", "--data-dir"])
            .arg(stack.folder())
            .output()
            .await
            .unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    wait_until("status tells the compiler's error", SOON, || async {
        status().await.1.contains("rego_parse_error")
    })
    .await;
    let (code, text) = status().await;
    assert_eq!(code, Some(1), "something is not as it should be: {text}");
    assert!(text.contains("orders.rego"), "{text}");
    assert_eq!(
        stack.get("/orders", &token).await.status,
        200,
        "the last good one serves"
    );

    std::fs::write(&rego, &good).unwrap();
    wait_until("status is content again", SOON, || async {
        status().await.0 == Some(0)
    })
    .await;
}
