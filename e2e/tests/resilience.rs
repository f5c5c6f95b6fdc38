//! Parts die. Decisions go on for as long as one of them can still be made, and nothing is let through by an accident.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on panics"
)]

use std::time::Duration;

use postern_e2e::stack::{Stack, wait_until};

const SOON: Duration = Duration::from_secs(15);

#[tokio::test]
async fn without_the_control_plane_decisions_go_on_and_a_restarted_sidecar_decides_from_disk() {
    let mut stack = Stack::start().await;
    let known = stack.token("reader").await;
    assert_eq!(stack.get("/orders", &known).await.status, 200);
    let never_seen = stack.token("reader").await;

    stack.kill("control_plane").await;
    for _ in 0..20 {
        assert_eq!(stack.get("/orders", &known).await.status, 200);
    }
    assert_eq!(
        stack.get("/orders", &never_seen).await.status,
        200,
        "its key is known, so it is too"
    );
    let post = [("authorization", format!("Bearer {known}"))];
    let post: Vec<_> = post.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(stack.ask("POST", "/orders", &post).await.status, 403);

    stack.kill("sidecar").await;
    assert_eq!(
        stack.get("/orders", &known).await.status,
        503,
        "a dead sidecar lets nobody through"
    );

    stack.start_by_hand("sidecar");
    wait_until("the sidecar decides again", SOON, || async {
        stack.get("/orders", &known).await.status == 200
    })
    .await;
    assert_eq!(stack.ask("GET", "/orders", &[]).await.status, 401);
    assert_eq!(stack.get("/orders", "abc").await.status, 401);
    assert_eq!(stack.ask("POST", "/orders", &post).await.status, 403);
    let snapshot = stack
        .fetch(&format!("{}/snapshot", stack.url("sidecar_admin")))
        .await
        .json();
    assert_eq!(snapshot["ready"], true, "{snapshot}");
    assert_eq!(snapshot["bundle"]["from_disk"], true, "{snapshot}");
    assert_eq!(snapshot["issuers"][0]["from_disk"], true, "{snapshot}");
}

#[tokio::test]
async fn a_restarted_control_plane_signs_with_the_key_it_had_and_knows_its_clients() {
    let mut stack = Stack::start().await;
    let before = stack.token("reader").await;
    stack.kill("control_plane").await;
    stack.start_by_hand("control_plane");
    let ready = format!("{}/readyz", stack.url("control_plane"));
    wait_until("the control plane is back", SOON, || async {
        stack
            .http
            .get(&ready)
            .send()
            .await
            .is_ok_and(|answer| answer.status().is_success())
    })
    .await;
    let after = stack.token("reader").await;
    for token in [before, after] {
        assert_eq!(stack.get("/orders", &token).await.status, 200);
    }
}

#[tokio::test]
async fn a_part_that_dies_is_reported_while_the_others_go_on() {
    let mut stack = Stack::start().await;
    stack.kill("control_plane").await;
    let mut reported = false;
    for _ in 0..500 {
        reported = stack
            .output()
            .iter()
            .any(|line| line.to_lowercase().contains("control plane") && line.contains("died"));
        if reported {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(reported, "{:?}", stack.output());
    assert_eq!(
        stack
            .fetch(&format!("{}/readyz", stack.url("sidecar_admin")))
            .await
            .status,
        200
    );
}
