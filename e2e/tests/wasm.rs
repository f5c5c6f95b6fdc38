//! A bundle of which nothing is left but `policy.wasm`: what its Rego answers, the sidecar answers by the module.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::{Path, PathBuf};
use std::process::Command;

use postern_e2e::bench::tools;
use postern_e2e::opa_envoy::protobuf_json;
use postern_e2e::opa_envoy::server::{Server, Setting};
use postern_e2e::stack::{binary, root};
use postern_policy::{Bundle, Limits, Verification};

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
    let built = Command::new(tools::opa(&root()).unwrap())
        .args(["build", "-t", "wasm", "-e", "envoy/authz/allow", "-o"])
        .args([&archive, &PathBuf::from("-b"), &policy])
        .output()
        .unwrap();
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    let read = Bundle::read(
        &std::fs::read(&archive).unwrap(),
        &Verification::Unsigned,
        &Limits::default(),
    );
    let bundle = read.unwrap();
    assert!(bundle.file("policy.wasm").is_some() && bundle.plan().is_none());
    archive
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
