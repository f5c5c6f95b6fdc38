//! Deltas that nothing signs, that lie on a disk, and of discovery.

use postern_e2e::opa_envoy::bundle_server::{BundleServer, bundle, delta};
use serde_json::{Value as Json, json};

use super::super::proved::{refused, signer};
use super::super::{polled, programs, rules, says_so, start, start_with, words};
use super::{both, changes, is_active, said};

#[tokio::test]
async fn deltas_have_no_signature_and_are_not_kept() {
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let key = signer();
        let signed = |archive: &[u8]| {
            postern_policy::bundle::sign(archive, &key, "mine", &postern_policy::Limits::default()).unwrap()
        };
        for name in ["strict", "lax", "kept"] {
            let said = json!({ "said": "whole" }).to_string();
            let archive = bundle("w1", &[name], &[(&format!("{name}/data.json"), &said)]).unwrap();
            bundles.serve(&format!("/{name}.tar.gz"), signed(&archive));
        }
        let asking = |name: &str, signing: Json, persist: bool| {
            let mut asking = polled(&format!("{name}.tar.gz"));
            asking["persist"] = json!(persist);
            if !signing.is_null() {
                asking["signing"] = signing;
            }
            asking
        };
        let public = key.public_jwk().to_spki_pem().unwrap();
        let config = json!({
            "keys": {"mine": {"key": public, "algorithm": "ES256"}},
            "persistence_directory": folder.path(),
            "bundles": {
                "strict": asking("strict", json!({"keyid": "mine"}), false),
                "lax": asking("lax", json!({"keyid": "mine", "allow_unsigned_delta_bundles": true}), false),
                "kept": asking("kept", Json::Null, true),
            },
            "status": {"console": true},
        });
        let world = start(&program, &bundles, config).await;
        for name in ["strict", "lax", "kept"] {
            world.status(name, is_active("w1")).await;
            let operations = json!([{"op": "upsert", "path": format!("/{name}/said"), "value": "changed"}]);
            let archive = delta("w2", &[name], &operations, &[]).unwrap();
            bundles.serve(&format!("/{name}.tar.gz"), archive);
        }
        let status = world
            .status(
                "strict",
                says_so("delta bundles do not support signature verification"),
            )
            .await;
        assert_eq!(status["active_revision"], "w1");
        let status = world.status("lax", is_active("w2")).await;
        assert_eq!(status["type"], "delta");
        let status = world
            .status(
                "kept",
                says_so("persisting delta bundle to disk is not supported"),
            )
            .await;
        assert_eq!(status["active_revision"], "w1");
        // Whole ones must still be signed.
        bundles.serve("/lax.tar.gz", bundle("w3", &["lax"], &[]).unwrap());
        world
            .status("lax", says_so("bundle missing .signatures.json file"))
            .await;
    }
}

#[tokio::test]
async fn deltas_lie_in_files_and_on_the_command_line_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("rules.tar.gz"), rules("r1")).unwrap();
    std::fs::write(path("delta.tar.gz"), changes("w1", "from a file")).unwrap();
    std::fs::create_dir(path("delta")).unwrap();
    std::fs::write(
        path("delta/.manifest"),
        r#"{"revision": "w2", "roots": ["words"]}"#,
    )
    .unwrap();
    std::fs::write(
        path("delta/patch.json"),
        json!({ "data": said("from a folder") }).to_string(),
    )
    .unwrap();
    let file = |name: &str| json!({"resource": format!("file://{}", path(name))});
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        for (name, text) in [("delta.tar.gz", "from a file"), ("delta", "from a folder")] {
            let config = json!({"bundles": {"rules": file("rules.tar.gz"), "words": file(name)}, "status": {"console": true}});
            let world = start(&program, &bundles, config).await;
            world.says(text).await;
            let status = world
                .status("words", |status| status.get("active_revision").is_some())
                .await;
            assert_eq!(status["type"], "delta");
            let flags = ["--bundle".to_owned(), path("rules.tar.gz"), path(name)];
            let world = start_with(&program, &bundles, json!({}), &flags).await;
            world.says(text).await;
        }
        // Data beside it, which is found where files are read at once.
        std::fs::create_dir_all(path("beside/words")).unwrap();
        std::fs::copy(path("delta/patch.json"), path("beside/patch.json")).unwrap();
        std::fs::write(path("beside/words/data.json"), "{\"x\": 1}").unwrap();
        let said = refused(&program, &["--bundle".to_owned(), path("beside")]).await;
        assert!(
            said.contains("delta bundle expected to contain only patch file but data files found"),
            "{said}"
        );
        // And one that a key should prove.
        std::fs::write(path("key.pem"), signer().public_jwk().to_spki_pem().unwrap()).unwrap();
        let flags = [
            "--bundle".to_owned(),
            format!("--verification-key={}", path("key.pem")),
            "--signing-alg=ES256".to_owned(),
            path("delta"),
        ];
        let said = refused(&program, &flags).await;
        assert!(
            said.contains("delta bundles do not support signature verification"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn of_discovery_a_delta_is_a_bundle_with_nothing_in_it() {
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        bundles.serve("/rules.tar.gz", rules("r1"));
        bundles.serve("/words.tar.gz", words("w1", "hello"));
        let config = json!({"config": {"bundles": both(), "status": {"console": true}}});
        let whole = bundle("d1", &["config"], &[("data.json", &config.to_string())]).unwrap();
        bundles.serve("/discovery.tar.gz", whole);
        let mut discovery = polled("discovery.tar.gz");
        discovery["decision"] = json!("config");
        let world = start(&program, &bundles, json!({"discovery": discovery})).await;
        world.says("hello").await;
        let operations = json!([{"op": "upsert", "path": "config/labels", "value": {"x": "y"}}]);
        bundles.serve(
            "/discovery.tar.gz",
            delta("d2", &["config"], &operations, &[]).unwrap(),
        );
        let status = world.discovery(says_so("undefined configuration")).await;
        let told = &status["discovery"];
        assert_eq!(
            (&told["type"], &told["active_revision"]),
            (&json!("delta"), &json!("d1"))
        );
        assert_eq!(world.said().await, "hello");
    }
}
