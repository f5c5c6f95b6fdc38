//! Bundles that are signed, and those that should be.

use postern_e2e::opa_envoy::bundle_server::BundleServer;
use postern_jose::{Algorithm, LocalSigner};
use postern_policy::Limits;
use serde_json::json;

use super::{LIMIT, polled, programs, rules, says_so, start, start_with, words};

#[tokio::test]
async fn signatures_are_proved_as_configured() {
    let key = |signer: &LocalSigner| signer.public_jwk().to_spki_pem().unwrap();
    let (mine, other) = (signer(), signer());
    let signed = |archive: &[u8], signer: &LocalSigner, id: &str| {
        postern_policy::bundle::sign(archive, signer, id, &Limits::default()).unwrap()
    };
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        bundles.serve("/rules.tar.gz", signed(&rules("r1"), &mine, "mine"));
        bundles.serve("/words.tar.gz", words("w1", "unsigned"));
        let mut asked_for = polled("rules.tar.gz");
        asked_for["signing"] = json!({"keyid": "mine"});
        let config = json!({
            "keys": {"mine": {"key": key(&mine), "algorithm": "ES256"}, "scoped": {"key": key(&other), "algorithm": "ES256", "scope": "write"}},
            "bundles": {"rules": asked_for, "words": polled("words.tar.gz")},
            "status": {"console": true},
        });
        let world = start(&program, &bundles, config).await;
        world.says("unsigned").await;
        bundles.serve("/rules.tar.gz", rules("r2"));
        world
            .status("rules", says_so("bundle missing .signatures.json file"))
            .await;
        bundles.serve("/rules.tar.gz", signed(&rules("r3"), &other, "mine"));
        world
            .status("rules", says_so("failed to verify JWT signature"))
            .await;
        // Where none is asked for, one that is there must be good.
        bundles.serve("/words.tar.gz", signed(&words("w2", "signed"), &other, "mine"));
        world
            .status("words", says_so("failed to verify JWT signature"))
            .await;
        bundles.serve("/words.tar.gz", signed(&words("w3", "signed"), &other, "nobody"));
        world
            .status(
                "words",
                says_so("verification key corresponding to ID nobody not found"),
            )
            .await;
        bundles.serve("/words.tar.gz", signed(&words("w4", "signed"), &other, "scoped"));
        world.status("words", says_so("scope mismatch")).await;
        assert_eq!(world.said().await, "unsigned");
        bundles.serve("/words.tar.gz", signed(&words("w5", "signed"), &mine, "mine"));
        world.says("signed").await;
        let status = world.status("rules", |_| true).await;
        assert_eq!(status["active_revision"], "r1");
    }
}

#[tokio::test]
async fn a_signed_bundle_needs_a_key_that_proves_it() {
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        let archive =
            postern_policy::bundle::sign(&rules("r1"), &signer(), "mine", &Limits::default()).unwrap();
        bundles.serve("/rules.tar.gz", archive);
        let config = json!({"bundles": {"rules": polled("rules.tar.gz")}, "status": {"console": true}});
        let world = start(&program, &bundles, config).await;
        let status = world
            .status("rules", |status| status["code"] == "bundle_error")
            .await;
        assert!(
            status["message"]
                .as_str()
                .unwrap()
                .starts_with("verification key not provided"),
            "{status:#}"
        );
    }
}

/// Bundles of the command line, and a key that they are signed with.
#[tokio::test]
async fn bundles_of_the_command_line_are_proved_with_its_key() {
    let mine = signer();
    let archive = postern_policy::bundle::sign(&rules("r1"), &mine, "mine", &Limits::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("rules.tar.gz"), archive).unwrap();
    std::fs::write(path("words.tar.gz"), words("w1", "hello")).unwrap();
    std::fs::write(path("key.pem"), mine.public_jwk().to_spki_pem().unwrap()).unwrap();
    std::fs::write(path("other.pem"), signer().public_jwk().to_spki_pem().unwrap()).unwrap();
    let config = json!({"status": {"console": true}});
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        let flags = |key: &str| {
            [
                "--bundle".to_owned(),
                format!("--verification-key={}", path(key)),
                "--verification-key-id=mine".to_owned(),
                "--signing-alg=ES256".to_owned(),
                path("rules.tar.gz"),
            ]
            .to_vec()
        };
        let world = start_with(&program, &bundles, config.clone(), &flags("key.pem")).await;
        assert!(world.said().await.contains("undefined"), "it has no words");
        let said = refused(&program, &flags("other.pem")).await;
        assert!(said.contains("failed to verify JWT signature"), "{said}");
        let without_key = ["--bundle".to_owned(), path("rules.tar.gz")];
        let said = refused(&program, &without_key).await;
        assert!(said.contains("verification key not provided"), "{said}");
        let skipped = [
            "--bundle".to_owned(),
            "--skip-verify".to_owned(),
            path("rules.tar.gz"),
            path("words.tar.gz"),
        ];
        let world = start_with(&program, &bundles, config.clone(), &skipped).await;
        world.says("hello").await;
    }
}

/// What `program` says when it ends rather than runs with these flags.
pub(super) async fn refused(program: &std::path::Path, flags: &[String]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let address = |name: &str| format!("unix://{}", folder.path().join(name).display());
    let mut command = tokio::process::Command::new(program);
    command
        .args(["run", "--server", &format!("--addr={}", address("api.sock"))])
        .arg(format!(
            "--set=plugins.envoy_ext_authz_grpc.addr={}",
            address("ext_authz.sock")
        ))
        .args(flags)
        .kill_on_drop(true);
    let ended = tokio::time::timeout(LIMIT, command.output())
        .await
        .unwrap()
        .unwrap();
    assert!(!ended.status.success());
    String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned()
}

pub(super) fn signer() -> LocalSigner {
    LocalSigner::generate(Algorithm::ES256).unwrap()
}
