//! `postern dev` as a newcomer meets it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on panics"
)]

use std::net::TcpListener;
use std::process::Command;

use postern_e2e::stack::{Options, Stack, alive, binary, free_base};

const PARTS: [&str; 4] = ["control_plane", "sidecar", "upstream", "envoy"];

#[tokio::test]
async fn it_prints_what_to_do_next_and_the_curl_lines_work_as_they_are() {
    let mut stack = Stack::start().await;
    let output = stack.output().to_vec();
    let at = |what: &str| {
        output
            .iter()
            .position(|line| line.contains(what))
            .unwrap_or_else(|| panic!("no {what:?} in {output:#?}"))
    };
    let loud = output
        .iter()
        .position(|line| line.to_lowercase().contains("development mode"))
        .unwrap();
    let (urls, clients, curl, ready) = (
        at(&stack.url("envoy")),
        at(&stack.client("reader").client_id),
        at("curl "),
        at("READY"),
    );
    assert!(
        loud < urls && urls < clients && clients < curl && curl < ready,
        "{output:#?}"
    );
    assert_eq!(output.last().map(String::as_str), Some("READY"));

    let lines: Vec<&String> = output
        .iter()
        .filter(|line| line.trim_start().starts_with("curl "))
        .collect();
    assert_eq!(lines.len(), 3, "{output:#?}");
    for (line, wanted) in lines.iter().zip(["200", "403", "401"]) {
        let pasted = format!("{line} -s -o /dev/null -w '%{{http_code}}'");
        let shell = tokio::process::Command::new("bash")
            .args(["-c", &pasted])
            .output()
            .await
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&shell.stdout), wanted, "{line}");
    }
}

#[tokio::test]
async fn ctrl_c_leaves_nothing_running_and_a_second_start_reuses_the_folder() {
    let stack = Stack::start().await;
    let pids: Vec<u32> = PARTS.iter().map(|part| stack.pid(part)).collect();
    assert!(pids.iter().all(|pid| alive(*pid)));
    let secret = stack.client("reader").client_secret;
    let token = stack.token("reader").await;
    let folder = stack.stop().await;
    assert!(!pids.iter().any(|pid| alive(*pid)), "a part was left running");

    let again = Stack::start_in(folder, Options::default()).await;
    assert_eq!(again.client("reader").client_secret, secret);
    let fresh = again.token("reader").await;
    assert_eq!(again.get("/orders", &fresh).await.status, 200);
    assert_ne!(fresh, token);
}

#[tokio::test]
async fn secrets_are_of_the_folder_and_never_constants() {
    let options = Options {
        without_envoy: true,
        ..Options::default()
    };
    let (one, other) = (Stack::start_with(options).await, Stack::start_with(options).await);
    assert_ne!(
        one.client("reader").client_secret,
        other.client("reader").client_secret
    );
    let keys =
        |stack: &Stack| std::fs::read_to_string(stack.folder().join("keys/bundle-signing.pem")).unwrap();
    assert_ne!(keys(&one), keys(&other));
}

#[tokio::test]
async fn a_taken_port_is_named_and_nothing_is_started() {
    let folder = tempfile::tempdir().unwrap();
    let base = free_base();
    let _held = TcpListener::bind(("127.0.0.1", base + 2)).unwrap();
    let output = Command::new(binary("postern"))
        .args([
            "dev",
            "--no-envoy",
            "--port-base",
            &base.to_string(),
            "--data-dir",
        ])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(&(base + 2).to_string()), "{said}");
    assert!(!folder.path().join("dev.json").exists());
}

#[tokio::test]
async fn a_data_folder_of_a_newer_version_is_refused_and_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("VERSION"), "999\n").unwrap();
    let output = Command::new(binary("postern"))
        .args([
            "dev",
            "--no-envoy",
            "--port-base",
            &free_base().to_string(),
            "--data-dir",
        ])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("999"), "{said}");
    let files: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert_eq!(files, ["VERSION"]);
}

#[tokio::test]
async fn no_envoy_leaves_envoy_out() {
    let stack = Stack::start_with(Options {
        without_envoy: true,
        ..Options::default()
    })
    .await;
    assert!(
        stack.info["pids"]
            .get("envoy")
            .is_none_or(serde_json::Value::is_null),
        "{}",
        stack.info
    );
    assert_eq!(
        stack
            .fetch(&format!("{}/readyz", stack.url("sidecar_admin")))
            .await
            .status,
        200
    );
}

/// Asking how Envoy is must not look like somebody who was refused.
#[tokio::test]
async fn status_leaves_no_decision_behind() {
    let stack = Stack::start().await;
    let checks = async || {
        let metrics = stack
            .fetch(&format!("{}/metrics", stack.url("sidecar_admin")))
            .await;
        let lines = metrics
            .body
            .lines()
            .filter(|line| line.starts_with("postern_checks_total"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let before = checks().await;
    assert!(
        !before.is_empty(),
        "the first request of `postern dev` was decided on"
    );
    let status = async || {
        let output = tokio::process::Command::new(binary("postern"))
            .args(["status", "-o", "json", "--data-dir"])
            .arg(stack.folder())
            .output()
            .await
            .unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), report["envoy"]["ok"].clone())
    };
    for _ in 0..3 {
        assert_eq!(status().await, (Some(0), true.into()));
    }
    assert_eq!(checks().await, before);
    stack.kill("envoy").await;
    assert_eq!(status().await, (Some(1), false.into()));
}
