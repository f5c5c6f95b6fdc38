//! The use cases against a real database, with the demo's policy.

mod ordered;

use std::time::Duration;

use postern_jose::{Algorithm, LocalSigner, Signer};
use postern_policy::{BundleBuilder, Limits, VerificationKey, bundle};
use postern_store::SystemEntropy;
use postern_store::testing::ManualClock;

use super::*;

const PLAN: &[u8] = include_bytes!("../../../../cli/demo/policy/plan.json");
/// Nothing here takes this long; it keeps a broken test from hanging.
const PATIENCE: Duration = Duration::from_secs(30);
const ENTRYPOINT: &str = "orders/authz/decision";

pub(crate) struct House {
    pub(crate) policies: Policies,
    pub(crate) signer: LocalSigner,
    database: Database,
    _folder: tempfile::TempDir,
}

pub(crate) async fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&folder.path().join("postern.db")).await.unwrap();
    database.migrate(&repository::MIGRATIONS).await.unwrap();
    let signer = LocalSigner::generate(Algorithm::ES256).unwrap();
    let policies = policies(&database, &signer);
    House {
        policies,
        signer,
        database,
        _folder: folder,
    }
}

fn policies(database: &Database, signer: &LocalSigner) -> Policies {
    let key = VerificationKey::new("demo", Algorithm::ES256, signer.public_jwk()).unwrap();
    let settings = PolicySettings {
        verification: Verification::keys([key]).unwrap(),
        keep_revisions: 2,
        compile: None,
    };
    Policies::new(
        settings,
        database.clone(),
        Arc::new(ManualClock::at(1_000)),
        Arc::new(SystemEntropy),
    )
}

pub(crate) fn name(text: &str) -> BundleName {
    BundleName::parse(text).unwrap()
}

fn unsigned(revision: &str) -> Vec<u8> {
    BundleBuilder::new(revision).plan(PLAN).build().unwrap()
}

pub(crate) fn archive(revision: &str, signer: &dyn Signer) -> Bytes {
    bundle::sign(&unsigned(revision), signer, "demo", &Limits::default())
        .unwrap()
        .into()
}

fn input(scope: &str) -> Value {
    let input = serde_json::json!({
        "attributes": { "request": { "http": { "method": "GET", "path": "/orders" } } },
        "postern": { "path": "/orders", "scopes": [scope] },
    });
    Value::from_json_str(&input.to_string()).unwrap()
}

#[tokio::test]
async fn a_published_bundle_answers() {
    let House { policies, signer, .. } = &house().await;
    let published = policies
        .publish(name("demo"), archive("r1", signer))
        .await
        .unwrap();
    assert_eq!(published.signed_by.as_deref(), Some("demo"));
    assert_eq!(published.published_at, 1_000);

    for path in [ENTRYPOINT, "data.orders.authz.decision", ""] {
        let yes = policies
            .authorize(&name("demo"), path, Some(input("orders:read")))
            .await
            .unwrap();
        assert!(yes.allowed, "{path}: {:?}", yes.result);
        assert_eq!(yes.revision, "r1");
        let no = policies
            .authorize(&name("demo"), path, Some(input("other")))
            .await
            .unwrap();
        assert!(!no.allowed, "{path}: {:?}", no.result);
        assert_ne!(yes.decision_id, no.decision_id);
    }
}

/// A bundle whose one entrypoint, `echo`, answers with what `statements` put into local 2.
fn echo(revision: &str, statements: &[serde_json::Value], signer: &dyn Signer) -> Bytes {
    let statement =
        |kind: &str, fields: serde_json::Value| serde_json::json!({ "type": kind, "stmt": fields });
    let (local, key) = (
        serde_json::json!({ "type": "local", "value": 2 }),
        serde_json::json!({ "type": "string_index", "value": 0 }),
    );
    let mut statements = statements.to_vec();
    statements.extend([
        statement("MakeObjectStmt", serde_json::json!({ "target": 3 })),
        statement(
            "ObjectInsertStmt",
            serde_json::json!({ "object": 3, "key": key, "value": local }),
        ),
        statement("ResultSetAddStmt", serde_json::json!({ "value": 3 })),
    ]);
    let plan = serde_json::json!({
        "static": { "strings": [{ "value": "result" }], "files": [] },
        "plans": { "plans": [{ "name": "echo", "blocks": [{ "stmts": statements }] }] },
        "funcs": { "funcs": [] },
    });
    let bundle = BundleBuilder::new(revision)
        .plan(plan.to_string())
        .build()
        .unwrap();
    bundle::sign(&bundle, signer, "demo", &Limits::default())
        .unwrap()
        .into()
}

/// `target := source`, with a conflict where it had another value.
fn assign(source: &serde_json::Value) -> serde_json::Value {
    serde_json::json!({ "type": "AssignVarOnceStmt", "stmt": { "source": source, "target": 2 } })
}

/// The policy that answers with its input.
fn echo_input(signer: &dyn Signer) -> Bytes {
    echo(
        "r1",
        &[assign(&serde_json::json!({ "type": "local", "value": 0 }))],
        signer,
    )
}

#[tokio::test]
async fn a_result_counts_as_it_does_at_a_sidecar() {
    let House { policies, signer, .. } = &house().await;
    policies.publish(name("demo"), echo_input(signer)).await.unwrap();
    for (result, allowed, ill_formed) in [
        ("true", true, None),
        ("false", false, None),
        (r#"{"allowed": true}"#, true, None),
        (r#"{"allowed": true, "headers": 7}"#, false, Some("headers")),
        (r#"{"allowed": "yes"}"#, false, Some("allowed")),
        ("7", false, Some("boolean")),
    ] {
        let input = Some(Value::from_json_str(result).unwrap());
        let decided = policies.authorize(&name("demo"), "", input).await.unwrap();
        assert_eq!(decided.allowed, allowed, "{result}");
        let said = decided.ill_formed.map(|reason| reason.to_string());
        assert_eq!(said.is_some(), ill_formed.is_some(), "{result}: {said:?}");
        assert!(
            said.unwrap_or_default().contains(ill_formed.unwrap_or_default()),
            "{result}"
        );
    }
}

#[tokio::test]
async fn no_input_is_undefined_and_null_is_null() {
    let House { policies, signer, .. } = &house().await;
    policies.publish(name("demo"), echo_input(signer)).await.unwrap();
    for (input, result) in [(None, None), (Some(Value::Null), Some(Value::Null))] {
        let decided = policies.authorize(&name("demo"), "", input).await.unwrap();
        assert_eq!(decided.result, result);
        assert!(!decided.allowed);
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_so() {
    let House { policies, signer, .. } = &house().await;
    let error = policies.authorize(&name("demo"), "", None).await.unwrap_err();
    assert!(matches!(error, PolicyError::NoBundle(_)), "{error}");
    policies
        .publish(name("demo"), archive("r1", signer))
        .await
        .unwrap();
    let error = policies
        .authorize(&name("demo"), "no/such", None)
        .await
        .unwrap_err();
    assert!(error.to_string().contains(ENTRYPOINT), "{error}");
}

#[tokio::test]
async fn a_bad_bundle_is_refused_and_the_one_before_serves() {
    let House { policies, signer, .. } = &house().await;
    let good = policies
        .publish(name("demo"), archive("r1", signer))
        .await
        .unwrap();
    let stranger = LocalSigner::generate(Algorithm::ES256).unwrap();
    let no_plan = BundleBuilder::new("r2").data("{}").build().unwrap();
    let no_plan = bundle::sign(&no_plan, signer, "demo", &Limits::default()).unwrap();
    let broken_plan = BundleBuilder::new("r2").plan("{\"plan\": 1}").build().unwrap();
    let broken_plan = bundle::sign(&broken_plan, signer, "demo", &Limits::default()).unwrap();
    let flag = |flag: bool| assign(&serde_json::json!({ "type": "bool", "value": flag }));
    let conflicting = echo("r2", &[flag(true), flag(false)], signer);
    for (why, archive) in [
        ("unsigned", unsigned("r2").into()),
        ("signed by a stranger", archive("r2", &stranger)),
        ("no archive", Bytes::from_static(b"not gzip")),
        ("no plan", no_plan.into()),
        ("a plan that is none", broken_plan.into()),
        ("an entrypoint that always fails", conflicting),
    ] {
        let error = policies.publish(name("demo"), archive).await.unwrap_err();
        assert!(matches!(error, PolicyError::Refused { .. }), "{why}: {error}");
        assert_eq!(
            policies.catalog().etag(&name("demo")),
            Some(good.etag.as_str()),
            "{why}"
        );
    }
    assert!(
        policies
            .authorize(&name("demo"), "", Some(input("orders:read")))
            .await
            .unwrap()
            .allowed
    );
}

#[tokio::test]
async fn a_publication_goes_on_when_its_caller_leaves() {
    let House {
        policies,
        signer,
        database,
        _folder,
    } = &house().await;
    // Another writer makes it wait right before it stores.
    let writer = database.write().await.unwrap();
    let mut serving = policies.watch();
    {
        let publication = policies.publish(name("demo"), archive("r1", signer));
        tokio::select! {
            biased;
            _ = publication => panic!("another writes"),
            begun = tokio::time::timeout(PATIENCE, begun(policies)) => begun.unwrap(),
        }
    }
    writer.rollback().await.unwrap();
    let served = serving.wait_for(|catalog| catalog.etag(&name("demo")).is_some());
    let served = tokio::time::timeout(PATIENCE, served).await;
    served.expect("served in the end").unwrap();
    assert_eq!(repository::names(database).await.unwrap(), ["demo"]);
}

/// Until a publication has its turn.
async fn begun(policies: &Policies) {
    while policies.shared.publishing.try_lock().is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_restart_serves_the_newest_of_each_name() {
    let House {
        policies: before,
        signer,
        database,
        _folder,
    } = &house().await;
    before.publish(name("demo"), archive("r1", signer)).await.unwrap();
    let newest = before.publish(name("demo"), archive("r2", signer)).await.unwrap();
    let other = before
        .publish(name("other"), archive("r1", signer))
        .await
        .unwrap();

    let after = policies(database, signer);
    assert!(after.restore().await.unwrap().is_empty());
    assert_eq!(after.catalog().etag(&name("demo")), Some(newest.etag.as_str()));
    assert_eq!(after.catalog().etag(&name("other")), Some(other.etag.as_str()));
}

#[tokio::test]
async fn where_the_newest_does_not_load_the_next_older_is_served_and_it_is_named() {
    let House {
        policies: before,
        signer,
        database,
        _folder,
    } = &house().await;
    let older = before.publish(name("demo"), archive("r1", signer)).await.unwrap();
    before.publish(name("demo"), archive("r2", signer)).await.unwrap();
    sqlx::query("UPDATE bundles SET archive = x'00' WHERE revision = 'r2'")
        .execute(database.pool())
        .await
        .unwrap();
    let after = policies(database, signer);
    let left_out = after.restore().await.unwrap();
    assert_eq!(left_out.len(), 1, "{left_out:?}");
    assert_eq!((&*left_out[0].name, &*left_out[0].revision), ("demo", "r2"));
    assert_eq!(after.catalog().etag(&name("demo")), Some(older.etag.as_str()));

    // What is published now is newer than both.
    let newest = after.publish(name("demo"), archive("r3", signer)).await.unwrap();
    let again = policies(database, signer);
    assert!(again.restore().await.unwrap().is_empty());
    assert_eq!(again.catalog().etag(&name("demo")), Some(newest.etag.as_str()));
}

#[tokio::test]
async fn a_bundle_whose_key_is_gone_is_left_out_and_named() {
    let House {
        policies: before,
        signer,
        database,
        _folder,
    } = &house().await;
    before.publish(name("demo"), archive("r1", signer)).await.unwrap();
    let after = policies(database, &LocalSigner::generate(Algorithm::ES256).unwrap());
    let left_out = after.restore().await.unwrap();
    assert_eq!(left_out.len(), 1);
    assert!(left_out[0].to_string().contains("demo"));
    assert_eq!(after.catalog().bundles().len(), 0);
}

#[tokio::test]
async fn only_the_last_revisions_are_kept_and_the_same_archive_counts_once() {
    let House {
        policies,
        signer,
        database,
        _folder,
    } = &house().await;
    for revision in ["r1", "r2", "r3"] {
        let archive = archive(revision, signer);
        let first = policies.publish(name("demo"), archive.clone()).await.unwrap();
        let again = policies.publish(name("demo"), archive).await.unwrap();
        assert!(Arc::ptr_eq(&first, &again));
    }
    let kept: Vec<String> = sqlx::query_scalar("SELECT revision FROM bundles ORDER BY sequence")
        .fetch_all(database.pool())
        .await
        .unwrap();
    assert_eq!(kept, ["r2", "r3"]);
}

#[tokio::test]
async fn there_is_a_bound_to_names_but_not_to_new_revisions() {
    let House { policies, signer, .. } = &house().await;
    for n in 0..MAX_BUNDLES {
        policies
            .publish(name(&format!("b{n}")), archive("r1", signer))
            .await
            .unwrap();
    }
    let error = policies
        .publish(name("one-more"), archive("r1", signer))
        .await
        .unwrap_err();
    assert!(matches!(error, PolicyError::TooMany), "{error}");
    policies.publish(name("b0"), archive("r2", signer)).await.unwrap();
}
