//! Bundles that servers have, and change.

use postern_e2e::opa_envoy::bundle_server::{BundleServer, bundle};
use serde_json::{Value as Json, json};

use super::{polled, programs, rules, says_so, start, until, words};

#[tokio::test]
async fn bundles_come_together_change_and_are_told_of() {
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        bundles.serve("/rules.tar.gz", rules("r1"));
        let config = json!({
            "bundles": {"rules": polled("rules.tar.gz"), "words": polled("/words.tar.gz")},
            "status": {"service": "s", "prometheus": true},
            "decision_logs": {"service": "s", "reporting": {"min_delay_seconds": 0, "max_delay_seconds": 1}},
        });
        let world = start(&program, &bundles, config).await;
        // One is there, and what it reads isn't: undefined, which is an error.
        let status = world.status("words", |status| status["http_code"] == 404).await;
        assert_eq!(status["message"], "server replied with Not Found");
        assert_eq!(status["code"], "bundle_error");
        world
            .status("rules", |status| status["active_revision"] == "r1")
            .await;
        assert!(world.said().await.contains("undefined"), "{}", world.said().await);
        let (code, health) = world.server.api("/health?bundles").await.unwrap();
        assert_eq!(code, 500);
        assert_eq!(health["error"], "one or more bundles are not activated: words");

        let archive = words("w1", "hello");
        let size = archive.len();
        bundles.serve("/words.tar.gz", archive);
        world.says("hello").await;
        let status = world
            .status("words", |status| status["active_revision"] == "w1")
            .await;
        assert_eq!(status["type"], "snapshot");
        assert_eq!(status["size"], size);
        assert!(
            status.get("code").is_none() && status.get("message").is_none(),
            "{status:#}"
        );
        let (code, _) = world.server.api("/health?bundles").await.unwrap();
        assert_eq!(code, 200);
        let asked = world.bundles.asked("/words.tar.gz");
        assert!(asked[0].get("if-none-match").is_none());
        let prefer = asked[0]["prefer"].to_str().unwrap();
        assert!(
            prefer.starts_with("modes=snapshot") && !prefer.contains("wait"),
            "{prefer}"
        );

        bundles.serve("/words.tar.gz", words("w2", "world"));
        world.says("world").await;
        let tag = bundles.etag("/words.tar.gz").unwrap();
        let is_asked_with = |asked: Vec<http::HeaderMap>| {
            asked
                .iter()
                .any(|headers| headers.get("if-none-match").is_some_and(|it| *it == tag.as_str()))
        };
        let asked = until(async || is_asked_with(bundles.asked("/words.tar.gz")).then_some(()));
        asked.await.expect("the tag is sent");

        // Decisions are logged with the bundles that made them.
        let is_whole = |event: &Json| {
            event["bundles"] == json!({"rules": {"revision": "r1"}, "words": {"revision": "w2"}})
        };
        let mut events = Vec::new();
        let told = until(async || {
            world.said().await;
            let posted = bundles.posted("/logs").into_iter();
            events = posted
                .flat_map(|all| all.as_array().cloned().unwrap_or_default())
                .collect();
            events.iter().any(is_whole).then_some(())
        });
        assert!(told.await.is_some(), "{events:#?}");
        let (_, metrics) = world.server.api_text("/metrics").await.unwrap();
        for line in [
            "bundle_loaded_counter{name=\"words\"} ",
            "bundle_failed_load_counter{code=\"bundle_error\",message=\"server replied with Not Found\",name=\"words\"} ",
            "last_success_bundle_activation{active_revision=\"w2\",name=\"words\"} ",
            "last_success_bundle_request{name=\"rules\"} ",
            "bundle_loading_duration_ns_count{name=\"words\",stage=\"timer_bundle_request_ns\"} ",
            "bundle_loading_duration_ns_count{name=\"rules\",stage=\"timer_rego_module_compile_ns\"} ",
            "plugin_status_gauge{name=\"bundle\",status=\"OK\"} 1",
        ] {
            assert!(metrics.contains(line), "{line} is not in\n{metrics}");
        }
    }
}

#[tokio::test]
async fn a_bad_bundle_is_refused_and_the_last_good_one_serves() {
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        bundles.serve("/rules.tar.gz", rules("r1"));
        bundles.serve("/words.tar.gz", words("w1", "hello"));
        let mut limited = polled("words.tar.gz");
        limited["size_limit_bytes"] = json!(128);
        let config = json!({"bundles": {"rules": polled("rules.tar.gz"), "words": limited}, "status": {"console": true}});
        let world = start(&program, &bundles, config).await;
        world.says("hello").await;
        // Roots of another.
        bundles.serve("/words.tar.gz", rules("stolen"));
        let status = world
            .status("words", says_so("root envoy is in multiple bundles"))
            .await;
        assert_eq!(
            (&status["code"], &status["active_revision"]),
            (&json!("bundle_error"), &json!("w1"))
        );
        // Rego that doesn't compile.
        let broken = "package envoy.authz\n\nallow := nothing(1)\n";
        bundles.serve(
            "/rules.tar.gz",
            bundle("r2", &["envoy"], &[("p.rego", broken)]).unwrap(),
        );
        let status = world
            .status("rules", says_so("error(s) occurred while compiling module(s)"))
            .await;
        assert_eq!(status["errors"][0]["code"], "rego_type_error", "{status:#}");
        assert_eq!(status["errors"][0]["message"], "undefined function nothing");
        assert_eq!(status["errors"][0]["location"]["row"], 3);
        assert_eq!(status["active_revision"], "r1");
        // A file that is larger than it may be.
        bundles.serve("/words.tar.gz", words("w2", &"long".repeat(40)));
        let status = world
            .status(
                "words",
                says_so("exceeds configured size_limit_bytes (128 bytes)"),
            )
            .await;
        assert!(
            status["message"]
                .as_str()
                .unwrap()
                .starts_with("bundle read failed: bundle file /words/data.json size")
        );
        // No archive at all.
        bundles.serve("/words.tar.gz", "nothing");
        world.status("words", says_so("archive")).await;
        assert_eq!(world.said().await, "hello");
        // And good ones again: the refusals are over.
        bundles.serve("/words.tar.gz", words("w3", "again"));
        world.says("again").await;
        let status = world
            .status("words", |status| status["active_revision"] == "w3")
            .await;
        assert!(status.get("code").is_none(), "{status:#}");
        bundles.forget("/words.tar.gz");
        world.status("words", |status| status["http_code"] == 404).await;
        assert_eq!(world.said().await, "again");
    }
}

#[tokio::test]
async fn a_server_that_holds_requests_is_asked_to() {
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        bundles.hold();
        bundles.serve("/rules.tar.gz", rules("r1"));
        bundles.serve("/words.tar.gz", words("w1", "hello"));
        let long = |resource| json!({"service": "s", "resource": resource, "polling": {"min_delay_seconds": 3600, "max_delay_seconds": 3600, "long_polling_timeout_seconds": 20}});
        let config = json!({"bundles": {"rules": long("rules.tar.gz"), "words": long("words.tar.gz")}});
        let world = start(&program, &bundles, config).await;
        world.says("hello").await;
        // Nobody would ask again within the hour: the server tells.
        bundles.serve("/words.tar.gz", words("w2", "at once"));
        world.says("at once").await;
        let asked = bundles.asked("/words.tar.gz");
        assert!(asked.len() <= 4, "{asked:#?}");
        let prefer = |headers: &http::HeaderMap| headers["prefer"].to_str().unwrap().to_owned();
        assert!(
            asked.iter().all(|headers| prefer(headers).ends_with(";wait=20")),
            "{asked:#?}"
        );
    }
}

#[tokio::test]
async fn what_is_in_force_is_what_policies_read_of_it() {
    const READS: &str = "package envoy.authz\n\nallow := {\"allowed\": true, \"headers\": {\"x-said\": said}}\n\nsaid := \
                         json.marshal([data.system.bundles.rules, object.get(data.system.bundles, \"words\", null)])\n";
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        bundles.serve(
            "/rules.tar.gz",
            bundle("r1", &["envoy"], &[("p.rego", READS)]).unwrap(),
        );
        let world = start(
            &program,
            &bundles,
            json!({"bundles": {"rules": polled("rules.tar.gz")}}),
        )
        .await;
        let tag = bundles.etag("/rules.tar.gz").unwrap();
        let wanted = json!([{"etag": tag, "manifest": {"revision": "r1", "roots": ["envoy"]}}, null]);
        world.says(&wanted.to_string()).await;
    }
}

#[tokio::test]
async fn what_was_refused_and_is_served_no_more_comes_into_force_no_more() {
    const ASKS: &str = "package envoy.authz\n\nallow := {\"allowed\": true, \"headers\": {\"x-said\": data.words.loud(1)}}\n";
    const LOUD: &str = "package words\n\nloud(x) := \"HELLO\" if x == 1\n";
    let asking = bundle("r2", &["envoy"], &[("p.rego", ASKS)]).unwrap();
    let loud = |said: &str| {
        let data = json!({ "said": said }).to_string();
        bundle(said, &["words"], &[("words/data.json", &data), ("l.rego", LOUD)]).unwrap()
    };
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        let quiet = rules("r1");
        bundles.serve("/rules.tar.gz", quiet.clone());
        bundles.serve("/words.tar.gz", words("w1", "hello"));
        let config = json!({
            "bundles": {"rules": polled("rules.tar.gz"), "words": polled("words.tar.gz")},
            "status": {"console": true},
        });
        let world = start(&program, &bundles, config).await;
        world.says("hello").await;
        bundles.serve("/rules.tar.gz", asking.clone());
        world
            .status("rules", says_so("error(s) occurred while compiling module(s)"))
            .await;
        // It is withdrawn, and what it lacks comes.
        bundles.serve("/rules.tar.gz", quiet.clone());
        world
            .status("rules", |status| status.get("message").is_none())
            .await;
        bundles.serve("/words.tar.gz", loud("w2"));
        world
            .status("words", |status| status["active_revision"] == "w2")
            .await;
        assert_eq!(world.said().await, "w2");
        let status = world.status("rules", |_| true).await;
        assert_eq!(status["active_revision"], "r1");
        // It comes again, goes into force, and is withdrawn once more.
        bundles.serve("/rules.tar.gz", asking.clone());
        world.says("HELLO").await;
        bundles.serve("/rules.tar.gz", quiet);
        world.says("w2").await;
    }
}

#[tokio::test]
async fn policy_is_told_that_plugins_are_ready_once_every_bundle_came() {
    const READY: &str = "package system.health\n\nready if input.plugins_ready\n\nwaits if input.plugin_state.bundle == \"NOT_READY\"\n";
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        let health = bundle("h1", &["system/health"], &[("h.rego", READY)]).unwrap();
        bundles.serve("/health.tar.gz", health);
        bundles.serve("/words.tar.gz", words("w1", "hello"));
        let config = json!({
            "bundles": {
                "health": polled("health.tar.gz"),
                "rules": polled("rules.tar.gz"),
                "words": polled("words.tar.gz"),
            },
            "status": {"console": true},
        });
        let world = start(&program, &bundles, config).await;
        world
            .status("health", |status| status["active_revision"] == "h1")
            .await;
        let code = async |path: &str| world.server.api(path).await.unwrap().0;
        assert_eq!(
            (code("/health/waits").await, code("/health/ready").await),
            (200, 500)
        );
        bundles.serve("/rules.tar.gz", rules("r1"));
        world.says("hello").await;
        let ready = until(async || (code("/health/ready").await == 200).then_some(()));
        ready.await.expect("it is ready");
        // For good, as in OPA, whatever comes.
        bundles.forget("/rules.tar.gz");
        world.status("rules", |status| status["http_code"] == 404).await;
        assert_eq!(
            (code("/health/waits").await, code("/health/ready").await),
            (500, 200)
        );
    }
}
