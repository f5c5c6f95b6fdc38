//! Bundles are published over gRPC and pulled over OPA's bundle API.

use postern_jose::{Algorithm, LocalSigner};
use postern_proto::policy::v1::iam_policy_service_client::IamPolicyServiceClient;
use postern_proto::policy::v1::{AuthorizeRequest, ListBundlesRequest};
use tonic_types::StatusExt;

use crate::support::{House, archive};

const READ: &str = r#"{"attributes":{"request":{"http":{"method":"GET","path":"/orders"}}},
    "postern":{"path":"/orders","scopes":["orders:read"]}}"#;

#[tokio::test]
async fn a_published_bundle_is_served_and_answers() {
    let house = House::new();
    let plane = house.start();
    let archive = house.archive("r1");
    let info = plane.publish("demo", archive.clone()).await.unwrap();
    assert_eq!((info.revision.as_str(), info.signed_by.as_str()), ("r1", "demo"));
    assert_eq!(info.entrypoints, ["orders/authz/decision"]);

    let answer = plane
        .get("/bundles/demo")
        .bearer_auth(&plane.sidecar)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["etag"], format!("\"{}\"", info.etag).as_str());
    assert_eq!(answer.bytes().await.unwrap(), archive);

    let mut policy = IamPolicyServiceClient::new(plane.authorized(&plane.admin).await);
    let mut ask = async |input: &str| {
        let request = AuthorizeRequest {
            bundle: "demo".into(),
            path: "orders/authz/decision".into(),
            input_json: input.into(),
        };
        policy.authorize(request).await.map(tonic::Response::into_inner)
    };
    let yes = ask(READ).await.unwrap();
    assert!(yes.allowed, "{}", yes.result_json);
    assert_eq!(yes.revision, "r1");
    assert!(!yes.decision_id.is_empty());
    assert!(
        !ask(&READ.replace("orders:read", "nothing"))
            .await
            .unwrap()
            .allowed
    );
    assert_eq!(ask("{").await.unwrap_err().code(), tonic::Code::InvalidArgument);
}

#[tokio::test]
async fn a_bad_bundle_is_refused_with_the_reason_and_the_old_one_serves() {
    let house = House::new();
    let plane = house.start();
    let good = plane.publish("demo", house.archive("r1")).await.unwrap();
    let stranger = LocalSigner::generate(Algorithm::ES256).unwrap();
    let mut damaged = house.archive("r2");
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    for (why, archive) in [
        ("a stranger's", archive("r2", &stranger)),
        ("damaged", damaged),
        ("empty", vec![]),
    ] {
        let status = plane.publish("demo", archive).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::InvalidArgument, "{why}");
        assert_eq!(
            status.get_error_details().error_info().unwrap().reason,
            "BUNDLE_REFUSED",
            "{why}"
        );
        assert!(status.message().contains("demo"), "{why}: {}", status.message());
    }
    let mut policy = IamPolicyServiceClient::new(plane.authorized(&plane.admin).await);
    let bundles = policy
        .list_bundles(ListBundlesRequest {})
        .await
        .unwrap()
        .into_inner()
        .bundles;
    assert_eq!(bundles, [good]);
}

#[tokio::test]
async fn a_long_poll_wakes_when_a_bundle_is_published() {
    let house = House::new();
    let plane = house.start();
    let old = plane.publish("demo", house.archive("r1")).await.unwrap();
    let held = plane
        .get("/bundles/demo")
        .bearer_auth(&plane.sidecar)
        .header("if-none-match", format!("\"{}\"", old.etag))
        .header("prefer", "modes=snapshot,delta;wait=25");
    let held = tokio::spawn(async move { held.send().await.unwrap() });
    plane
        .metrics_with("postern_control_plane_bundle_requests_held 1")
        .await;
    let new = plane.publish("demo", house.archive("r2")).await.unwrap();
    let answer = held.await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["etag"], format!("\"{}\"", new.etag).as_str());
    assert_eq!(
        answer.headers()["content-type"],
        "application/vnd.openpolicyagent.bundles"
    );
}
