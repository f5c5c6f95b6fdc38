//! Operating a sidecar behind a real Envoy: decisions that can be explained afterwards, configurations that change under load,
//! an end that loses no request.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test that can't go on panics, and one of an end in time needs the clock"
)]

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use postern_e2e::stack::{Mesh, binary, terminate, wait_until};
use serde_json::{Value, json};

/// The file is looked at every second; a loaded machine is given some more.
const RELOAD: Duration = Duration::from_secs(4);
/// What was sent so shortly before the signal may reach the sidecar after it.
const ON_ITS_WAY: Duration = Duration::from_millis(50);

fn route(name: &str) -> Value {
    json!({ "name": name, "match": { "path": { "prefix": format!("/{name}") } }, "accept": "anonymous", "policy": "off" })
}

fn read_config(folder: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.join("sidecar.yaml")).unwrap()).unwrap()
}

/// Puts a file in place of sidecar.yaml as a whole.
fn replace_config(folder: &Path, text: &str) {
    std::fs::write(folder.join("sidecar.new"), text).unwrap();
    std::fs::rename(folder.join("sidecar.new"), folder.join("sidecar.yaml")).unwrap();
}

/// Runs `postern` against this mesh's sidecar: its exit code, and its answer in JSON.
async fn postern(mesh: &Mesh, arguments: &[&str]) -> (Option<i32>, Value) {
    let admin = format!(
        "http://{}",
        read_config(mesh.folder())["admin"]["listen"].as_str().unwrap()
    );
    let output = tokio::process::Command::new(binary("postern"))
        .args(arguments)
        .args(["--sidecar-admin", &admin, "-o", "json"])
        .output()
        .await
        .unwrap();
    let json = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code(), json)
}

#[tokio::test]
async fn a_decision_made_through_envoy_can_be_explained_afterwards() {
    let mesh = Mesh::builder().await.start().await;
    let allowed = mesh
        .ask("GET", "/orders", &[("authorization", &mesh.bearer())])
        .await;
    let id = allowed.upstream_header("x-postern-decision-id");
    let (code, told) = postern(&mesh, &["explain", &id]).await;
    assert_eq!(code, Some(0));
    assert_eq!(told["decision_id"], id.as_str(), "{told}");
    assert_eq!(
        (
            &told["outcome"],
            &told["route"],
            &told["stage"],
            &told["caller"]["subject"]
        ),
        (
            &json!("allowed"),
            &json!("default"),
            &json!("answer"),
            &json!("tester")
        ),
        "{told}"
    );

    let refused = mesh.ask("GET", "/orders", &[]).await;
    assert_eq!(refused.status, 401);
    let id = refused.json()["decision_id"].as_str().unwrap().to_owned();
    let (code, told) = postern(&mesh, &["explain", &id]).await;
    assert_eq!(code, Some(0));
    assert_eq!(
        (&told["outcome"], &told["code"], &told["stage"]),
        (&json!("denied"), &json!("missing_token"), &json!("credentials")),
        "{told}"
    );
    assert_eq!(
        postern(&mesh, &["explain", "nobody-decided-this"]).await.0,
        Some(1)
    );
}

#[tokio::test]
async fn check_says_what_envoy_would_be_told() {
    let mesh = Mesh::builder().await.start().await;
    let socket = format!("unix:{}", mesh.socket().display());
    let token = mesh
        .issuer
        .sign(&mesh.issuer.claims(postern_e2e::stack::AUDIENCE));
    let (code, told) = postern(
        &mesh,
        &["check", "/orders", "--sidecar", &socket, "--token", &token],
    )
    .await;
    assert_eq!((code, &told["allowed"]), (Some(0), &json!(true)), "{told}");
    assert_eq!(told["explanation"]["route"], "default", "{told}");
    let (code, told) = postern(&mesh, &["check", "/orders", "--sidecar", &socket]).await;
    assert_eq!((code, &told["allowed"]), (Some(1), &json!(false)), "{told}");
    assert_eq!(told["http_status"], 401, "{told}");
}

#[tokio::test]
async fn another_configuration_counts_without_a_failed_request_and_a_wrong_one_never() {
    let mesh = Mesh::builder()
        .await
        .sidecar(json!({ "routes": [route("old")] }))
        .start()
        .await;
    assert_eq!(mesh.ask("GET", "/new", &[]).await.status, 403);
    let done = AtomicBool::new(false);
    let load = async {
        let mut asked = 0_u32;
        while !done.load(Ordering::Relaxed) {
            let answer = mesh.ask("GET", "/old", &[]).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            asked += 1;
        }
        asked
    };
    let change = async {
        let mut config = read_config(mesh.folder());
        config["routes"] = json!([route("old"), route("new")]);
        replace_config(mesh.folder(), &config.to_string());
        wait_until("the new route counts", RELOAD, || async {
            mesh.ask("GET", "/new", &[]).await.status == 200
        })
        .await;

        config["routes"] = json!([route("old"), { "name": "wrong", "no_such_key": 1 }]);
        replace_config(mesh.folder(), &config.to_string());
        wait_until("the wrong file is named in /snapshot", RELOAD, || async {
            let snapshot = mesh.admin("/snapshot").await.json();
            snapshot["config"]["error"]
                .as_str()
                .is_some_and(|error| error.contains("no_such_key") && error.contains("sidecar.yaml"))
        })
        .await;
        assert!(mesh.sidecar_log().contains("no_such_key"));
        assert_eq!(
            mesh.ask("GET", "/new", &[]).await.status,
            200,
            "the one before serves on"
        );

        config["routes"] = json!([route("old")]);
        replace_config(mesh.folder(), &config.to_string());
        wait_until("a good file counts again", RELOAD, || async {
            mesh.ask("GET", "/new", &[]).await.status == 403
        })
        .await;
        let snapshot = mesh.admin("/snapshot").await.json();
        assert!(snapshot["config"]["error"].is_null(), "{snapshot}");
        done.store(true, Ordering::Relaxed);
    };
    let (asked, ()) = tokio::join!(load, change);
    assert!(asked > 10, "{asked} requests are no load");
}

#[tokio::test]
async fn sigterm_answers_what_was_asked_before_it() {
    let mesh = Mesh::builder()
        .await
        .sidecar(json!({ "routes": [route("old")] }))
        .start()
        .await;
    let (told_at, gone) = (OnceLock::new(), AtomicBool::new(false));
    let caller = async || {
        let mut asked = 0_u32;
        while !gone.load(Ordering::SeqCst) {
            let started = Instant::now();
            let answer = mesh.ask("GET", "/old", &[]).await;
            asked += 1;
            if answer.status != 200 {
                // The one sidecar is going or gone: denied, never let through undecided.
                assert_eq!(answer.status, 503, "{answer:?}");
                let told_at: &Instant = told_at.get().expect("refused before SIGTERM");
                assert!(
                    started + ON_ITS_WAY > *told_at,
                    "lost, {:?} before the end",
                    *told_at - started
                );
            }
        }
        asked
    };
    let end = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        told_at.set(Instant::now()).unwrap();
        terminate(mesh.sidecar_pid(), Signal::SIGTERM).await;
        gone.store(true, Ordering::SeqCst);
    };
    let (a, b, c, d, ()) = tokio::join!(caller(), caller(), caller(), caller(), end);
    assert!(a + b + c + d > 20, "{a} {b} {c} {d} are no load");
    assert_eq!(mesh.ask("GET", "/old", &[]).await.status, 503);
}
