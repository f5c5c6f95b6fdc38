//! What of the control plane is open, and that all the rest is not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on panics"
)]

use postern_e2e::stack::{Options, Stack};
use postern_proto::identity::v1::ListClientsRequest;
use postern_proto::identity::v1::session_identity_service_client::SessionIdentityServiceClient;
use postern_proto::policy::v1::ListBundlesRequest;
use postern_proto::policy::v1::iam_policy_service_client::IamPolicyServiceClient;
use postern_proto::sync::v1::WatchRequest;
use postern_proto::sync::v1::sync_service_client::SyncServiceClient;
use postern_proto::token::v1::GetJwksRequest;
use postern_proto::token::v1::token_service_client::TokenServiceClient;
use tonic::metadata::MetadataValue;
use tonic::transport::Endpoint;
use tonic::{Code, Request};

fn with_credential<T>(message: T, credential: Option<&str>) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(credential) = credential {
        let value = MetadataValue::try_from(format!("Bearer {credential}")).unwrap();
        request.metadata_mut().insert("authorization", value);
    }
    request
}

#[tokio::test]
async fn only_token_keys_metadata_and_health_are_open_over_http() {
    let stack = Stack::start_with(Options {
        without_envoy: true,
        ..Options::default()
    })
    .await;
    let base = stack.url("control_plane");
    for open in [
        "/healthz",
        "/readyz",
        "/.well-known/jwks.json",
        "/.well-known/oauth-authorization-server",
    ] {
        assert_eq!(stack.fetch(&format!("{base}{open}")).await.status, 200, "{open}");
    }
    for closed in [
        "/bundles/demo",
        "/metrics",
        "/",
        "/nothing-here",
        "/bundles/",
        "/.well-known/other",
    ] {
        let answer = stack.fetch(&format!("{base}{closed}")).await;
        assert_eq!(answer.status, 401, "{closed}: {answer:?}");
        assert!(
            answer.header("www-authenticate").starts_with("Bearer"),
            "{closed}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn every_grpc_service_wants_a_credential() {
    let stack = Stack::start_with(Options {
        without_envoy: true,
        ..Options::default()
    })
    .await;
    let channel = Endpoint::try_from(stack.url("control_plane_grpc"))
        .unwrap()
        .connect()
        .await
        .unwrap();
    let mut token = TokenServiceClient::new(channel.clone());
    let mut identity = SessionIdentityServiceClient::new(channel.clone());
    let mut policy = IamPolicyServiceClient::new(channel.clone());
    let mut sync = SyncServiceClient::new(channel);
    for wrong in [None, Some(""), Some("postern_admin_wrong")] {
        let codes = [
            token
                .get_jwks(with_credential(GetJwksRequest {}, wrong))
                .await
                .unwrap_err()
                .code(),
            identity
                .list_clients(with_credential(ListClientsRequest::default(), wrong))
                .await
                .unwrap_err()
                .code(),
            policy
                .list_bundles(with_credential(ListBundlesRequest {}, wrong))
                .await
                .unwrap_err()
                .code(),
            sync.watch(with_credential(WatchRequest::default(), wrong))
                .await
                .unwrap_err()
                .code(),
        ];
        assert_eq!(codes, [Code::Unauthenticated; 4], "{wrong:?}");
    }
    let read = |name: &str| {
        let path = stack.folder().join("control-plane/credentials").join(name);
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        std::fs::read_to_string(path).unwrap().trim().to_owned()
    };
    let (admin, sidecar) = (read("admin"), read("sidecar"));
    let clients = identity
        .list_clients(with_credential(ListClientsRequest::default(), Some(&admin)))
        .await
        .unwrap();
    assert!(clients.into_inner().clients.len() >= 2);
    let refused = identity
        .list_clients(with_credential(ListClientsRequest::default(), Some(&sidecar)))
        .await;
    assert_eq!(
        refused.unwrap_err().code(),
        Code::PermissionDenied,
        "a sidecar pulls, and that is all"
    );
    let mut hints = sync
        .watch(with_credential(
            WatchRequest {
                bundle: "demo".into(),
                since: None,
            },
            Some(&sidecar),
        ))
        .await
        .unwrap()
        .into_inner();
    assert!(
        hints.message().await.unwrap().is_some(),
        "it is told at once what there is"
    );
}

#[tokio::test]
async fn secrets_in_the_data_folder_are_nobody_elses_to_read_and_not_in_the_database() {
    let stack = Stack::start_with(Options {
        without_envoy: true,
        ..Options::default()
    })
    .await;
    for file in [
        "dev.json",
        "clients.json",
        "keys/bundle-signing.pem",
        "control-plane/seal.key",
    ] {
        assert_eq!(mode(&stack.folder().join(file)), 0o600, "{file}");
    }
    let secret = stack.client("reader").client_secret;
    for entry in std::fs::read_dir(stack.folder().join("control-plane"))
        .unwrap()
        .flatten()
    {
        if entry.path().is_file() {
            let bytes = std::fs::read(entry.path()).unwrap();
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found, "{} holds a client's secret", entry.path().display());
        }
    }
}

fn mode(path: &std::path::Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .permissions()
        .mode()
        & 0o777
}
