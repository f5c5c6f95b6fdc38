//! Bundles that lie on disk: those that the configuration names there, and those that are kept there.

use postern_e2e::opa_envoy::bundle_server::BundleServer;
use serde_json::json;

use super::{polled, programs, rules, start, words};

#[tokio::test]
async fn bundles_are_read_from_files_and_folders() {
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("rules.tar.gz"), rules("r1")).unwrap();
        std::fs::create_dir_all(folder.path().join("words/words")).unwrap();
        std::fs::write(
            folder.path().join("words/.manifest"),
            r#"{"revision": "w1", "roots": ["words"]}"#,
        )
        .unwrap();
        std::fs::write(
            folder.path().join("words/words/data.json"),
            r#"{"said": "from a file"}"#,
        )
        .unwrap();
        let file = |name: &str| json!({"resource": format!("file://{}/{name}", folder.path().display())});
        let config = json!({
            "bundles": {"rules": file("rules.tar.gz"), "words": file("words"), "none": file("none.tar.gz")},
            "status": {"console": true},
        });
        let world = start(&program, &bundles, config).await;
        world.says("from a file").await;
        let status = world
            .status("none", |status| status["code"] == "bundle_error")
            .await;
        let missing = format!(
            "stat {}/none.tar.gz: no such file or directory",
            folder.path().display()
        );
        assert_eq!(status["message"], missing.as_str());
        let status = world
            .status("words", |status| status["active_revision"] == "w1")
            .await;
        assert!(status.get("size").is_none(), "{status:#}");
        let (code, _) = world.server.api("/health?bundles").await.unwrap();
        assert_eq!(code, 500);
    }
}

#[tokio::test]
async fn what_one_keeps_on_disk_another_begins_with() {
    for writer in programs() {
        let bundles = BundleServer::start().await.unwrap();
        bundles.serve("/rules.tar.gz", rules("r1"));
        bundles.serve("/words.tar.gz", words("w1", "kept"));
        let folder = tempfile::tempdir().unwrap();
        let kept = |resource: &str| {
            let mut bundle = polled(resource);
            bundle["persist"] = json!(true);
            bundle
        };
        let config = json!({
            "persistence_directory": folder.path(),
            "bundles": {"a/rules": kept("rules.tar.gz"), "words": kept("words.tar.gz")},
            "status": {"console": true},
        });
        let world = start(&writer, &bundles, config.clone()).await;
        world.says("kept").await;
        world
            .status("a/rules", |status| status["active_revision"] == "r1")
            .await;
        world
            .status("words", |status| status["active_revision"] == "w1")
            .await;
        drop(world);
        let archive = std::fs::read(folder.path().join("bundles/words/bundle.tar.gz")).unwrap();
        assert_eq!(archive, words("w1", "kept"));
        for reader in programs() {
            let nobody = BundleServer::start().await.unwrap();
            let world = start(&reader, &nobody, config.clone()).await;
            world.says("kept").await;
            let status = world.status("words", |status| status["http_code"] == 404).await;
            assert_eq!(
                (&status["active_revision"], &status["type"]),
                (&json!("w1"), &json!("snapshot"))
            );
            assert!(
                nobody
                    .asked("/words.tar.gz")
                    .iter()
                    .all(|asked| asked.get("if-none-match").is_none())
            );
            let (code, _) = world.server.api("/health?bundles").await.unwrap();
            assert_eq!(code, 200, "what is on disk makes ready");
        }
    }
}
