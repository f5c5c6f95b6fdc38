//! Bundles with Rego and no plan: compiled by OPA where one is configured, kept, refused elsewhere.

#[cfg(test)]
#[path = "../../common/compiler/tests/support/pinned_opa.rs"]
mod pinned_opa;
#[cfg(test)]
mod world;

use std::path::Path;
use std::time::Duration;

#[cfg(test)]
use helpers::{lines, rego_bundle};
use postern_policy::{BundleBuilder, Limits, bundle};
use serde_json::json;
use world::{Client, World, eventually};

const READ: &str = "package orders.authz\n\ndecision := {\"allowed\": data.system.bundles.demo.manifest.revision == \"r1\"}\n";

#[cfg(test)]
mod helpers {
    use super::*;

    pub(super) fn rego_bundle(world: &World, revision: &str, rego: &str) -> Vec<u8> {
        let archive = BundleBuilder::new(revision)
            .file("orders.rego", rego)
            .build()
            .unwrap();
        bundle::sign(&archive, &world.author, "author", &Limits::default()).unwrap()
    }

    pub(super) fn lines(file: &Path) -> usize {
        std::fs::read_to_string(file).unwrap_or_default().lines().count()
    }
}

#[tokio::test]
async fn a_bundle_without_a_plan_is_compiled_once_and_serves_after_a_restart_without_anybody() {
    let world = World::new().await;
    let (opa, runs) = pinned_opa::counting(world.folder.path());
    world.origin.serve_bundle(rego_bundle(&world, "r1", READ));
    let mut config = world.config();
    config.document["policy"]["opa"] = json!(opa);
    let sidecar = config.start_ready().await.settled().await;
    let reader = world.token("orders:read");
    let status = async |sidecar: &world::sidecar::Sidecar| {
        Client::over_unix(&sidecar.config)
            .await
            .get("/orders", &reader)
            .await
            .status
    };
    assert_eq!(status(&sidecar).await, 200);
    assert_eq!(lines(&runs), 1);

    // One that doesn't compile leaves it in force, and says where.
    world.origin.serve_bundle(rego_bundle(
        &world,
        "r2",
        "package orders.authz\n\ndecision := x\n",
    ));
    eventually(Duration::from_secs(20), "the refusal is told", || async {
        let error = sidecar.snapshot().await["bundle"]["error"].to_string();
        error.contains("demo/orders.rego:3: rego_unsafe_var_error: var x is unsafe")
    })
    .await;
    assert_eq!(status(&sidecar).await, 200);

    let before = lines(&runs);
    world.origin.kill();
    let restarted = sidecar.kill().start_ready().await;
    assert_eq!(status(&restarted).await, 200);
    assert_eq!(lines(&runs), before, "what was compiled is kept");
}

#[tokio::test]
async fn without_opa_a_bundle_without_a_plan_is_refused_with_what_to_do() {
    let world = World::new().await;
    world.origin.serve_bundle(rego_bundle(&world, "r1", READ));
    let sidecar = world.config().start();
    eventually(Duration::from_secs(20), "the refusal is told", || async {
        let (_, body) = sidecar.readyz().await;
        let text = body.to_string();
        text.contains("postern bundle build -e orders/authz/decision") && text.contains("policy.opa")
    })
    .await;
}

#[tokio::test]
async fn an_opa_that_is_not_there_is_a_mistake_in_the_configuration() {
    let world = World::new().await;
    let mut config = world.config();
    config.document["policy"]["opa"] = json!("tools/opa");
    let output = config.refused();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("policy.opa") && said.contains("tools/opa"),
        "{said}"
    );
}
