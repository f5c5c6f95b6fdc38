//! What a stranger, a sidecar and an admin may reach.

use std::time::Duration;

use prost::Message;
use prost_types::FileDescriptorSet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::follower::{Follower, watch};
use crate::support::{House, PATIENCE, Plane, json};

/// Every method of every service that the contracts have and this process serves.
fn methods() -> Vec<String> {
    let set = FileDescriptorSet::decode(postern_proto::FILE_DESCRIPTOR_SET).unwrap();
    let mut methods = Vec::new();
    for file in set.file {
        for service in &file.service {
            for method in &service.method {
                methods.push(format!(
                    "/{}.{}/{}",
                    file.package(),
                    service.name(),
                    method.name()
                ));
            }
        }
    }
    methods.retain(|path| !path.starts_with("/postern.edge."));
    methods
}

/// Calls a method with an empty message; gives `grpc-status` if the call ends at once.
async fn call(plane: &Plane, path: &str, credential: Option<&str>) -> Option<String> {
    let client = reqwest::Client::builder()
        .http2_prior_knowledge()
        .build()
        .unwrap();
    let mut request = client
        .post(format!("{}{path}", plane.grpc))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(vec![0_u8; 5]);
    if let Some(credential) = credential {
        request = request.header("authorization", format!("Bearer {credential}"));
    }
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer
        .headers()
        .get("grpc-status")
        .map(|status| status.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn no_grpc_method_answers_a_stranger() {
    let house = House::new();
    let plane = house.start();
    let mut paths = methods();
    assert!(paths.len() >= 9, "{paths:?}");
    paths.extend([
        "/nothing/Here".to_owned(),
        "/grpc.health.v1.Health/Check".to_owned(),
        "/".to_owned(),
    ]);
    for path in paths {
        for credential in [None, Some(""), Some("postern_admin_x"), Some("wrong")] {
            assert_eq!(
                call(&plane, &path, credential).await.as_deref(),
                Some("16"),
                "{path} {credential:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_sidecar_may_watch_and_nothing_else() {
    let house = House::new();
    let plane = house.start();
    for path in methods() {
        let status = call(&plane, &path, Some(&plane.sidecar)).await;
        if path == "/postern.sync.v1.SyncService/Watch" {
            assert_eq!(status, None, "the stream goes on");
        } else {
            assert_eq!(status.as_deref(), Some("7"), "{path}");
        }
        // Whose own answer to an unknown client is the same status.
        if !path.ends_with("/AuthenticateClient") {
            assert_ne!(
                call(&plane, &path, Some(&plane.admin)).await.as_deref(),
                Some("16"),
                "{path}"
            );
        }
    }
    assert_eq!(
        call(&plane, "/nothing/Here", Some(&plane.admin)).await.as_deref(),
        Some("12")
    );
}

#[tokio::test]
async fn only_the_open_endpoints_answer_a_stranger_over_http() {
    let house = House::new();
    let plane = house.start();
    for path in [
        "/healthz",
        "/readyz",
        "/.well-known/jwks.json",
        "/.well-known/oauth-authorization-server",
    ] {
        assert_eq!(plane.get(path).send().await.unwrap().status(), 200, "{path}");
    }
    for path in [
        "/",
        "/metrics",
        "/bundles/demo",
        "/bundles",
        "/nothing",
        "/healthz/",
        "/.well-known/openid-configuration",
        "/oauth2/token/",
    ] {
        let answer = plane.get(path).send().await.unwrap();
        assert_eq!(answer.status(), 401, "{path}");
        assert_eq!(
            answer.headers()["www-authenticate"],
            "Bearer realm=\"postern-control-plane\""
        );
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
        let problem = json(answer).await;
        assert_eq!(
            (problem["code"].as_str(), problem["status"].as_u64()),
            (Some("unauthenticated"), Some(401))
        );
        assert_eq!(problem["correlation_id"], id.as_str());
    }
}

#[tokio::test]
async fn credentials_open_what_they_are_for_over_http() {
    let house = House::new();
    let plane = house.start();
    for (path, admin, sidecar) in [
        ("/bundles/none", 404, 404),
        ("/metrics", 200, 403),
        ("/nothing", 404, 403),
    ] {
        for (credential, expected) in [(&plane.admin, admin), (&plane.sidecar, sidecar)] {
            let answer = plane.get(path).bearer_auth(credential).send().await.unwrap();
            assert_eq!(answer.status().as_u16(), expected, "{path}");
            if expected >= 400 {
                let problem = json(answer).await;
                assert_eq!(
                    problem["status"].as_u64(),
                    Some(expected.into()),
                    "{path}: {problem}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_connection_without_a_credential_is_cut_off_and_one_with_is_not() {
    let house = House::new();
    let plane = house.start();
    let address = plane.grpc.strip_prefix("http://").unwrap().to_owned();
    // A stranger who is polite: a preface and settings, then pings, so that the connection is never silent.
    let stranger = async {
        let mut socket = TcpStream::connect(&address).await.unwrap();
        socket
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
            .await
            .unwrap();
        let ping = b"\0\0\x08\x06\0\0\0\0\0postern!";
        let mut answer = [0; 1024];
        loop {
            if socket.write_all(ping).await.is_err() {
                break;
            }
            let read = timeout(Duration::from_millis(200), socket.read(&mut answer)).await;
            if let Ok(Ok(0) | Err(_)) = read {
                break;
            }
        }
    };
    let known = async {
        let mut stream = watch(&plane, None).await;
        let mut follower = Follower::default();
        // Longer than strangers get: the third sign of life comes after ten seconds.
        for _ in 0..4 {
            follower.catch_up(&mut stream).await;
        }
    };
    let ((), cut_off) = tokio::join!(known, timeout(PATIENCE, stranger));
    cut_off.expect("a stranger is cut off");
}
