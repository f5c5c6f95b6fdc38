//! What the file may say, and what is told about one that says something else.

use postern_jose::{LocalSigner, Signer as _, pem};

use super::*;

const GOOD: &str = "\
data_dir: data
http: { listen: \"127.0.0.1:8080\" }
grpc: { listen: \"127.0.0.1:8081\" }
issuer: https://auth.example.com
token: { ttl_seconds: 600, algorithm: EdDSA }
policy:
  verification:
    keys:
      - { key_id: demo, algorithm: ES256, public_key_file: key.pem }
  keep_revisions: 3
";

fn load(text: &str) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    let key = LocalSigner::generate(Algorithm::ES256).unwrap().public_jwk();
    std::fs::write(folder.path().join("key.pem"), key.to_spki_pem().unwrap()).unwrap();
    std::fs::write(
        folder.path().join("private.pem"),
        pem::encode(pem::PRIVATE_KEY, b"x").as_bytes(),
    )
    .unwrap();
    let path = folder.path().join("control-plane.yaml");
    std::fs::write(&path, text).unwrap();
    Settings::load(&path).map_err(|error| error.to_string())
}

#[test]
fn a_full_file_is_understood() {
    let settings = load(GOOD).unwrap();
    assert!(settings.data_dir.is_absolute(), "relative to the file");
    assert_eq!(settings.ttl_seconds, 600);
    assert_eq!(settings.algorithm, Algorithm::EdDSA);
    assert_eq!(settings.issuer.as_deref(), Some("https://auth.example.com"));
    assert!(matches!(settings.policy.verification, Verification::Keys(keys) if keys.contains_key("demo")));
    assert_eq!(settings.policy.keep_revisions, 3);
}

#[test]
fn what_can_be_left_out_has_a_default() {
    let text = "data_dir: d\nhttp: { listen: \"127.0.0.1:0\" }\ngrpc: { listen: \"127.0.0.1:0\" }\n\
        policy: { allow_unsigned: true }\n";
    let settings = load(text).unwrap();
    assert_eq!(
        (settings.ttl_seconds, settings.algorithm),
        (900, Algorithm::ES256)
    );
    assert_eq!((settings.issuer, settings.policy.keep_revisions), (None, 10));
    assert!(matches!(settings.policy.verification, Verification::Unsigned));
}

#[test]
fn a_mistake_is_told_in_one_line_with_its_place() {
    for (from, to, expected) in [
        ("data_dir: data\n", "", &["data_dir"][..]),
        (
            "ttl_seconds: 600",
            "ttl_seconds: soon",
            &[":5", "token.ttl_seconds"],
        ),
        (
            "ttl_seconds: 600",
            "ttl_seconds: 1",
            &[":5", "token.ttl_seconds", "30 to 86400"],
        ),
        ("ttl_seconds: 600", "ttl: 600", &[":5", "ttl"]),
        ("algorithm: EdDSA", "algorithm: HS256", &[":5", "token.algorithm"]),
        (
            "https://auth.example.com",
            "https://auth.example.com/",
            &[":4", "issuer", "trailing slash"],
        ),
        ("https://auth.example.com", "auth", &[":4", "issuer", "URL"]),
        (
            "https://auth.example.com",
            "https://example.com/auth",
            &[":4", "issuer", "without path"],
        ),
        ("\"127.0.0.1:8080\"", "8080", &[":2", "http.listen"]),
        (
            "\"127.0.0.1:8080\"",
            "\"unix:/x\"",
            &[":2", "http.listen", "address:port"],
        ),
        (
            "key.pem",
            "none.pem",
            &[":9", "policy.verification.keys[0].public_key_file", "none.pem"],
        ),
        (
            "key.pem",
            "private.pem",
            &[":9", "policy.verification.keys[0].public_key_file", "private key"],
        ),
        (
            "keep_revisions: 3",
            "keep_revisions: 0",
            &[":10", "policy.keep_revisions"],
        ),
        (
            "  keep_revisions",
            "  allow_unsigned: true\n  keep_revisions",
            &["policy.allow_unsigned", "remove one of them"],
        ),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let error = load(&GOOD.replacen(from, to, 1)).unwrap_err();
        assert!(!error.contains('\n'), "{error}");
        for part in expected {
            assert!(error.contains(part), "{to}: expected {part} in: {error}");
        }
    }
}

#[test]
fn an_issuer_is_needed_when_the_address_says_nothing() {
    let text = GOOD
        .replace("issuer: https://auth.example.com\n", "")
        .replace("127.0.0.1:8080", "0.0.0.0:8080");
    assert!(load(&text).unwrap_err().contains("issuer"));
}

/// A file with a compiler; `key` is the rest of its section.
fn compiling(head: &str, rest: &str) -> String {
    let folder = std::env::current_exe().unwrap();
    format!("{head}  compile: {{ opa: {}, {rest} }}\n", folder.display())
}

#[test]
fn what_is_compiled_is_signed_with_a_key_that_is_believed_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let pem = LocalSigner::generate(Algorithm::ES256)
        .unwrap()
        .to_pkcs8_pem()
        .unwrap();
    let key = folder.path().join("signing.pem");
    std::fs::write(&key, pem.as_bytes()).unwrap();
    let signed = |id: &str| format!("key_id: {id}, signing_key_file: {}", key.display());
    let settings = load(&compiling(GOOD, &signed("cp"))).unwrap();
    let signer = settings.policy.compile.unwrap().signer.unwrap();
    assert_eq!(signer.key_id(), "cp");
    let Verification::Keys(keys) = settings.policy.verification else {
        panic!("keys");
    };
    assert!(keys.keys().eq(["cp", "demo"]));

    for (rest, expected) in [
        (signed("demo"), &["policy.compile.key_id", "another id"][..]),
        (
            "key_id: cp".to_owned(),
            &["policy.compile.signing_key_file", "key to sign with"],
        ),
        (
            "signing_key_file: none.pem".to_owned(),
            &["policy.compile.signing_key_file", "none.pem"],
        ),
    ] {
        let error = load(&compiling(GOOD, &rest)).unwrap_err();
        for word in expected {
            assert!(error.contains(word), "{word}: {error}");
        }
    }
    let error = load(&format!("{GOOD}  compile: {{ opa: /nowhere/opa }}\n")).unwrap_err();
    assert!(
        error.contains("policy.compile.opa: /nowhere/opa is not a program"),
        "{error}"
    );
    let unsigned = "data_dir: d\nhttp: { listen: \"127.0.0.1:0\" }\ngrpc: { listen: \"127.0.0.1:0\" }\n\
        policy:\n  allow_unsigned: true\n";
    let compile = load(&compiling(unsigned, "")).unwrap().policy.compile.unwrap();
    assert!(compile.signer.is_none() && compile.folder.ends_with("compiling"));
}
