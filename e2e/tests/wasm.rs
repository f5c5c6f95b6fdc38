//! A bundle of which nothing is left but `policy.wasm`: what its Rego answers, the sidecar answers by the module, as a drop-in
//! and with a control plane of ours.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use postern_e2e::bench::tools;
use postern_e2e::opa_envoy::protobuf_json;
use postern_e2e::opa_envoy::server::{Server, Setting};
use postern_e2e::stack::{Options, Stack, binary, root, wait_until};
use postern_policy::{Bundle, Limits, Verification};

const SOON: Duration = Duration::from_secs(30);

const REGO: &str = r#"package envoy.authz

default allow := {"allowed": false, "http_status": 403, "body": "no"}

allow := {"allowed": true, "headers": {"x-user": user, "x-digest": crypto.sha256(user)}} if {
	user := input.attributes.request.http.headers["x-user"]
	some role in data.users[user].roles
	role in data.allowed
	startswith(input.attributes.request.http.path, sprintf("/%s/", [role]))
}
"#;
const DATA: &str =
    r#"{"users": {"alice": {"roles": ["orders"]}, "bob": {"roles": ["stock"]}}, "allowed": ["orders"]}"#;

/// The policy's bundle, built for Wasm and left with its module, data and manifest alone.
fn bundle(folder: &Path) -> PathBuf {
    let policy = folder.join("policy");
    std::fs::create_dir(&policy).unwrap();
    std::fs::write(policy.join("policy.rego"), REGO).unwrap();
    std::fs::write(policy.join("data.json"), DATA).unwrap();
    let archive = folder.join("bundle.tar.gz");
    build(&policy, "envoy/authz/allow", &archive);
    archive
}

/// What `opa build -t wasm` makes of a folder, which has neither a plan nor Rego.
fn build(policy: &Path, entrypoint: &str, archive: &Path) {
    let built = Command::new(tools::opa(&root()).unwrap())
        .args([
            "build",
            "-t",
            "wasm",
            "--revision",
            "in-wasm",
            "-e",
            entrypoint,
            "-o",
        ])
        .args([archive, Path::new("-b"), policy])
        .output()
        .unwrap();
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    let read = Bundle::read(
        &std::fs::read(archive).unwrap(),
        &Verification::Unsigned,
        &Limits::default(),
    );
    let bundle = read.unwrap();
    assert!(bundle.file("policy.wasm").is_some() && bundle.plan().is_none());
}

fn requests() -> Vec<String> {
    let of = |user: &str, path: &str| {
        format!(
            r#"{{"attributes": {{"request": {{"http": {{"method": "GET", "path": "{path}", "headers": {{"x-user": "{user}"}}}}}}}}}}"#
        )
    };
    let mut requests: Vec<String> = Vec::new();
    for user in ["alice", "bob", "nobody", ""] {
        for path in ["/orders/1", "/stock/1", "/", "/orders"] {
            requests.push(of(user, path));
        }
    }
    requests
}

/// What is answered, without the decision's id.
async fn answers(files: Vec<PathBuf>, flags: Vec<String>) -> Vec<String> {
    let setting = Setting {
        config: None,
        files,
        plugin: vec![("path".to_owned(), "envoy/authz/allow".to_owned())],
        flags,
    };
    let server = Server::start(&binary("postern-sidecar"), &setting).await.unwrap();
    let mut told = Vec::new();
    for request in requests() {
        let request = protobuf_json::request(&request).unwrap();
        let mut answer = server.check(request).await.unwrap();
        assert!(answer.dynamic_metadata.take().is_some());
        told.push(format!("{answer:?}"));
    }
    told
}

#[tokio::test]
async fn a_bundle_with_nothing_but_a_module_answers_as_its_rego_does() {
    let folder = tempfile::tempdir().unwrap();
    let archive = bundle(folder.path());
    let policy = folder.path().join("policy");
    let by_module = answers(vec![archive], vec!["-b".to_owned()]).await;
    let by_rego = answers(
        vec![policy.join("policy.rego"), policy.join("data.json")],
        Vec::new(),
    )
    .await;
    assert_eq!(by_module, by_rego);
    let allowed = by_module
        .iter()
        .filter(|answer| answer.contains("x-digest"))
        .count();
    assert_eq!(allowed, 1, "{by_module:?}");
}

/// The exit code of `postern` on this stack, and what it printed.
async fn postern(stack: &Stack, arguments: &[&str]) -> (Option<i32>, String) {
    let output = stack.postern(arguments).await;
    let told = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(told).unwrap())
}

/// As docs/policy.md says: built by OPA, signed, pushed to our own control plane, in force in our own sidecar, and back from
/// disk when that is started again.
#[tokio::test]
async fn a_bundle_with_nothing_but_a_module_is_pushed_and_decides() {
    let mut stack = Stack::start_with(Options {
        without_envoy: true,
        ..Options::default()
    })
    .await;
    let token = stack.token("reader").await;
    let archive = stack.folder().join("wasm.tar.gz");
    let archive = archive.to_str().unwrap();
    // The tests of the policy go along in what is compiled, and nothing asks them.
    build(
        Path::new(&stack.url("policy_dir")),
        "orders/authz/decision",
        Path::new(archive),
    );
    let key = stack.folder().join("keys/bundle-signing.pem");
    let signed = Command::new(binary("postern"))
        .args(["bundle", "sign", archive, "--key-id", "demo", "--signing-key"])
        .arg(key)
        .output()
        .unwrap();
    assert!(
        signed.status.success(),
        "{}",
        String::from_utf8_lossy(&signed.stderr)
    );
    let (code, told) = postern(&stack, &["bundle", "push", archive, "--name", "demo"]).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains("in-wasm") && told.contains("orders/authz/decision"),
        "{told}"
    );

    in_force(&stack).await;
    let snapshot = stack
        .fetch(&format!("{}/snapshot", stack.url("sidecar_admin")))
        .await;
    assert_eq!(snapshot.json()["bundle"]["engine"], "wasm");
    decides(&stack, &token).await;

    let compiled = machine_code(stack.folder());
    assert_eq!(compiled.len(), 1, "{compiled:?}");

    // It is written down after it came into force.
    let pushed = std::fs::read(archive).unwrap();
    wait_until("the bundle is on disk", SOON, || async {
        files(stack.folder(), "bundles")
            .iter()
            .any(|(path, _)| std::fs::read(path).is_ok_and(|kept| kept.ends_with(&pushed)))
    })
    .await;

    // Nobody is there to be asked when it starts again, and nothing is compiled.
    stack.kill("control_plane").await;
    stack.kill("sidecar").await;
    stack.start_by_hand("sidecar");
    in_force(&stack).await;
    decides(&stack, &token).await;
    assert_eq!(machine_code(stack.folder()), compiled);
}

/// What the sidecar keeps of modules, and when each was written.
fn machine_code(folder: &Path) -> Vec<(PathBuf, SystemTime)> {
    let mut found = files(folder, "code");
    found.retain(|(path, _)| path.extension().is_none());
    found
}

/// The files below any folder of this name, and when each was written.
fn files(folder: &Path, name: &str) -> Vec<(PathBuf, SystemTime)> {
    let mut found = Vec::new();
    let mut folders = vec![(folder.to_owned(), false)];
    while let Some((folder, is_there)) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(about) = entry.metadata() else { continue };
            if about.is_dir() {
                folders.push((entry.path(), is_there || entry.file_name() == name));
            } else if let (true, Ok(written)) = (is_there, about.modified()) {
                found.push((entry.path(), written));
            }
        }
    }
    found.sort();
    found
}

/// Waits until `postern status` says that the module decides.
async fn in_force(stack: &Stack) {
    wait_until("the module is in force", SOON, || async {
        postern(stack, &["status"])
            .await
            .1
            .contains("decides by in-wasm in Wasm")
    })
    .await;
}

/// Who may read may read, and is told by the module what it lacks to write.
async fn decides(stack: &Stack, token: &str) {
    let read = ["check", "/orders/1", "--token", token, "-o", "json"];
    let (code, told) = postern(stack, &read).await;
    assert_eq!(code, Some(0), "{told}");
    let write = ["check", "/orders/1", "-X", "POST", "--token", token, "-o", "json"];
    let (code, told) = postern(stack, &write).await;
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains("POST on orders needs the scope orders:write"),
        "{told}"
    );
}
