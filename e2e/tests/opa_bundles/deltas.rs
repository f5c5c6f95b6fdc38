//! Deltas: what changes of a bundle's data.

mod elsewhere;

use postern_e2e::opa_envoy::bundle_server::{BundleServer, bundle, delta};
use postern_e2e::stack::binary;
use postern_policy::BundleBuilder;
use serde_json::{Value as Json, json};

use super::{polled, programs, rules, says_so, start, until, words};

fn said(text: &str) -> Json {
    json!([{"op": "upsert", "path": "/words/said", "value": text}])
}

fn changes(revision: &str, text: &str) -> Vec<u8> {
    delta(revision, &["words"], &said(text), &[]).unwrap()
}

fn both() -> Json {
    json!({"rules": polled("rules.tar.gz"), "words": polled("words.tar.gz")})
}

fn is_active(revision: &str) -> impl Fn(&Json) -> bool {
    move |status| status["active_revision"] == revision && status.get("code").is_none()
}

async fn world(program: &std::path::Path) -> super::World {
    let bundles = BundleServer::start().await.unwrap();
    bundles.serve("/rules.tar.gz", rules("r1"));
    bundles.serve("/words.tar.gz", words("w1", "hello"));
    let config = json!({
        "bundles": both(),
        "status": {"service": "s", "prometheus": true},
        "decision_logs": {"service": "s", "reporting": {"min_delay_seconds": 0, "max_delay_seconds": 1}},
    });
    let world = start(program, &bundles, config).await;
    world.says("hello").await;
    world
}

#[tokio::test]
async fn data_is_changed_by_deltas_and_told_of() {
    for program in programs() {
        let world = world(&program).await;
        let asked = &world.bundles.asked("/words.tar.gz")[0];
        assert_eq!(asked["prefer"], "modes=snapshot,delta");
        let archive = changes("w2", "changed");
        let size = archive.len();
        world.bundles.serve("/words.tar.gz", archive);
        world.says("changed").await;
        let status = world.status("words", is_active("w2")).await;
        assert_eq!(
            (&status["type"], &status["size"]),
            (&json!("delta"), &json!(size))
        );
        let tag = world.bundles.etag("/words.tar.gz").unwrap();
        let sent = until(async || {
            let asked = world.bundles.asked("/words.tar.gz");
            let mut tags = asked.iter().filter_map(|headers| headers.get("if-none-match"));
            tags.any(|sent| *sent == tag.as_str()).then_some(())
        });
        sent.await.expect("the delta's tag is sent");
        // One upon the other; the same revision is another policy, too.
        for text in ["again", "and again"] {
            world.bundles.serve("/words.tar.gz", changes("w2", text));
            world.says(text).await;
        }
        let several = json!([
            {"op": "upsert", "path": "words/deep/er/list", "value": ["a"]},
            {"op": "upsert", "path": "/words/deep/er/list/-", "value": "b"},
            {"op": "replace", "path": "/words/said/", "value": "last"},
        ]);
        world
            .bundles
            .serve("/words.tar.gz", delta("w3", &["words"], &several, &[]).unwrap());
        world.says("last").await;
        let is_whole = |event: &Json| {
            event["bundles"] == json!({"rules": {"revision": "r1"}, "words": {"revision": "w3"}})
        };
        let told = until(async || {
            world.said().await;
            let posted = world.bundles.posted("/logs").into_iter();
            let mut events = posted.flat_map(|all| all.as_array().cloned().unwrap_or_default());
            events.any(|event| is_whole(&event)).then_some(())
        });
        told.await
            .expect("decisions are logged with the delta's revision");
        let (_, metrics) = world.server.api_text("/metrics").await.unwrap();
        let line = "last_success_bundle_activation{active_revision=\"w3\",name=\"words\"} ";
        assert!(metrics.contains(line), "{metrics}");
        // And a whole bundle takes the place of all that.
        world.bundles.serve("/words.tar.gz", words("w4", "whole"));
        world.says("whole").await;
        let status = world.status("words", is_active("w4")).await;
        assert_eq!(status["type"], "snapshot");
    }
}

#[tokio::test]
async fn a_bad_delta_is_refused_and_the_last_good_one_serves() {
    let on = |roots: &[&str], operations: Json, beside: &[(&str, &str)]| {
        delta("bad", roots, &operations, beside).unwrap()
    };
    let upsert = |path: &str| json!([{"op": "upsert", "path": path, "value": 1}]);
    let only_patch = "delta bundle expected to contain only patch file but";
    let cases = [
        (
            on(&["words", "more"], said("no"), &[]),
            "delta bundle 'words' has wasm resolvers or manifest roots that are different from those in the store"
                .to_owned(),
        ),
        (on(&["envoy"], upsert("envoy/x"), &[]), "root envoy is in multiple bundles".to_owned()),
        (
            on(&["words"], upsert("/other/x/"), &[]),
            "manifest roots [words] do not permit data patch at path 'other/x'".to_owned(),
        ),
        (on(&["words"], json!([{"op": "add", "path": "words/x"}]), &[]), "bad patch operation: add".to_owned()),
        (on(&["words"], upsert("words/%zz"), &[]), "error parsing patch path".to_owned()),
        (
            on(&["words"], json!([{"op": "upsert", "path": "words/said", "value": "half"}, {"op": "remove", "path": "words/none"}]), &[]),
            "storage_not_found_error: document does not exist".to_owned(),
        ),
        // What a delta adds can't be removed by itself.
        (
            on(&["words"], json!([{"op": "upsert", "path": "words/new", "value": 1}, {"op": "remove", "path": "words/new"}]), &[]),
            "storage_not_found_error: document does not exist".to_owned(),
        ),
        (on(&["words"], upsert("words/said/x/y"), &[]), "storage_write_conflict_error: /words/said".to_owned()),
        (on(&["words"], said("no"), &[("p.rego", "package words")]), format!("{only_patch} policy files found")),
        (on(&["words"], said("no"), &[("policy.wasm", "")]), format!("{only_patch} wasm files found")),
        (on(&["words"], json!([{"op": 1}]), &[]), "bundle load failed on patch decode: ".to_owned()),
    ];
    for program in programs() {
        let world = world(&program).await;
        world.bundles.serve("/words.tar.gz", changes("w2", "good"));
        world.says("good").await;
        let tag = world.bundles.etag("/words.tar.gz").unwrap();
        for (archive, why) in &cases {
            world.bundles.serve("/words.tar.gz", archive.clone());
            let status = world.status("words", says_so(why)).await;
            assert_eq!(
                (&status["code"], &status["active_revision"]),
                (&json!("bundle_error"), &json!("w2")),
                "{why}"
            );
            assert_eq!(world.said().await, "good", "{why}");
        }
        // What is in force is told to the server all the while.
        let asked = world.bundles.asked("/words.tar.gz");
        assert_eq!(asked.last().unwrap()["if-none-match"], tag.as_str());
        world.bundles.serve("/words.tar.gz", changes("w3", "better"));
        world.says("better").await;
        world.status("words", is_active("w3")).await;
    }
}

/// OPA finds it where it reads files at once, and passes over it where a bundle comes over HTTP.
#[tokio::test]
async fn data_beside_a_patch_is_refused() {
    for program in programs() {
        let world = world(&program).await;
        let beside = [("words/data.json", "{\"x\": 1}")];
        let archive = delta("w2", &["words"], &said("changed"), &beside).unwrap();
        world.bundles.serve("/words.tar.gz", archive);
        if program != binary("postern-sidecar") {
            world.says("changed").await;
            continue;
        }
        let found = "delta bundle expected to contain only patch file but data files found";
        let status = world.status("words", says_so(found)).await;
        assert_eq!(status["active_revision"], "w1");
    }
}

/// OPA leaves what it changed within an array.
#[tokio::test]
async fn nothing_of_a_refused_delta_is_in_force() {
    const FIRST: &str = "package envoy.authz\n\nallow := {\"allowed\": true, \"headers\": {\"x-said\": data.words.list[0].said}}\n";
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        bundles.serve(
            "/rules.tar.gz",
            bundle("r1", &["envoy"], &[("p.rego", FIRST)]).unwrap(),
        );
        let list = [("words/data.json", "{\"list\": [{\"said\": \"hello\"}]}")];
        bundles.serve("/words.tar.gz", bundle("w1", &["words"], &list).unwrap());
        let config = json!({"bundles": both(), "status": {"console": true}});
        let world = start(&program, &bundles, config).await;
        world.says("hello").await;
        let fails = json!([
            {"op": "upsert", "path": "words/list/-", "value": {}},
            {"op": "replace", "path": "words/list/0/said", "value": "half"},
            {"op": "remove", "path": "words/none"},
        ]);
        bundles.serve("/words.tar.gz", delta("w2", &["words"], &fails, &[]).unwrap());
        world.status("words", says_so("document does not exist")).await;
        let said = world.said().await;
        let is_ours = program == binary("postern-sidecar");
        assert_eq!(said, if is_ours { "hello" } else { "half" });
    }
}

#[tokio::test]
async fn a_rule_and_data_of_a_delta_are_not_at_one_place() {
    const RULE: &str = "package words\n\nloud := upper(data.words.said)\n";
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        bundles.serve("/rules.tar.gz", rules("r1"));
        let files = [("p.rego", RULE), ("words/data.json", "{\"said\": \"hello\"}")];
        bundles.serve("/words.tar.gz", bundle("w1", &["words"], &files).unwrap());
        let config = json!({"bundles": both(), "status": {"console": true}});
        let world = start(&program, &bundles, config).await;
        world.says("hello").await;
        let at_rule = json!([{"op": "upsert", "path": "words/loud", "value": 1}]);
        bundles.serve("/words.tar.gz", delta("w2", &["words"], &at_rule, &[]).unwrap());
        let status = world.status("words", |status| status.get("code").is_some()).await;
        let told = status.to_string();
        assert!(
            told.contains("conflicting rule for data path words/loud found"),
            "{told}"
        );
        assert_eq!(world.said().await, "hello");
        // What is told of the rules follows the data.
        bundles.serve("/words.tar.gz", changes("w3", "world"));
        world.says("world").await;
    }
}

#[tokio::test]
async fn deltas_come_where_nothing_was_before_them() {
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        bundles.serve("/rules.tar.gz", rules("r1"));
        bundles.serve("/words.tar.gz", changes("w1", "out of nothing"));
        let config = json!({"bundles": both(), "status": {"console": true}});
        let world = start(&program, &bundles, config).await;
        world.says("out of nothing").await;
        let status = world.status("words", is_active("w1")).await;
        assert_eq!(status["type"], "delta");
        let (code, _) = world.server.api("/health?bundles").await.unwrap();
        assert_eq!(code, 200);
        // Now there are roots that must be the same.
        bundles.serve(
            "/words.tar.gz",
            delta("w2", &["words", "x"], &said("no"), &[]).unwrap(),
        );
        world
            .status("words", says_so("are different from those in the store"))
            .await;
        bundles.serve("/words.tar.gz", changes("w3", "something"));
        world.says("something").await;
    }
}

#[tokio::test]
async fn what_is_in_force_is_told_to_policies_as_the_delta_says_it() {
    const READS: &str = "package envoy.authz\n\nallow := {\"allowed\": true, \"headers\": {\"x-said\": said}}\n\nsaid := \
                         json.marshal([data.words, data.system.bundles.all])\n";
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        let files = [
            ("p.rego", READS),
            ("words/data.json", "{\"n\": 1.50, \"list\": [1, [2]]}"),
        ];
        bundles.serve("/all.tar.gz", bundle("a1", &[""], &files).unwrap());
        let config = json!({"bundles": {"all": polled("all.tar.gz")}, "status": {"console": true}});
        let world = start(&program, &bundles, config).await;
        world.status("all", is_active("a1")).await;
        // The element that comes first moves the others, and not the change that was made before it.
        let operations = r#"{"data": [
            {"op": "upsert", "path": "/words/more/of~1it", "value": {"m": 1.0}},
            {"op": "replace", "path": "words/list/1/0", "value": "two"},
            {"op": "upsert", "path": "words/list/0", "value": 0}]}"#;
        let changed = BundleBuilder::new("a2").metadata("n", json!(2.5));
        let changed = changed.file("patch.json", operations);
        bundles.serve("/all.tar.gz", changed.build_unread().unwrap());
        let tag = bundles.etag("/all.tar.gz").unwrap();
        let told = serde_json::to_string(&tag).unwrap();
        world
            .says(&format!(
                r#"[{{"list":[0,["two"],[2]],"more":{{"of/it":{{"m":1.0}}}},"n":1.50}},{{"etag":{told},"manifest":{{"metadata":{{"n":2.5}},"revision":"a2","roots":[""]}}}}]"#
            ))
            .await;
    }
}

/// An empty list of operations makes a whole bundle, whose signature and data count.
#[tokio::test]
async fn a_patch_without_operations_is_none() {
    for program in programs() {
        let world = world(&program).await;
        let files = [
            ("patch.json", "{\"data\": []}"),
            ("words/data.json", "{\"said\": \"whole\"}"),
        ];
        world.bundles.serve("/words.tar.gz", bundle_unread("w2", &files));
        world.says("whole").await;
        let status = world.status("words", is_active("w2")).await;
        assert_eq!(status["type"], "snapshot");
    }
}

fn bundle_unread(revision: &str, files: &[(&str, &str)]) -> Vec<u8> {
    let builder = BundleBuilder::new(revision).roots(["words"]);
    let all = files.iter();
    let builder = all.fold(builder, |builder, (path, text)| builder.file(*path, *text));
    builder.build_unread().unwrap()
}
