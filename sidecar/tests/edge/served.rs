//! What is served beside checks: health, reflection, and a refusal of what is retired.

use std::time::Duration;

use serde_json::json;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tower::ServiceExt;

use crate::world::{Client, World, eventually};

#[tokio::test]
async fn health_is_what_readyz_says() {
    let world = World::new().await;
    let sidecar = world.config().start_ready().await;
    let mut health = HealthClient::new(Client::over_unix(&sidecar.config).await.channel);
    let ask = |service: &str| HealthCheckRequest {
        service: service.to_owned(),
    };
    for service in [
        "",
        "postern.edge.v1.AuthEdgeService",
        "envoy.service.auth.v3.Authorization",
    ] {
        let answer = health.check(ask(service)).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving);
    }
    let unknown = health.check(ask("a.b.C")).await.unwrap_err();
    assert_eq!(unknown.code(), tonic::Code::NotFound);
    let mut watched = health.watch(ask("")).await.unwrap().into_inner();
    let first = watched.message().await.unwrap().unwrap();
    assert_eq!(first.status(), ServingStatus::Serving);
}

#[tokio::test]
async fn health_says_no_while_there_is_no_policy() {
    let world = World::new().await;
    let mut config = world.config();
    config.document["policy"]["url"] = json!(world.origin.url("/nowhere"));
    let sidecar = config.start();
    eventually(Duration::from_secs(20), "not serving", || async {
        if !sidecar.config.socket().exists() {
            return false;
        }
        let mut health = HealthClient::new(Client::over_unix(&sidecar.config).await.channel);
        let answer = health.check(HealthCheckRequest::default()).await.unwrap();
        answer.into_inner().status() == ServingStatus::NotServing
    })
    .await;
    assert_eq!(sidecar.readyz().await.0, 503);
}

#[tokio::test]
async fn checks_of_envoys_retired_version_are_refused_by_name() {
    let world = World::new().await;
    let sidecar = world.config().start_ready().await;
    let channel = Client::over_unix(&sidecar.config).await.channel;
    let call = http::Request::post("http://sidecar/envoy.service.auth.v2.Authorization/Check")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(tonic::body::Body::empty())
        .unwrap();
    let refused = channel.oneshot(call).await.unwrap();
    let refused = tonic::Status::from_header_map(refused.headers()).unwrap();
    assert_eq!(refused.code(), tonic::Code::Unimplemented);
    assert!(
        refused.message().contains("transport_api_version: V3"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn reflection_is_there_if_wanted_and_tells_of_what_is_served() {
    let list = |channel: Channel| async move {
        let request = ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::ListServices(String::new())),
        };
        let mut client = ServerReflectionClient::new(channel);
        let mut answers = client
            .server_reflection_info(tokio_stream::once(request))
            .await?
            .into_inner();
        answers.message().await
    };
    let world = World::new().await;
    let sidecar = world.config().start_ready().await;
    let channel = Client::over_unix(&sidecar.config).await.channel;
    assert_eq!(
        list(channel).await.unwrap_err().code(),
        tonic::Code::Unimplemented
    );
    drop(sidecar);

    let world = World::new().await;
    let mut config = world.config();
    config.document["ext_authz"]["reflection"] = json!(true);
    let sidecar = config.start_ready().await;
    let channel = Client::over_unix(&sidecar.config).await.channel;
    let answer = list(channel).await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(listed) = answer else {
        panic!("{answer:?}")
    };
    let names: Vec<_> = listed.service.into_iter().map(|service| service.name).collect();
    for name in [
        "postern.edge.v1.AuthEdgeService",
        "envoy.service.auth.v3.Authorization",
        "grpc.health.v1.Health",
    ] {
        assert!(names.iter().any(|listed| listed == name), "{name}: {names:?}");
    }
    assert!(
        !names.iter().any(|name| name.starts_with("postern.token")),
        "{names:?}"
    );
}
