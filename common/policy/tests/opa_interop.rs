//! Bundles go both ways between OPA and us: what it signs we read, what we sign it accepts, and what either of us
//! refuses the other refuses too.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod support;

use std::fs;
use std::path::Path;

use postern_jose::{Algorithm, LocalSigner};
use postern_policy::bundle::{
    Bundle, BundleBuilder, BundleError, Limits, Verification, VerificationKey, sign,
};
use postern_policy::{Engine as _, Env, PlanEngine, Value};
use tempfile::TempDir;

const POLICY: &str = "package orders.authz\n\nallow if data.roles[input.role].read\n";
/// Every kind of value and of character that could come out differently.
const DATA: &str = "{\"roles\": {\"clerk\": {\"read\": true}},\n \"odd\": [1.0, 1e2, -0, 12345678901234567890123, \
                    \"<&>\\u2028\\u0001\\u007f\\b\\f\\u00e9\\ud83d\\ude00\", null, {\"b\": 1, \"a\": {}, \"\\u00e9\": []}]}";

struct Keys {
    folder: TempDir,
    signer: LocalSigner,
    trust: Verification,
}

/// A key pair of ours, in files as OPA wants them.
fn keys(algorithm: Algorithm) -> Keys {
    let signer = LocalSigner::generate(algorithm).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let public = signer.public_jwk().to_spki_pem().unwrap();
    fs::write(
        folder.path().join("private.pem"),
        signer.to_pkcs8_pem().unwrap().as_bytes(),
    )
    .unwrap();
    fs::write(folder.path().join("public.pem"), &public).unwrap();
    let trust = Verification::keys([VerificationKey::from_pem("demo", algorithm, &public).unwrap()]).unwrap();
    Keys {
        folder,
        signer,
        trust,
    }
}

fn write_policy(folder: &Path) {
    fs::create_dir(folder.join("policy")).unwrap();
    fs::write(folder.join("policy/orders.rego"), POLICY).unwrap();
    fs::write(folder.join("policy/data.json"), DATA).unwrap();
}

/// Builds with OPA: signed with the private key, its id `demo` in the claims.
fn build_with_opa(keys: &Keys, algorithm: Algorithm) -> Vec<u8> {
    let folder = keys.folder.path();
    write_policy(folder);
    fs::write(folder.join("claims.json"), r#"{"keyid": "demo"}"#).unwrap();
    support::run_well(
        folder,
        &[
            "build",
            "-t",
            "plan",
            "-e",
            "orders/authz/allow",
            "--revision",
            "r7",
            "--signing-key",
            "private.pem",
            "--signing-alg",
            algorithm.as_str(),
            "--claims-file",
            "claims.json",
            "-o",
            "bundle.tar.gz",
            "-b",
            "policy",
        ],
    );
    fs::read(folder.join("bundle.tar.gz")).unwrap()
}

fn ours(keys: &Keys) -> Vec<u8> {
    let unsigned = BundleBuilder::new("r8")
        .roots(["orders", "roles", "odd"])
        .metadata("note", "<odd> & \u{2028}".into())
        .file("orders/orders.rego", POLICY)
        .data(DATA)
        .build()
        .unwrap();
    sign(&unsigned, &keys.signer, "demo", &Limits::default()).unwrap()
}

/// What OPA answers from a bundle that it verified with the public key under the id `demo`.
fn eval_with_opa(keys: &Keys, archive: &[u8], algorithm: Algorithm) -> Result<String, String> {
    let folder = keys.folder.path();
    fs::write(folder.join("ours.tar.gz"), archive).unwrap();
    fs::write(folder.join("input.json"), r#"{"role": "clerk"}"#).unwrap();
    // `opa build` is the command that verifies; what it writes is then the verified bundle.
    let built = support::run(
        folder,
        &[
            "build",
            "-b",
            "ours.tar.gz",
            "--verification-key",
            "public.pem",
            "--verification-key-id",
            "demo",
            "--signing-alg",
            algorithm.as_str(),
            "-o",
            "verified.tar.gz",
        ],
    );
    if !built.status.success() {
        return Err(String::from_utf8_lossy(&[built.stdout, built.stderr].concat()).into_owned());
    }
    let answer = support::run_well(
        folder,
        &[
            "eval",
            "-f",
            "raw",
            "-i",
            "input.json",
            "-b",
            "verified.tar.gz",
            "data.orders.authz.allow",
        ],
    );
    Ok(String::from_utf8(answer).unwrap().trim().to_owned())
}

#[test]
fn what_opa_signs_we_read() {
    for algorithm in [Algorithm::ES256, Algorithm::RS256] {
        let keys = keys(algorithm);
        let archive = build_with_opa(&keys, algorithm);
        let bundle = Bundle::read(&archive, &keys.trust, &Limits::default()).unwrap();
        assert_eq!(bundle.signed_by(), Some("demo"));
        assert_eq!(bundle.revision(), "r7");
        assert!(bundle.plan().is_some());
        let clerk = bundle
            .data()
            .get("roles")
            .and_then(|roles| roles.get("clerk"))
            .unwrap();
        assert_eq!(clerk.to_json(), r#"{"read":true}"#);
    }
}

#[test]
fn what_opa_signs_we_refuse_once_changed_or_with_another_key() {
    let keys = keys(Algorithm::ES256);
    let archive = build_with_opa(&keys, Algorithm::ES256);
    let other = self::keys(Algorithm::ES256);
    let error = Bundle::read(&archive, &other.trust, &Limits::default()).unwrap_err();
    assert!(matches!(error, BundleError::SignatureWrong { .. }), "{error}");
}

#[test]
fn what_we_sign_opa_accepts() {
    for algorithm in [Algorithm::ES256, Algorithm::PS256] {
        let keys = keys(algorithm);
        assert_eq!(
            eval_with_opa(&keys, &ours(&keys), algorithm).as_deref(),
            Ok("true"),
            "{algorithm}"
        );
    }
}

#[test]
fn data_in_yaml_is_what_it_is_in_opa() {
    let keys = keys(Algorithm::ES256);
    let yaml = "# roles\nclerk:\n  read: true\n  odd:\n    - 1.0\n    - 1e2\n    - 0x10\n    - 'x'\n    - ~\n    - no\n  flow: [1, two]\n\"<é>\": {}\n";
    let unsigned = BundleBuilder::new("r9")
        .file("orders/orders.rego", POLICY)
        .file("roles/data.yaml", yaml)
        .file("more/data.yml", r#"{"a": 1.50}"#)
        .build()
        .unwrap();
    let archive = sign(&unsigned, &keys.signer, "demo", &Limits::default()).unwrap();
    // It verified the digest over what the text says, so that it read what we read.
    assert_eq!(
        eval_with_opa(&keys, &archive, Algorithm::ES256).as_deref(),
        Ok("true")
    );
    let bundle = Bundle::read(&archive, &keys.trust, &Limits::default()).unwrap();
    let folder = keys.folder.path();
    let theirs = support::run_well(folder, &["eval", "-f", "raw", "-b", "verified.tar.gz", "data"]);
    let mut theirs: serde_json::Value = serde_json::from_slice(&theirs).unwrap();
    theirs.as_object_mut().unwrap().remove("orders");
    let ours: serde_json::Value = serde_json::from_str(&bundle.data().to_json()).unwrap();
    assert_eq!(ours, theirs);
}

#[test]
fn what_opa_refuses_of_ours_we_refuse_too() {
    let keys = keys(Algorithm::ES256);
    let other = self::keys(Algorithm::ES256);
    let signed_by_another = ours(&other);
    let error = eval_with_opa(&keys, &signed_by_another, Algorithm::ES256).unwrap_err();
    assert!(error.contains("verify"), "{error}");
    assert!(Bundle::read(&signed_by_another, &keys.trust, &Limits::default()).is_err());
}

#[test]
fn a_long_path_of_ours_is_the_same_path_to_opa() {
    let keys = keys(Algorithm::ES256);
    let long = format!("{}/orders.rego", "folder".repeat(40));
    let unsigned = BundleBuilder::new("r9")
        .file(long, POLICY)
        .data(DATA)
        .build()
        .unwrap();
    let signed = sign(&unsigned, &keys.signer, "demo", &Limits::default()).unwrap();
    assert_eq!(
        eval_with_opa(&keys, &signed, Algorithm::ES256).as_deref(),
        Ok("true")
    );
}

/// What `opa build --format proto` makes: a plan and a manifest in protobuf.
#[test]
fn a_bundle_in_protobuf_answers_as_the_one_in_json() {
    let folder = TempDir::new().unwrap();
    let rego = "package p\n\nallow if input.user == data.owner\n";
    fs::write(folder.path().join("p.rego"), rego).unwrap();
    fs::write(folder.path().join("data.json"), r#"{"owner": "ada"}"#).unwrap();
    for (format, name) in [("json", "plan.json"), ("proto", "plan.pb")] {
        let archive = folder.path().join(format!("{format}.tar.gz"));
        let out = archive.to_str().unwrap();
        let flags = [
            "-t",
            "plan",
            "--format",
            format,
            "--revision",
            "r7",
            "-e",
            "p/allow",
            "-o",
            out,
        ];
        let files = ["p.rego", "data.json"];
        support::run_well(folder.path(), &[&["build"], &flags[..], &files[..]].concat());
        let bundle = Bundle::read(
            &fs::read(&archive).unwrap(),
            &Verification::Unsigned,
            &Limits::default(),
        )
        .unwrap();
        assert_eq!(bundle.plan().unwrap().name(), name);
        assert_eq!(
            (bundle.revision(), bundle.manifest().roots.as_slice()),
            ("r7", &[String::new()][..])
        );
        let engine = PlanEngine::from_bundle(&bundle).unwrap();
        let entrypoint = engine.require("p/allow").unwrap();
        for (user, allowed) in [("ada", Some(Value::from(true))), ("bob", None)] {
            let input = Value::from_json_str(&format!(r#"{{"user": "{user}"}}"#)).unwrap();
            let answer = engine
                .evaluate(entrypoint, Some(&input), &Env::new(0, [0; 32]))
                .unwrap();
            assert_eq!(answer, allowed, "{format}, {user}");
        }
    }
}
