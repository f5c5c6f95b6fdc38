//! Configuration that comes as a bundle.

use postern_e2e::opa_envoy::bundle_server::{BundleServer, bundle};
use postern_e2e::stack::binary;
use postern_policy::Limits;
use serde_json::{Value as Json, json};

use super::proved::signer;
use super::{polled, programs, rules, says_so, start, until, words};

const RESOURCE: &str = "/discovery.tar.gz";

/// A discovery bundle whose data is `config`.
fn discovery(revision: &str, config: &Json) -> Vec<u8> {
    bundle(revision, &[""], &[("data.json", &config.to_string())]).unwrap()
}

/// What the process starts with.
fn boot() -> Json {
    json!({"discovery": polled(RESOURCE)})
}

fn discovered() -> Json {
    json!({
        "bundles": {"rules": polled("rules.tar.gz"), "words": polled("words.tar.gz")},
        "status": {"console": true, "prometheus": true},
        "labels": {"region": "here"},
    })
}

fn served(bundles: &BundleServer) {
    bundles.serve("/rules.tar.gz", rules("r1"));
    bundles.serve("/words.tar.gz", words("w1", "hello"));
}

fn is_in_force(revision: &str) -> impl Fn(&Json) -> bool {
    move |status| status["active_revision"] == revision && status.get("code").is_none()
}

#[tokio::test]
async fn a_process_begins_with_the_configuration_that_it_discovers() {
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        served(&bundles);
        let archive = discovery("d1", &discovered());
        let size = archive.len();
        bundles.serve(RESOURCE, archive);
        let world = start(&program, &bundles, boot()).await;
        world.says("hello").await;
        let status = world.discovery(is_in_force("d1")).await;
        let told = &status["discovery"];
        assert_eq!(
            (&told["name"], &told["type"], &told["size"]),
            (&json!("discovery"), &json!("snapshot"), &json!(size))
        );
        assert_eq!(status["labels"]["region"], "here");
        assert_eq!(status["plugins"]["discovery"]["state"], "OK");
        for path in ["/health?bundles", "/health?plugins"] {
            let healthy = until(async || {
                let (code, _) = world.server.api(path).await.unwrap();
                (code == 200).then_some(())
            });
            assert!(healthy.await.is_some(), "{path}");
        }
        let (_, metrics) = world.server.api_text("/metrics").await.unwrap();
        let line = "plugin_status_gauge{name=\"discovery\",status=\"OK\"} 1";
        assert!(metrics.contains(line), "{metrics}");
        let tag = bundles.etag(RESOURCE).unwrap();
        let asked = until(async || {
            let asked = bundles.asked(RESOURCE);
            let mut tags = asked.iter().filter_map(|headers| headers.get("if-none-match"));
            tags.any(|sent| *sent == tag.as_str()).then_some(())
        });
        asked.await.expect("the tag is sent");
    }
}

#[tokio::test]
async fn rego_may_say_the_configuration() {
    const REGO: &str = "package config.of\n\nall := {\"bundles\": {name: b | some name, b in data.known}, \"status\": {\"console\": true}, \
                        \"labels\": {\"asked\": opa.runtime().config.labels.asked}}\n";
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        served(&bundles);
        let known = json!({"rules": polled("rules.tar.gz"), "words": polled("words.tar.gz")});
        let files = [("p.rego", REGO), ("known/data.json", &known.to_string())];
        bundles.serve(RESOURCE, bundle("d1", &["config", "known"], &files).unwrap());
        let mut boot = boot();
        boot["discovery"]["decision"] = json!("/config/of/all");
        boot["labels"] = json!({"asked": "twice"});
        let world = start(&program, &bundles, boot).await;
        world.says("hello").await;
        let status = world.discovery(is_in_force("d1")).await;
        assert_eq!(status["labels"]["asked"], "twice");
        // Nothing where the decision should be, and Rego that doesn't compile.
        bundles.serve(RESOURCE, bundle("d2", &["known"], &files[1..]).unwrap());
        let status = world.discovery(says_so("undefined configuration")).await;
        assert_eq!(status["discovery"]["code"], "bundle_error");
        let broken = [("p.rego", "package config.of\n\nall := nothing(1)\n")];
        bundles.serve(RESOURCE, bundle("d3", &["config"], &broken).unwrap());
        let is_told = |status: &Json| status["errors"][0]["message"] == "undefined function nothing";
        let status = world.discovery(is_told).await;
        assert_eq!(status["discovery"]["active_revision"], "d1");
        assert_eq!(world.said().await, "hello");
    }
}

#[tokio::test]
async fn what_the_process_starts_with_serves_until_more_is_discovered() {
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        served(&bundles);
        let mut boot = boot();
        boot["bundles"] = json!({"rules": polled("rules.tar.gz"), "words": polled("words.tar.gz")});
        boot["status"] = json!({"console": true});
        boot["labels"] = json!({"region": "boot"});
        let world = start(&program, &bundles, boot).await;
        world.says("hello").await;
        let status = world.discovery(|status| status["http_code"] == 404).await;
        assert_eq!(status["discovery"]["message"], "server replied with Not Found");
        assert_eq!(status["plugins"]["discovery"]["state"], "NOT_READY");
        for path in ["/health?bundles", "/health?plugins"] {
            assert_eq!(world.server.api(path).await.unwrap().0, 500, "{path}");
        }
        let more = json!({
            "labels": {"region": "discovered", "zone": "z"},
            "decision_logs": {"service": "s", "reporting": {"min_delay_seconds": 0, "max_delay_seconds": 1}},
        });
        bundles.serve(RESOURCE, discovery("d1", &more));
        let status = world.discovery(|status| status["active_revision"] == "d1").await;
        assert_eq!(
            status["discovery"]["message"],
            "Keys in the discovered configuration overridden by boot configuration: labels.region"
        );
        assert_eq!(
            (&status["labels"]["region"], &status["labels"]["zone"]),
            (&json!("boot"), &json!("z"))
        );
        assert_eq!(status["plugins"]["discovery"]["state"], "OK");
        let is_logged = until(async || {
            world.said().await;
            let posted = bundles.posted("/logs");
            let mut events = posted.iter().filter_map(Json::as_array).flatten();
            events.any(|event| event["labels"]["zone"] == "z").then_some(())
        });
        assert!(is_logged.await.is_some(), "{}", world.logged());
    }
}

#[tokio::test]
async fn a_bad_configuration_is_refused_and_the_last_good_one_goes_on() {
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        served(&bundles);
        bundles.serve(RESOURCE, discovery("d1", &discovered()));
        let world = start(&program, &bundles, boot()).await;
        world.says("hello").await;
        let mut other = discovered();
        other["services"] = json!({"s": {"url": "http://127.0.0.1:1"}});
        bundles.serve(RESOURCE, discovery("d2", &other));
        let refused = says_so("updates to the discovery service are not allowed");
        let status = world.discovery(refused).await;
        assert_eq!(
            (
                &status["discovery"]["code"],
                &status["discovery"]["active_revision"]
            ),
            (&json!("bundle_error"), &json!("d1"))
        );
        let mut other = discovered();
        other["bundles"]["more"] = json!({"service": "nobody", "resource": "x"});
        bundles.serve(RESOURCE, discovery("d3", &other));
        world.discovery(says_so("nobody")).await;
        bundles.serve(RESOURCE, "nothing");
        world.discovery(says_so("archive")).await;
        bundles.forget(RESOURCE);
        world.discovery(|status| status["http_code"] == 404).await;
        assert_eq!(world.said().await, "hello");
        bundles.serve(RESOURCE, discovery("d1", &discovered()));
        world.discovery(is_in_force("d1")).await;
        assert_eq!(world.said().await, "hello");
    }
}

#[tokio::test]
async fn a_later_configuration_changes_bundles_services_logs_and_status() {
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        let others = BundleServer::start().await.unwrap();
        served(&bundles);
        others.serve("/words2.tar.gz", words("w2", "from another service"));
        bundles.serve(RESOURCE, discovery("d1", &discovered()));
        let world = start(&program, &bundles, boot()).await;
        world.says("hello").await;
        let mut other = discovered();
        other["services"] = json!({"t": {"url": others.url()}});
        other["bundles"]["words"] = polled("words2.tar.gz");
        other["bundles"]["words"]["service"] = json!("t");
        other["status"]["service"] = json!("t");
        other["decision_logs"] =
            json!({"service": "t", "reporting": {"min_delay_seconds": 0, "max_delay_seconds": 1}});
        bundles.serve(RESOURCE, discovery("d2", &other));
        world.says("from another service").await;
        world.discovery(is_in_force("d2")).await;
        let told = until(async || {
            world.said().await;
            let is_told = others
                .posted("/status")
                .iter()
                .any(|told| told["discovery"]["active_revision"] == "d2");
            (is_told && !others.posted("/logs").is_empty()).then_some(())
        });
        assert!(told.await.is_some(), "{}", world.logged());
        // To other places again.
        other["status"]["service"] = json!("s");
        other["decision_logs"]["service"] = json!("s");
        bundles.serve(RESOURCE, discovery("d3", &other));
        let told = until(async || {
            world.said().await;
            let is_told = bundles
                .posted("/status")
                .iter()
                .any(|told| told["discovery"]["active_revision"] == "d3");
            (is_told && !bundles.posted("/logs").is_empty()).then_some(())
        });
        assert!(told.await.is_some(), "{}", world.logged());
        assert_eq!(world.said().await, "from another service");
    }
}

/// The plugin takes a bundle out, goes on with what is no longer configured, and asks for another decision at once.
#[tokio::test]
async fn what_only_a_restart_changes_is_refused_by_its_key() {
    let bundles = BundleServer::start().await.unwrap();
    served(&bundles);
    bundles.serve(RESOURCE, discovery("d1", &discovered()));
    let world = start(&binary("postern-sidecar"), &bundles, boot()).await;
    world.says("hello").await;
    let mut other = discovered();
    other["bundles"].as_object_mut().unwrap().remove("words");
    bundles.serve(RESOURCE, discovery("d2", &other));
    world
        .discovery(says_so(
            "bundles.words: a bundle can't be taken out while this process runs",
        ))
        .await;
    let mut other = discovered();
    other["plugins"] = json!({"envoy_ext_authz_grpc": {"dry-run": true}});
    bundles.serve(RESOURCE, discovery("d3", &other));
    world
        .discovery(says_so("plugins.envoy_ext_authz_grpc: can't be changed"))
        .await;
    assert_eq!(world.said().await, "hello");
    bundles.serve(RESOURCE, discovery("d4", &discovered()));
    world.discovery(is_in_force("d4")).await;
}

#[tokio::test]
async fn the_configuration_that_is_kept_on_disk_is_begun_with() {
    for writer in programs() {
        let bundles = BundleServer::start().await.unwrap();
        served(&bundles);
        bundles.serve(RESOURCE, discovery("d1", &discovered()));
        let folder = tempfile::tempdir().unwrap();
        let mut boot = boot();
        boot["discovery"]["persist"] = json!(true);
        boot["persistence_directory"] = json!(folder.path());
        let world = start(&writer, &bundles, boot.clone()).await;
        world.says("hello").await;
        world.discovery(is_in_force("d1")).await;
        drop(world);
        let archive = std::fs::read(folder.path().join("bundles/discovery/bundle.tar.gz")).unwrap();
        assert_eq!(archive, discovery("d1", &discovered()));
        bundles.forget(RESOURCE);
        for reader in programs() {
            let world = start(&reader, &bundles, boot.clone()).await;
            world.says("hello").await;
            let status = world.discovery(|status| status["http_code"] == 404).await;
            assert_eq!(status["discovery"]["active_revision"], "d1");
            assert_eq!(status["plugins"]["discovery"]["state"], "OK");
        }
    }
}

#[tokio::test]
async fn a_configuration_is_waited_for_and_proved() {
    for program in programs() {
        let bundles = BundleServer::start().await.unwrap();
        served(&bundles);
        let mine = signer();
        let mut boot = boot();
        boot["keys"] =
            json!({"mine": {"key": mine.public_jwk().to_spki_pem().unwrap(), "algorithm": "ES256"}});
        boot["discovery"]["signing"] = json!({"keyid": "mine"});
        let sign = |archive: &[u8]| {
            postern_policy::bundle::sign(archive, &mine, "mine", &Limits::default()).unwrap()
        };
        let later = async {
            let asked = until(async || (!bundles.asked(RESOURCE).is_empty()).then_some(()));
            asked.await.expect("it is asked for");
            bundles.serve(RESOURCE, sign(&discovery("d1", &discovered())));
        };
        let (world, ()) = tokio::join!(start(&program, &bundles, boot), later);
        world.says("hello").await;
        world.discovery(is_in_force("d1")).await;
        bundles.serve(RESOURCE, discovery("d2", &discovered()));
        let status = world
            .discovery(says_so("bundle missing .signatures.json file"))
            .await;
        assert_eq!(status["discovery"]["active_revision"], "d1");
        let mut other = discovered();
        other["keys"] = json!({"mine": {"key": "another", "algorithm": "HS256"}});
        bundles.serve(RESOURCE, sign(&discovery("d3", &other)));
        let refused = says_so("updates to keys specified in the boot configuration are not allowed");
        world.discovery(refused).await;
    }
}
