//! Bundles with Rego and no plan are compiled by the control plane, where it is told to, and sidecars take what it serves; what
//! they wouldn't take isn't published.

use std::path::{Path, PathBuf};

use postern_jose::{Algorithm, LocalSigner};
use postern_policy::{Bundle, BundleBuilder, Limits, PlanEngine, Verification, VerificationKey, bundle};
use postern_proto::policy::v1::BundleInfo;

use crate::support::House;

#[path = "../../../../common/compiler/tests/support/pinned_opa.rs"]
mod pinned_opa;

const ENTRYPOINT: &str = "orders/authz/decision";
const REGO: &str = "package orders.authz\n\ndecision := {\"allowed\": input.ok == data.orders.wanted}\n";

fn count(runs: &Path) -> usize {
    std::fs::read_to_string(runs).unwrap_or_default().lines().count()
}

/// A house that compiles; its runs of opa, and the key that it signs with.
fn compiling() -> (House, PathBuf, VerificationKey) {
    let house = House::new();
    let folder = house.folder.path();
    let (opa, runs) = pinned_opa::counting(folder);
    let signer = LocalSigner::generate(Algorithm::ES256).unwrap();
    std::fs::write(
        folder.join("signing.pem"),
        signer.to_pkcs8_pem().unwrap().as_bytes(),
    )
    .unwrap();
    let file = folder.join("control-plane.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let compile = format!(
        "  compile: {{ opa: {}, key_id: control-plane, signing_key_file: signing.pem }}\n",
        opa.display()
    );
    std::fs::write(&file, text + &compile).unwrap();
    let key = VerificationKey::new("control-plane", Algorithm::ES256, signer.public_jwk()).unwrap();
    (house, runs, key)
}

/// What somebody pushes: Rego and data, signed.
fn rego(house: &House, revision: &str, rego: &str) -> Vec<u8> {
    let archive = BundleBuilder::new(revision)
        .roots(["orders"])
        .file("authz.rego", rego)
        .data(r#"{"orders":{"wanted":1.50}}"#)
        .build()
        .unwrap();
    bundle::sign(&archive, &house.signer, "demo", &Limits::default()).unwrap()
}

#[tokio::test]
async fn rego_without_a_plan_is_compiled_once_and_served_signed_by_the_control_plane() {
    let (house, runs, key) = compiling();
    let plane = house.start();
    let archive = rego(&house, "r1", REGO);
    let publish = async |archive: Vec<u8>| plane.publish_for("orders", archive, &[ENTRYPOINT]).await;
    let info: BundleInfo = publish(archive.clone()).await.unwrap();
    assert_eq!(
        (info.revision.as_str(), info.signed_by.as_str()),
        ("r1", "control-plane")
    );
    assert_eq!(info.entrypoints, [ENTRYPOINT]);
    assert!(
        info.sequence.unwrap() > 1_700_000_000_000,
        "what is signed here has an order"
    );

    // The very same isn't compiled again.
    assert_eq!(publish(archive.clone()).await.unwrap(), info);
    assert_eq!(count(&runs), 1);

    let served = plane.get("/bundles/orders").bearer_auth(&plane.sidecar);
    let served = served.send().await.unwrap().bytes().await.unwrap();
    let trusting = Verification::keys([key]).unwrap();
    let bundle = Bundle::read(&served, &trusting, &Limits::default()).unwrap();
    PlanEngine::from_bundle(&bundle).expect("a sidecar runs it");
    let pushed = Bundle::read(&archive, &Verification::Unsigned, &Limits::default()).unwrap();
    for file in ["authz.rego", "data.json"] {
        assert_eq!(bundle.file(file), pushed.file(file), "{file}");
    }
    assert_eq!(bundle.manifest().roots, ["orders"]);

    // After a restart it is there, and known, with nobody to compile it.
    plane.stop();
    let plane = house.start();
    let again = plane.publish_for("orders", archive, &[ENTRYPOINT]).await.unwrap();
    assert_eq!((again.etag, count(&runs)), (info.etag, 1));

    // Another one follows it.
    let next = plane
        .publish_for("orders", rego(&house, "r2", REGO), &[ENTRYPOINT])
        .await
        .unwrap();
    assert!(next.sequence > info.sequence);
    assert_eq!(count(&runs), 2);
}

#[tokio::test]
async fn what_sidecars_would_not_take_is_refused_with_its_place_and_what_to_do() {
    let (house, ..) = compiling();
    let plane = house.start();
    plane
        .publish_for("orders", rego(&house, "good", REGO), &[ENTRYPOINT])
        .await
        .unwrap();
    let planned = |plan: &[u8]| {
        let archive = BundleBuilder::new("bad")
            .roots(["orders"])
            .file("authz.rego", REGO)
            .file("plan.json", plan)
            .build()
            .unwrap();
        bundle::sign(&archive, &house.signer, "demo", &Limits::default()).unwrap()
    };
    let demo = include_bytes!("../../../../cli/demo/policy/plan.json");
    let outside = {
        let archive = BundleBuilder::new("bad")
            .roots(["other"])
            .file("authz.rego", REGO)
            .build()
            .unwrap();
        bundle::sign(&archive, &house.signer, "demo", &Limits::default()).unwrap()
    };
    for (archive, asked, words) in [
        (
            rego(
                &house,
                "bad",
                "package orders.authz\n\ndecision := no_such.builtin(1)\n",
            ),
            &[ENTRYPOINT][..],
            &["authz.rego:3", "undefined function no_such.builtin"][..],
        ),
        (
            rego(&house, "bad", "package orders.authz\n\ndecision := 1 + \"a\"\n"),
            &[ENTRYPOINT],
            &["authz.rego:3", "rego_type_error"],
        ),
        (
            rego(&house, "bad", REGO),
            &["orders/authz/other"],
            &["orders/authz/other"],
        ),
        (rego(&house, "bad", REGO), &[], &["postern bundle push -e"]),
        (
            outside,
            &[ENTRYPOINT],
            &["manifest roots [other]", "authz.rego", "add the root"],
        ),
        (planned(b"{\"plan\": 1}"), &[], &["plan"]),
    ] {
        let status = plane.publish_for("orders", archive, asked).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::InvalidArgument, "{status}");
        for word in words {
            assert!(status.message().contains(word), "{word}: {}", status.message());
        }
    }
    // A plan that is visibly older than its Rego is made anew; without a compiler it is refused, as by a sidecar.
    let older = planned(demo);
    let info = plane
        .publish_for("older", older.clone(), &[ENTRYPOINT])
        .await
        .unwrap();
    assert_eq!(info.signed_by, "control-plane");
    let bare = House::new();
    let bare = House {
        signer: LocalSigner::from_pkcs8_pem(None, &house.signer.to_pkcs8_pem().unwrap()).unwrap(),
        ..bare
    };
    std::fs::copy(
        house.folder.path().join("bundle.pub.pem"),
        bare.folder.path().join("bundle.pub.pem"),
    )
    .unwrap();
    let plane = bare.start();
    for (archive, asked) in [
        (older, &[ENTRYPOINT][..]),
        (rego(&house, "r1", REGO), &[ENTRYPOINT]),
    ] {
        let status = plane.publish_for("orders", archive, asked).await.unwrap_err();
        for word in ["postern bundle build -e orders/authz/decision", "policy.compile"] {
            assert!(status.message().contains(word), "{}", status.message());
        }
    }
}

#[tokio::test]
async fn a_compiler_that_is_gone_is_no_fault_of_the_bundle() {
    let (house, ..) = compiling();
    let plane = house.start();
    std::fs::remove_file(house.folder.path().join("opa")).unwrap();
    let status = plane
        .publish_for("orders", rego(&house, "r1", REGO), &[ENTRYPOINT])
        .await
        .unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable, "{status}");
}
