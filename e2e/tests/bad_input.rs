//! Configuration, data folders and bundles that are wrong: one clear message, nothing half done, nothing lost.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on panics"
)]

use std::path::Path;
use std::process::{Command, Output};

use postern_e2e::stack::{Stack, binary};

fn run(program: &str, config: &Path) -> Output {
    Command::new(binary(program))
        .arg("--config")
        .arg(config)
        .output()
        .unwrap()
}

/// Starts `program` with this configuration and expects a refusal in one line with these parts.
fn assert_refused(program: &str, text: &str, parts: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    std::fs::write(
        &path,
        text.replace("DATA", &folder.path().join("data").display().to_string()),
    )
    .unwrap();
    let output = run(program, &path);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "one message: {said}");
    for part in parts {
        assert!(said.contains(part), "no {part:?} in: {said}");
    }
    assert!(
        !folder.path().join("data").exists(),
        "a refused configuration makes nothing"
    );
}

const SIDECAR: &str = "\
data_dir: DATA
ext_authz:
  listen: [\"127.0.0.1:0\"]
admin:
  listen: \"127.0.0.1:0\"
issuers:
  - issuer: http://127.0.0.1:1
    jwks_uri: http://127.0.0.1:1/jwks
    audiences: [\"urn:x\"]
policy:
  bundle: demo
  url: http://127.0.0.1:1/bundle
  entrypoint: a/b
  allow_unsigned: true
";

const CONTROL_PLANE: &str = "\
data_dir: DATA
http:
  listen: \"127.0.0.1:0\"
grpc:
  listen: \"127.0.0.1:0\"
policy:
  allow_unsigned: true
";

#[test]
fn an_unknown_key_is_named_with_its_line() {
    assert_refused(
        "postern-sidecar",
        &SIDECAR.replace("jwks_uri:", "jwks_url:"),
        &["config.yaml:8", "jwks_url"],
    );
    assert_refused(
        "postern-control-plane",
        &CONTROL_PLANE.replace("grpc:", "grcp:"),
        &["config.yaml:4", "grcp"],
    );
}

#[test]
fn a_wrong_type_is_named_with_what_was_expected() {
    let text = SIDECAR.replace("[\"urn:x\"]", "7");
    assert_refused(
        "postern-sidecar",
        &text,
        &["config.yaml:9", "audiences", "expected"],
    );
    let text = CONTROL_PLANE.replace("allow_unsigned: true", "allow_unsigned: maybe");
    assert_refused(
        "postern-control-plane",
        &text,
        &["config.yaml:7", "allow_unsigned", "expected"],
    );
}

#[test]
fn a_missing_value_is_named() {
    let text = SIDECAR.replace("    audiences: [\"urn:x\"]\n", "");
    assert_refused(
        "postern-sidecar",
        &text,
        &["config.yaml:", "audiences", "missing"],
    );
    let text = CONTROL_PLANE.replace("data_dir: DATA\n", "");
    assert_refused(
        "postern-control-plane",
        &text,
        &["config.yaml:", "data_dir", "missing"],
    );
}

#[test]
fn a_value_that_can_not_be_meant_is_named() {
    let text = SIDECAR.replace("[\"urn:x\"]", "[]");
    assert_refused("postern-sidecar", &text, &["config.yaml:9", "audiences"]);
    let text = SIDECAR.replace("  allow_unsigned: true\n", "");
    assert_refused("postern-sidecar", &text, &["config.yaml:", "verification"]);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let output = run("postern-sidecar", Path::new("/nonexistent/sidecar.yaml"));
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nonexistent/sidecar.yaml"));
}

#[test]
fn a_data_folder_made_by_a_newer_version_is_refused_untouched() {
    for (program, text) in [
        ("postern-sidecar", SIDECAR),
        ("postern-control-plane", CONTROL_PLANE),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join("VERSION"), "999\n").unwrap();
        let config = folder.path().join("config.yaml");
        std::fs::write(&config, text.replace("DATA", &data.display().to_string())).unwrap();
        let output = run(program, &config);
        assert_eq!(output.status.code(), Some(2), "{program}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.contains("999") && said.contains("newer"),
            "{program}: {said}"
        );
        let files: Vec<_> = std::fs::read_dir(&data)
            .unwrap()
            .flatten()
            .map(|entry| entry.file_name())
            .collect();
        assert_eq!(files, ["VERSION"], "{program}");
        assert_eq!(
            std::fs::read_to_string(data.join("VERSION")).unwrap(),
            "999\n",
            "{program}"
        );
    }
}

/// The bundle command on a running stack: a bundle that doesn't verify or can't run is refused, the last good one serves.
#[tokio::test]
async fn a_bad_bundle_is_refused_and_the_last_good_one_serves() {
    let stack = Stack::start().await;
    let token = stack.token("reader").await;
    let before = bundle_revision(&stack).await;
    let folder = tempfile::tempdir().unwrap();
    let own_key = folder.path().join("own.pem");
    let signer = postern_jose::LocalSigner::generate(postern_jose::Algorithm::ES256).unwrap();
    std::fs::write(&own_key, signer.to_pkcs8_pem().unwrap()).unwrap();

    let build = |name: &str, extra: &[&str]| {
        let path = folder.path().join(name);
        let output = Command::new(binary("postern"))
            .args(["bundle", "build"])
            .arg(stack.url("policy_dir"))
            .args(["-e", "orders/authz/decision", "-o"])
            .arg(&path)
            .args(extra)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        path
    };
    let right_key = stack
        .folder()
        .join("keys/bundle-signing.pem")
        .display()
        .to_string();
    let unsigned = build("unsigned.tar.gz", &[]);
    let wrong_key = build(
        "wrong.tar.gz",
        &[
            "--signing-key",
            &own_key.display().to_string(),
            "--key-id",
            "demo",
        ],
    );
    let good = build(
        "good.tar.gz",
        &[
            "--signing-key",
            &right_key,
            "--key-id",
            "demo",
            "--revision",
            "pushed",
        ],
    );
    let push = |path: &Path| {
        let output = Command::new(binary("postern"))
            .args(["bundle", "push", "--data-dir"])
            .arg(stack.folder())
            .args(["--name", "demo"])
            .arg(path)
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    for (path, why) in [(&unsigned, "signature"), (&wrong_key, "signature")] {
        let (code, said) = push(path);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.to_lowercase().contains(why), "{said}");
        assert_eq!(bundle_revision(&stack).await, before);
        assert_eq!(stack.get("/orders", &token).await.status, 200);
    }
    assert_eq!(push(&good).0, Some(0));
    postern_e2e::stack::wait_until(
        "the pushed one serves",
        std::time::Duration::from_secs(10),
        || async { bundle_revision(&stack).await == "pushed" },
    )
    .await;
    assert_eq!(stack.get("/orders", &token).await.status, 200);
}

async fn bundle_revision(stack: &Stack) -> String {
    let snapshot = stack
        .fetch(&format!("{}/snapshot", stack.url("sidecar_admin")))
        .await
        .json();
    snapshot["bundle"]["revision"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}
