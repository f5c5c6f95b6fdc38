//! `postern bundle` as its users have it: the program, files, exit codes.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use postern_jose::{Algorithm, LocalSigner};
use tempfile::TempDir;

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/demo/policy");
const ENTRYPOINT: &str = "orders/authz/decision";

/// A folder with a key pair in it.
fn workshop() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_keys(folder.path(), "signing");
    folder
}

fn write_keys(folder: &Path, name: &str) {
    let signer = LocalSigner::generate(Algorithm::ES256).unwrap();
    fs::write(
        folder.join(format!("{name}.pem")),
        signer.to_pkcs8_pem().unwrap().as_bytes(),
    )
    .unwrap();
    fs::write(
        folder.join(format!("{name}.pub.pem")),
        signer.public_jwk().to_spki_pem().unwrap(),
    )
    .unwrap();
}

/// Makes sure that the pinned opa is built, by the command that a user would run.
fn with_opa() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/tools.sh");
    let output = Command::new("bash").arg(script).output().unwrap();
    assert!(
        output.status.success(),
        "run `make tools`: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn postern(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_postern"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

#[track_caller]
fn expect(output: &Output, code: i32, text: &str) {
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(text), "expected {text:?} in: {said}");
}

fn build_signed(folder: &Path) {
    with_opa();
    let arguments = [
        "bundle",
        "build",
        DEMO,
        "-e",
        ENTRYPOINT,
        "--revision",
        "v7",
        "--signing-key",
        "signing.pem",
    ];
    expect(
        &postern(folder, &[&arguments[..], &["--key-id", "prod"]].concat()),
        0,
        "bundle.tar.gz",
    );
}

#[test]
fn a_folder_is_built_signed_verified_and_looked_into() {
    let folder = workshop();
    build_signed(folder.path());
    let run = |arguments: &[&str]| postern(folder.path(), arguments);
    let verify = ["bundle", "verify", "bundle.tar.gz", "--key", "signing.pub.pem"];
    expect(&run(&verify), 0, "is good: signed with key prod, revision \"v7\"");
    expect(&run(&[&verify[..], &["--key-id", "prod"]].concat()), 0, "is good");
    expect(
        &run(&[&verify[..], &["--key-id", "test"]].concat()),
        1,
        "signed with key `prod`",
    );
    expect(
        &run(&[&verify[..], &["--algorithm", "RS256"]].concat()),
        2,
        "signing.pub.pem",
    );

    let shown = run(&["bundle", "inspect", "bundle.tar.gz", "-o", "json"]);
    expect(&shown, 0, "");
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["revision"], "v7");
    assert_eq!(shown["entrypoints"], serde_json::json!([ENTRYPOINT]));
    assert_eq!(
        shown["builtins"],
        serde_json::json!(["internal.member_2", "sprintf", "startswith"])
    );
    let reads = &shown["reads"][0];
    assert_eq!(reads["entrypoint"], ENTRYPOINT);
    for (document, at) in [("input", "input."), ("data", "data")] {
        let paths = reads[document].as_array().unwrap();
        assert!(
            !paths.is_empty() && paths.iter().all(|path| path.as_str().unwrap().starts_with(at)),
            "{reads}"
        );
    }
    for effect in ["clock", "randomness", "network", "host"] {
        assert_eq!(reads[effect], false, "{effect}");
    }
    assert_eq!(shown["signed_by_unverified"], "prod");
    let paths: Vec<&str> = shown["files"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|f| f["path"].as_str())
        .collect();
    assert_eq!(
        paths,
        [
            ".manifest",
            ".signatures.json",
            "data.json",
            "orders.rego",
            "plan.json"
        ]
    );
    for format in ["table", "yaml"] {
        expect(
            &run(&["bundle", "inspect", "bundle.tar.gz", "-o", format]),
            0,
            ENTRYPOINT,
        );
    }
}

#[test]
fn another_key_no_signature_and_damage_are_refused_with_exit_code_1() {
    let folder = workshop();
    build_signed(folder.path());
    write_keys(folder.path(), "other");
    let run = |arguments: &[&str]| postern(folder.path(), arguments);
    expect(
        &run(&["bundle", "verify", "bundle.tar.gz", "--key", "other.pub.pem"]),
        1,
        "is not by key `prod`",
    );

    expect(
        &run(&[
            "bundle",
            "sign",
            "bundle.tar.gz",
            "--signing-key",
            "other.pem",
            "--key-id",
            "o",
            "-o",
            "o.tar.gz",
        ]),
        0,
        "key o",
    );
    expect(
        &run(&["bundle", "verify", "o.tar.gz", "--key", "other.pub.pem"]),
        0,
        "is good",
    );
    expect(
        &run(&["bundle", "verify", "o.tar.gz", "--key", "signing.pub.pem"]),
        1,
        "is not by key `o`",
    );

    let plan = format!("{DEMO}/plan.json");
    expect(
        &run(&[
            "bundle",
            "build",
            DEMO,
            "-e",
            ENTRYPOINT,
            "--plan",
            &plan,
            "-o",
            "unsigned.tar.gz",
        ]),
        0,
        "",
    );
    expect(
        &run(&["bundle", "verify", "unsigned.tar.gz", "--key", "signing.pub.pem"]),
        1,
        "has no signature",
    );

    let mut archive = fs::read(folder.path().join("bundle.tar.gz")).unwrap();
    archive.truncate(archive.len() / 2);
    fs::write(folder.path().join("half.tar.gz"), archive).unwrap();
    expect(
        &run(&["bundle", "verify", "half.tar.gz", "--key", "signing.pub.pem"]),
        1,
        "half.tar.gz: ",
    );
    expect(&run(&["bundle", "inspect", "half.tar.gz"]), 1, "half.tar.gz: ");
}

/// The sequence that a bundle states.
fn sequence(folder: &Path, archive: &str) -> Option<u64> {
    let shown = postern(folder, &["bundle", "inspect", archive, "-o", "json"]);
    expect(&shown, 0, "");
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    shown.get("sequence").map(|sequence| sequence.as_u64().unwrap())
}

#[test]
fn signing_again_makes_an_older_bundle_the_newest() {
    let folder = workshop();
    let run = |arguments: &[&str]| postern(folder.path(), arguments);
    let plan = format!("{DEMO}/plan.json");
    let build = ["bundle", "build", DEMO, "-e", ENTRYPOINT, "--plan", &plan, "-o"];
    expect(&run(&[&build[..], &["unsigned.tar.gz"]].concat()), 0, "");
    assert_eq!(sequence(folder.path(), "unsigned.tar.gz"), None);
    let signed = ["old.tar.gz", "--signing-key", "signing.pem"];
    expect(&run(&[&build[..], &signed].concat()), 0, "");
    let first = sequence(folder.path(), "old.tar.gz").unwrap();
    assert!(first > 1_700_000_000_000, "milliseconds: {first}");
    let again = ["bundle", "sign", "old.tar.gz", "--signing-key", "signing.pem"];
    expect(
        &run(&[&again[..], &["-o", "again.tar.gz"]].concat()),
        0,
        "again.tar.gz",
    );
    assert!(sequence(folder.path(), "again.tar.gz").unwrap() > first);
    expect(
        &run(&["bundle", "verify", "again.tar.gz", "--key", "signing.pub.pem"]),
        0,
        "is good",
    );
    expect(&run(&[&again[..], &["--sequence", "7"]].concat()), 0, "");
    assert_eq!(sequence(folder.path(), "old.tar.gz"), Some(7));
    expect(&run(&[&again[..], &["--sequence", "none"]].concat()), 0, "");
    assert_eq!(sequence(folder.path(), "old.tar.gz"), Some(7));
    expect(&run(&["bundle", "inspect", "old.tar.gz"]), 0, "sequence     7");
    expect(
        &run(&[&again[..], &["--sequence", "later"]].concat()),
        2,
        "expected `now`",
    );
}

#[test]
fn the_same_folder_makes_the_same_bundle_and_a_name_for_it() {
    let folder = workshop();
    with_opa();
    for name in ["a.tar.gz", "b.tar.gz"] {
        expect(
            &postern(
                folder.path(),
                &["bundle", "build", DEMO, "-e", ENTRYPOINT, "-o", name],
            ),
            0,
            name,
        );
    }
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert!(read("a.tar.gz") == read("b.tar.gz"));
    expect(
        &postern(folder.path(), &["bundle", "inspect", "a.tar.gz"]),
        0,
        "revision     sha256-",
    );
}

#[test]
fn a_wrong_policy_is_refused_and_writes_nothing() {
    let folder = workshop();
    with_opa();
    let policy = folder.path().join("policy");
    fs::create_dir(&policy).unwrap();
    fs::write(policy.join("a.rego"), "package a\n\nx := undefined_function(1)\n").unwrap();
    let run = |entrypoint: &str| postern(folder.path(), &["bundle", "build", "policy", "-e", entrypoint]);
    expect(&run("a/x"), 1, "a.rego:3: rego_type_error");
    fs::write(policy.join("a.rego"), "package a\n\nx := 1\n").unwrap();
    expect(&run("a/y"), 1, "a/y");
    assert!(!folder.path().join("bundle.tar.gz").exists());
    expect(&run("a/x"), 0, "bundle.tar.gz");
}

#[test]
fn what_cannot_be_asked_exits_with_2_and_says_what_to_do() {
    let folder = workshop();
    let run = |arguments: &[&str]| postern(folder.path(), arguments);
    expect(&run(&["bundle", "build", DEMO]), 2, "--entrypoint");
    expect(&run(&["bundle", "build", "nowhere", "-e", "a"]), 2, "nowhere");
    expect(
        &run(&["bundle", "build", DEMO, "-e", "a", "--opa", "signing.pem"]),
        2,
        "is not a program",
    );
    expect(
        &run(&["bundle", "verify", "nowhere.tar.gz", "--key", "signing.pub.pem"]),
        2,
        "reading nowhere.tar.gz",
    );
    expect(
        &run(&["bundle", "verify", "x", "--key", "signing.pem"]),
        2,
        "signing.pem",
    );
    expect(&run(&["bundle", "sign", "x"]), 2, "--signing-key");
    expect(
        &run(&[
            "bundle",
            "push",
            "signing.pem",
            "--name",
            "demo",
            "--data-dir",
            "none",
        ]),
        2,
        "--control-plane",
    );
}

#[test]
fn without_opa_the_message_says_how_to_get_it() {
    let folder = workshop();
    let output = Command::new(env!("CARGO_BIN_EXE_postern"))
        .args(["bundle", "build", DEMO, "-e", ENTRYPOINT])
        .env_clear()
        .env("HOME", folder.path())
        .current_dir(folder.path())
        .output()
        .unwrap();
    expect(&output, 2, "run `make tools`");
}
