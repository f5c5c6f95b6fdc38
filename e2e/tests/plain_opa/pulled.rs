//! Our own control plane as OPA's bundle server: what is pushed there a plain OPA pulls, with the credential that sidecars pull
//! with, and proves with the key of whoever signed it.

use std::path::Path;
use std::process::Command;

use postern_e2e::bench::tools;
use postern_e2e::stack::{Options, Stack, binary, root};
use serde_json::{Value as Json, json};

use super::{LOG, Pair, RULES, until, write};

/// How the bundle is called there.
const NAME: &str = "mesh";
/// Nobody asks again within it, unless told to.
const AN_HOUR: u32 = 3600;

/// A control plane of the test's own.
async fn stack() -> Stack {
    let options = Options {
        without_envoy: true,
        ..Options::default()
    };
    Stack::start_with(options).await
}

/// Builds the policy as a signed bundle and pushes it, as docs/policy.md says.
fn push(stack: &Stack, revision: &str, said: &str) {
    let policy = stack.folder().join("mesh");
    write(&policy.join("rules.rego"), RULES);
    write(&policy.join("log.rego"), LOG);
    let words = json!({"said": said, "readers": ["alice"]});
    write(&policy.join("words/data.json"), words.to_string());
    let archive = stack.folder().join("mesh.tar.gz");
    let mut build = Command::new(binary("postern"));
    build
        .args(["bundle", "build"])
        .arg(&policy)
        .arg("-o")
        .arg(&archive);
    for entrypoint in ["envoy/authz/allow", "system/log/mask", "system/log/drop"] {
        build.args(["-e", entrypoint]);
    }
    build.args(["--revision", revision, "--key-id", "demo", "--signing-key"]);
    build.arg(stack.folder().join("keys/bundle-signing.pem"));
    run(build.arg("--opa").arg(tools::opa(&root()).unwrap()));
    let mut push = Command::new(binary("postern"));
    push.args(["bundle", "push", "--name", NAME, "--data-dir"]);
    run(push.arg(stack.folder()).arg(&archive));
}

fn run(command: &mut Command) {
    let ran = command.output().unwrap();
    let told = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{command:?}: {told}");
}

/// What both are started with; the credential's file is named.
fn config(stack: &Stack, credential: &Path) -> Json {
    let key = std::fs::read_to_string(stack.folder().join("keys/bundle-signing.pub.pem")).unwrap();
    json!({
        "services": {"control": {
            "url": stack.url("control_plane"),
            "credentials": {"bearer": {"token_path": credential}},
        }},
        "keys": {"demo": {"key": key, "algorithm": "ES256"}},
        "bundles": {NAME: {
            "service": "control",
            "resource": format!("bundles/{NAME}"),
            "signing": {"keyid": "demo"},
            "polling": {"min_delay_seconds": AN_HOUR, "max_delay_seconds": AN_HOUR, "long_polling_timeout_seconds": 1},
        }},
    })
}

#[tokio::test]
async fn a_plain_opa_pulls_from_our_control_plane_and_decides_as_the_sidecar_does() {
    let stack = stack().await;
    push(&stack, "first", "hello");
    let credential = stack.folder().join("control-plane/credentials/sidecar");
    let pair = Pair::start(config(&stack, &credential)).await;
    pair.in_force(NAME, "first").await;
    pair.decide_alike().await;
    // Held requests are answered with 304 when nothing changes, and are success.
    pair.status(NAME, |status| {
        status["active_revision"] == "first"
            && status["last_successful_request"].as_str() > status["last_successful_download"].as_str()
    })
    .await;
    // Both hold a request open, so that neither waits for its hour to be over.
    push(&stack, "second", "world");
    pair.in_force(NAME, "second").await;
    pair.decide_alike().await;
    for partition in ["opa", "ours"] {
        let what = format!("{partition} posts its status");
        let told = until(&what, async || {
            let posted = pair.sink.posted(&format!("/status/{partition}"));
            let revisions = posted
                .iter()
                .map(|status| &status["bundles"][NAME]["active_revision"]);
            revisions.cloned().rfind(|revision| !revision.is_null())
        });
        assert_eq!(told.await, "second");
    }
}

#[tokio::test]
async fn nobody_pulls_from_our_control_plane_without_its_credential() {
    let stack = stack().await;
    push(&stack, "first", "hello");
    let wrong = stack.folder().join("wrong");
    write(&wrong, "not-a-credential");
    let pair = Pair::start(config(&stack, &wrong)).await;
    let both = pair.status(NAME, |status| status["http_code"] == 401).await;
    for status in both {
        assert!(status.get("active_revision").is_none(), "{status:#}");
        assert_eq!(status["code"], "bundle_error", "{status:#}");
    }
}
