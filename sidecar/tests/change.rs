//! What changes while requests flow: policy and keys are swapped whole, bad ones are refused, the last good ones serve on.

#[cfg(test)]
mod world;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use postern_jose::{Algorithm, LocalSigner};
use serde_json::json;
use world::{Client, World, demo_plan, eventually, signed_bundle, strict_plan, token};

const SOON: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_policy_decides_within_a_second_while_requests_flow_and_none_fails() {
    let world = World::new().await;
    let sidecar = world.config().start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    let reader = world.token("orders:read");
    let stop = Arc::new(AtomicBool::new(false));
    let flows: Vec<_> = (0..4)
        .map(|_| {
            let (client, reader, stop) = (client.clone(), reader.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut seen = BTreeSet::new();
                while !stop.load(Ordering::Relaxed) {
                    seen.insert(client.get("/orders", &reader).await.status);
                }
                seen
            })
        })
        .collect();

    world.origin.serve_bundle(world.bundle("r2", &strict_plan()));
    eventually(Duration::from_secs(1), "the new policy decides", || async {
        client.get("/orders", &reader).await.status == 403
    })
    .await;
    world.origin.serve_bundle(world.bundle("r3", &demo_plan()));
    eventually(Duration::from_secs(1), "the old rules are back", || async {
        client.get("/orders", &reader).await.status == 200
    })
    .await;
    stop.store(true, Ordering::Relaxed);
    for flow in flows {
        assert_eq!(flow.await.unwrap(), BTreeSet::from([200, 403]));
    }
    assert_eq!(sidecar.snapshot().await["bundle"]["revision"], "r3");
}

#[tokio::test]
async fn a_server_that_let_go_of_a_request_is_asked_to_hold_the_next() {
    let world = World::new().await;
    let mut config = world.config();
    config.document["policy"]["poll_seconds"] = json!(1);
    let sidecar = config.start_ready().await;
    for _ in 0..2 {
        eventually(SOON, "held", || async { world.origin.holds() }).await;
        world.origin.let_go();
        eventually(SOON, "answered", || async { !world.origin.holds() }).await;
    }
    assert_eq!(sidecar.readyz().await.0, 200);
}

#[tokio::test]
async fn a_bundle_that_cannot_be_trusted_or_run_is_refused_and_the_last_good_one_serves() {
    let world = World::new().await;
    let sidecar = world.config().start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    let reader = world.token("orders:read");
    let stranger = LocalSigner::generate(Algorithm::ES256).unwrap();
    let unsigned = postern_policy::BundleBuilder::new("bad")
        .plan(strict_plan())
        .build()
        .unwrap();
    let mut changed = world.bundle("bad", &strict_plan());
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    for (bad, why) in [
        (unsigned, "no signature"),
        (signed_bundle(&stranger, "bad", &strict_plan()), "signature"),
        (changed, ""),
        (b"not a bundle".to_vec(), "archive"),
        (world.bundle("bad", "{}"), "plan"),
        (
            world.bundle(
                "bad",
                &demo_plan().replace("orders/authz/decision", "orders/authz/other"),
            ),
            "entrypoint",
        ),
    ] {
        let before = sidecar.snapshot().await["bundle"]["error"].clone();
        let bodies = world.origin.bundle_bodies();
        world.origin.serve_bundle(bad);
        eventually(SOON, why, || async {
            let bundle = sidecar.snapshot().await["bundle"].take();
            bundle["error"] != before && bundle["error"].as_str().is_some_and(|error| error.contains(why))
        })
        .await;
        let bundle = sidecar.snapshot().await["bundle"].take();
        assert_eq!(
            (&bundle["revision"], bundle["error_at"].is_u64()),
            (&json!("r1"), true),
            "{bundle}"
        );
        assert_eq!(client.get("/orders", &reader).await.status, 200);
        assert_eq!(sidecar.readyz().await.0, 200);
        assert_eq!(
            world.origin.bundle_bodies(),
            bodies + 1,
            "a refused bundle is fetched once"
        );
    }
    assert!(
        sidecar
            .metrics()
            .await
            .contains("postern_bundle_refused{bundle=\"demo\"} 1")
    );
    world.origin.serve_bundle(world.bundle("r2", &demo_plan()));
    eventually(SOON, "a good one ends the trouble", || async {
        let bundle = sidecar.snapshot().await["bundle"].take();
        bundle["revision"] == "r2" && bundle["error"].is_null()
    })
    .await;
}

#[tokio::test]
async fn a_new_key_is_found_by_the_first_token_that_names_it_and_a_removed_one_ends() {
    let world = World::new().await;
    let sidecar = world.config().start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    let old = world.token("orders:read");
    assert_eq!(client.get("/orders", &old).await.status, 200);

    let next = LocalSigner::generate(Algorithm::ES256).unwrap();
    let new = token(&next, &json!({ "scope": "orders:read" }));
    world.origin.serve_keys([&next]);
    assert_eq!(
        client.get("/orders", &new).await.status,
        401,
        "an unknown key is refused at once"
    );
    eventually(SOON, "the new key", || async {
        client.get("/orders", &new).await.status == 200
    })
    .await;
    assert_eq!(
        client.get("/orders", &old).await.status,
        401,
        "a token verified before, whose key is gone"
    );
}

#[tokio::test]
async fn where_the_issuer_is_waited_for_the_first_token_of_a_new_key_is_accepted() {
    let world = World::new().await;
    let mut config = world.config();
    config.document["issuers"][0]["on_unknown_kid"] = json!({ "wait_ms": 400 });
    let sidecar = config.start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    let next = LocalSigner::generate(Algorithm::ES256).unwrap();
    world.origin.serve_keys([&world.issuer, &next]);
    // The fetch at the start is followed by a cooldown of the real process's clock, longer than anybody waits.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let of_next = token(&next, &json!({ "scope": "orders:read" }));
    assert_eq!(client.get("/orders", &of_next).await.status, 200);

    // One that comes under no key is refused after the wait, and holds up nobody meanwhile.
    let unknown = LocalSigner::generate(Algorithm::ES256).unwrap();
    let of_unknown = token(&unknown, &json!({ "scope": "orders:read" }));
    let (refused, other) = tokio::join!(
        client.get("/orders", &of_unknown),
        tokio::time::timeout(Duration::from_millis(200), client.get("/orders", &of_next)),
    );
    assert_eq!((refused.status, other.unwrap().status), (401, 200));
}

#[tokio::test]
async fn an_oversized_bundle_is_refused_and_fetched_once() {
    let world = World::new().await;
    world.origin.be_plain();
    let mut config = world.config();
    config.document["policy"]["poll_seconds"] = json!(1);
    let sidecar = config.start_ready().await;
    let bodies = world.origin.bundle_bodies();
    world.origin.serve_bundle(vec![0; 33 << 20]);
    eventually(SOON, "refused", || async {
        let error = sidecar.snapshot().await["bundle"]["error"].take();
        error.as_str().is_some_and(|error| error.contains("larger"))
    })
    .await;
    // Two rounds later, each of which would have fetched it again had it not been noted as seen.
    let unmodified = world.origin.bundle_unmodified();
    eventually(SOON, "two more polls", || async {
        world.origin.bundle_unmodified() >= unmodified + 2
    })
    .await;
    assert_eq!(world.origin.bundle_bodies(), bodies + 1);
    assert_eq!(sidecar.snapshot().await["bundle"]["revision"], "r1");
}

#[tokio::test]
async fn a_key_set_that_cannot_be_trusted_leaves_the_last_good_one() {
    let world = World::new().await;
    let mut config = world.config();
    config.document["issuers"][0]["refresh_seconds"] = json!(1);
    let sidecar = config.start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    let leaked = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}]}"#;
    for bad in ["not keys", leaked] {
        let before = sidecar.snapshot().await["issuers"][0]["error"].clone();
        world.origin.serve_raw_keys(bad);
        eventually(SOON, bad, || async {
            let error = sidecar.snapshot().await["issuers"][0]["error"].take();
            error.is_string() && error != before
        })
        .await;
        assert_eq!(
            client.get("/orders", &world.token("orders:read")).await.status,
            200
        );
    }
}

/// A plain web server may have no ETag; the same bundle at each poll is no news.
#[tokio::test]
async fn a_bundle_that_comes_again_without_a_tag_is_put_into_force_once() {
    let world = World::new().await;
    world.origin.send_no_tags();
    world.origin.be_plain();
    let mut config = world.config();
    config.document["policy"]["poll_seconds"] = json!(1);
    let sidecar = config.start_ready().await;
    let in_force = |revision: &str| {
        let told = |line: &serde_json::Value| {
            let text = line.to_string();
            text.contains("policy is in force") && text.contains(revision)
        };
        sidecar.log().iter().filter(|line| told(line)).count()
    };
    let again = async |times: usize| {
        let bodies = world.origin.bundle_bodies() + times;
        eventually(SOON * 2, "polled again", || async {
            world.origin.bundle_bodies() >= bodies
        })
        .await;
    };
    again(3).await;
    assert_eq!(in_force("r1"), 1);
    let activated_at = sidecar.snapshot().await["bundle"]["activated_at"].clone();

    // What comes instead of a refused one ends the refusal, also where it is what serves.
    world.origin.serve_bundle(b"no bundle".to_vec());
    eventually(SOON, "refused", || async {
        sidecar.snapshot().await["bundle"]["error"].is_string()
    })
    .await;
    world.origin.serve_bundle(world.bundle("r2", &strict_plan()));
    eventually(SOON, "replaced", || async {
        sidecar.snapshot().await["bundle"]["revision"] == "r2"
    })
    .await;
    again(2).await;
    assert_eq!((in_force("r1"), in_force("r2")), (1, 1));
    assert_ne!(activated_at, json!(null));
    assert_eq!(sidecar.snapshot().await["bundle"]["error"], json!(null));
}
