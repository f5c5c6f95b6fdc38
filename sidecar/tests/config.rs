//! Configurations that can't be meant: exit 2, one line, with file, line and key.

#[cfg(test)]
mod world;

use serde_json::{Value as Json, json};
use world::World;

#[tokio::test]
async fn what_is_wrong_with_a_configuration_is_told_with_file_line_and_key() {
    let world = World::new().await;
    let cases: [(&str, Json, &str); 22] = [
        ("/adimn", json!(1), "adimn"),
        ("/data_dir", json!(7), "data_dir"),
        ("/admin", Json::Null, "admin"),
        ("/realm", json!("a\"é"), "realm"),
        ("/header_prefix", json!("X_Postern"), "header_prefix"),
        ("/log_decisions", json!("some"), "log_decisions"),
        ("/ext_authz/listen", json!([]), "ext_authz.listen"),
        ("/ext_authz/listen", json!(["nowhere"]), "ext_authz.listen[0]"),
        ("/ext_authz/workers", json!(0), "ext_authz.workers"),
        ("/issuers", json!([]), "issuers"),
        ("/issuers/0/audiences", json!([]), "issuers[0].audiences"),
        ("/issuers/0/audiences", json!("one"), "issuers[0].audiences"),
        (
            "/issuers/0/clock_leeway_seconds",
            json!(61),
            "issuers[0].clock_leeway_seconds",
        ),
        (
            "/issuers/0/algorithms",
            json!(["HS256"]),
            "issuers[0].algorithms[0]",
        ),
        ("/issuers/0/jwks_uri", json!("ftp://a/b"), "issuers[0].jwks_uri"),
        ("/policy/verification", Json::Null, "policy.verification"),
        ("/policy/allow_unsigned", json!(true), "policy.allow_unsigned"),
        (
            "/policy/candidate",
            json!({ "bundle": "demo", "url": "http://127.0.0.1:1/b" }),
            "policy.candidate.bundle",
        ),
        (
            "/policy/candidate",
            json!({ "bundle": "next", "url": "ftp://a/b" }),
            "policy.candidate.url",
        ),
        (
            "/policy/candidate",
            json!({ "bundle": "next", "url": "http://127.0.0.1:1/b", "entrypoint": "" }),
            "policy.candidate.entrypoint",
        ),
        (
            "/policy/candidate",
            json!({ "bundle": "next", "url": "http://127.0.0.1:1/b", "sample_per_million": 0 }),
            "policy.candidate.sample_per_million",
        ),
        (
            "/policy/verification/keys/0/public_key_file",
            json!("gone.pem"),
            "policy.verification.keys[0].public_key_file",
        ),
    ];
    for (pointer, value, key) in cases {
        let mut config = world.config();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = config
            .document
            .pointer_mut(parent)
            .unwrap()
            .as_object_mut()
            .unwrap();
        if value.is_null() {
            parent.remove(name);
        } else {
            parent.insert(name.to_owned(), value);
        }
        let output = config.refused();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{pointer}: {told}");
        assert_eq!(told.lines().count(), 1, "{pointer}: {told}");
        let expected = format!("{}:", world.folder.path().join("sidecar.yaml").display());
        assert!(
            told.starts_with(&expected) && told.contains(&format!(" {key}: ")),
            "{pointer}: {told}"
        );
    }
}

#[tokio::test]
async fn two_issuers_of_one_name_are_refused() {
    let world = World::new().await;
    let mut config = world.config();
    let issuer = config.document["issuers"][0].clone();
    config.document["issuers"].as_array_mut().unwrap().push(issuer);
    let output = config.refused();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("issuers[1].issuer")
    );
}

#[test]
fn a_missing_file_and_a_missing_argument_are_exit_2() {
    let run = |args: &[&str]| {
        std::process::Command::new(env!("CARGO_BIN_EXE_postern-sidecar"))
            .args(args)
            .output()
            .unwrap()
            .status
            .code()
    };
    assert_eq!(run(&["--config", "/nowhere/sidecar.yaml"]), Some(2));
    assert_eq!(run(&[]), Some(2));
    assert_eq!(run(&["--help"]), Some(0));
}
