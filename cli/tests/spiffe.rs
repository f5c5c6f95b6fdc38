//! `postern spiffe` as its users have it: the program, files, exit codes.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const LEAF: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../common/mesh/tests/vectors/openssl-leaf.pem"
);
/// It has no URI.
const RFC_8705: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../common/mesh/tests/vectors/rfc8705-appendix-a.pem"
);

#[expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
fn id(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_postern"))
        .args(["spiffe", "id"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

#[track_caller]
fn expect(output: &Output, code: i32, texts: &[&str]) {
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(code), "{said}");
    for text in texts {
        assert!(said.contains(text), "{text:?} in {said}");
    }
}

#[test]
fn a_valid_id_is_taken_apart() {
    let here = Path::new(".");
    expect(
        &id(here, &["spiffe://prod.example/ns/shop"]),
        0,
        &["trust domain  prod.example", "path          /ns/shop"],
    );
    expect(&id(here, &["spiffe://prod.example"]), 0, &["no workload"]);
    let json = id(here, &["spiffe://prod.example/web", "-o", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "spiffe_id": "spiffe://prod.example/web", "trust_domain": "prod.example", "path": "/web"
        })
    );
}

#[test]
fn anything_else_is_refused_with_the_rule() {
    let here = Path::new(".");
    for (text, rule) in [
        (
            "spiffe://Prod.example/web",
            "consists of `a-z 0-9 . - _`, not of 'P'",
        ),
        ("spiffe://prod.example/web/", "doesn't end with `/`"),
        ("https://prod.example/web", "begins with `spiffe://`"),
        ("prod.example/web", "begins with `spiffe://`"),
        ("spiffe://prod.example/a.pem?x", "no query"),
        ("spiffe://prod.example/a\u{1b}[31m", "\\u{1b}"),
        ("", "can't be empty"),
    ] {
        expect(&id(here, &[text]), 1, &[rule]);
    }
}

#[test]
fn the_id_of_a_certificate_is_its_only_uri() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    expect(
        &id(here, &[LEAF]),
        0,
        &[
            "spiffe://prod.example/ns/shop/sa/web",
            "x5t#S256      xIZC5jYZ2ajvP2JQzxVifWGuhLJMhcjgcuQ46ccwhI4",
            "valid until",
        ],
    );
    expect(
        &id(here, &[RFC_8705]),
        1,
        &["no URI among its subject alternative names"],
    );

    // A chain, with the text that openssl writes around it.
    let (leaf, other) = (
        fs::read_to_string(LEAF).unwrap(),
        fs::read_to_string(RFC_8705).unwrap(),
    );
    fs::write(
        here.join("chain"),
        format!("Certificate:\n{leaf}subject=x\n{other}"),
    )
    .unwrap();
    expect(
        &id(here, &["chain"]),
        0,
        &["1 more in the file", "spiffe://prod.example/ns/shop/sa/web"],
    );
    let der = postern_jose::pem::decode(postern_jose::pem::CERTIFICATE, &leaf).unwrap();
    fs::write(here.join("leaf.der"), &*der).unwrap();
    expect(&id(here, &["leaf.der"]), 0, &["prod.example"]);
    fs::write(here.join("junk.pem"), "junk").unwrap();
    expect(&id(here, &["junk.pem"]), 1, &["no X.509 certificate in DER"]);
}

#[test]
fn a_file_that_is_not_there_could_not_be_asked() {
    expect(&id(Path::new("."), &["nope.pem"]), 2, &["reading nope.pem"]);
}

#[test]
fn a_key_is_named_as_what_it_is_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let secret = "c2VjcmV0IHNlY3JldCBzZWNyZXQ=";
    for label in [
        "PRIVATE KEY",
        "EC PRIVATE KEY",
        "PUBLIC KEY",
        "CERTIFICATE REQUEST",
    ] {
        let pem = format!("-----BEGIN {label}-----\n{secret}\n-----END {label}-----\n");
        fs::write(folder.path().join("svid.key.pem"), pem).unwrap();
        let output = id(folder.path(), &["svid.key.pem"]);
        expect(&output, 1, &[&format!("a PEM `{label}`"), "no certificate"]);
        assert!(!String::from_utf8_lossy(&output.stderr).contains(secret));
    }
}
