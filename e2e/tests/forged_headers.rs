//! What a client sends in Postern's name never reaches the upstream: whatever the spelling, on whatever route, in both
//! forms that Envoy hands headers over in.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on panics"
)]

use postern_e2e::stack::{Answer, EnvoyConfig, Mesh};
use serde_json::{Value, json};

/// What Postern may tell an upstream of a caller.
const NAMES: [&str; 7] = [
    "subject",
    "client",
    "scope",
    "peer",
    "route",
    "auth",
    "decision-id",
];

/// Envoy without what it strips itself, so that only the sidecar stands between client and upstream.
fn sidecar_alone(envoy: &mut EnvoyConfig) {
    envoy.connection_manager()["common_http_protocol_options"]["headers_with_underscores_action"] =
        json!("ALLOW");
    envoy
        .http_filters()
        .retain(|filter| filter["name"] != "envoy.filters.http.header_mutation");
}

fn routes() -> Value {
    json!([
        { "name": "open", "match": { "path": { "prefix": "/open" } }, "accept": "anonymous", "policy": "off" },
        { "name": "default", "policy": "off" },
    ])
}

/// Each name twice, in capitals, with underscores, and names that only begin like them.
fn forgeries() -> Vec<String> {
    let mut lines = Vec::new();
    for name in NAMES {
        let underscored = name.replace('-', "_");
        lines.push(format!("x-postern-{name}: forged"));
        lines.push(format!("X-Postern-{name}: forged again"));
        lines.push(format!("x_postern_{underscored}: forged"));
        lines.push(format!("X_POSTERN-{underscored}: forged"));
        lines.push(format!("x-postern_{underscored}: forged"));
    }
    lines.push("x-postern-role: forged".to_owned());
    lines.push("x.postern.role: forged".to_owned());
    lines
}

async fn forge(mesh: &Mesh, path: &str, bearer: Option<&str>) -> Answer {
    let mut lines = vec![format!("GET {path} HTTP/1.1"), "host: a.example".to_owned()];
    lines.extend(bearer.map(|bearer| format!("authorization: {bearer}")));
    lines.extend(forgeries());
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    mesh.raw(&lines).await
}

/// The headers that reached the upstream in Postern's name, as `name: value`, without the decision's id.
fn arrived(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(!answer.body.contains("forged"), "{}", answer.body);
    let seen = answer.json();
    let mut ours: Vec<String> = seen["lines"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .filter(|line| {
            line.to_ascii_lowercase()
                .replace(['_', '.'], "-")
                .starts_with("x-postern-")
        })
        .filter(|line| !line.starts_with("x-postern-decision-id: "))
        .map(str::to_owned)
        .collect();
    ours.sort();
    ours
}

#[tokio::test]
async fn forged_names_never_arrive_in_either_form_of_headers() {
    for raw_headers in [true, false] {
        let mesh = Mesh::builder()
            .await
            .sidecar(json!({ "routes": routes() }))
            .envoy(sidecar_alone)
            .envoy(|envoy| envoy.ext_authz()["encode_raw_headers"] = json!(raw_headers))
            .start()
            .await;
        let known = forge(&mesh, "/orders", Some(&mesh.bearer())).await;
        assert_eq!(
            arrived(&known),
            [
                "x-postern-auth: jwt",
                "x-postern-client: tests",
                "x-postern-route: default",
                "x-postern-scope: orders:read",
                "x-postern-subject: tester",
            ],
            "raw headers: {raw_headers}"
        );
        let anonymous = forge(&mesh, "/open", None).await;
        assert_eq!(
            arrived(&anonymous),
            ["x-postern-auth: anonymous", "x-postern-route: open"],
            "raw headers: {raw_headers}"
        );
    }
}

#[tokio::test]
async fn where_ext_authz_is_disabled_envoy_strips_them_itself() {
    let mesh = Mesh::builder()
        .await
        .envoy(|envoy| {
            envoy.route_with("/disabled", json!({ "disabled": true }));
            // Without this, Envoy drops every name with an underscore before anybody sees it.
            envoy.connection_manager()["common_http_protocol_options"]["headers_with_underscores_action"] =
                json!("ALLOW");
        })
        .start()
        .await;
    let nothing: [&str; 0] = [];
    assert_eq!(arrived(&forge(&mesh, "/disabled", None).await), nothing);
    let decided = forge(&mesh, "/orders", Some(&mesh.bearer())).await;
    assert_eq!(arrived(&decided).len(), 5, "{decided:?}");
}

#[tokio::test]
async fn two_authorization_headers_are_refused_in_either_form() {
    for raw_headers in [true, false] {
        let mesh = Mesh::builder()
            .await
            .envoy(|envoy| envoy.ext_authz()["encode_raw_headers"] = json!(raw_headers))
            .start()
            .await;
        let good = format!("authorization: {}", mesh.bearer());
        let ask = async |headers: &[&str]| {
            let lines = [&["GET /orders HTTP/1.1", "host: a.example"], headers].concat();
            mesh.raw(&lines).await
        };
        assert_eq!(ask(&[&good]).await.status, 200);
        for pair in [
            [good.as_str(), "authorization: Bearer x"],
            ["authorization: Basic eDp4", &good],
        ] {
            let answer = ask(&pair).await;
            assert_eq!(answer.status, 401, "raw headers: {raw_headers}: {answer:?}");
            assert_eq!(answer.json()["code"], "invalid_token", "{answer:?}");
        }
    }
}

#[tokio::test]
async fn nobody_gets_in_by_method_or_user_agent() {
    let mesh = Mesh::builder().await.start().await;
    for lines in [
        &["OPTIONS /orders HTTP/1.1"][..],
        &[
            "OPTIONS /orders HTTP/1.1",
            "origin: https://a.example",
            "access-control-request-method: GET",
        ],
        &["HEAD /orders HTTP/1.1"],
        &["TRACE /orders HTTP/1.1"],
        &["PURGE /orders HTTP/1.1"],
        &["GET /healthz HTTP/1.1", "user-agent: kube-probe/1.33"],
        &["GET / HTTP/1.1", "user-agent: ELB-HealthChecker/2.0"],
        &["GET / HTTP/1.1", "user-agent: GoogleHC/1.0"],
        &["GET / HTTP/1.1", "user-agent: Envoy/HC"],
        &[
            "GET / HTTP/1.1",
            "x-envoy-internal: true",
            "x-forwarded-for: 127.0.0.1",
        ],
        &["POST /orders HTTP/1.1", "x-http-method-override: OPTIONS"],
    ] {
        let lines = [lines, &["host: a.example"]].concat();
        let answer = mesh.raw(&lines).await;
        assert_eq!(answer.status, 401, "{lines:?}: {answer:?}");
    }
}

/// A request of `count` further headers.
async fn fill(mesh: &Mesh, count: usize) -> Answer {
    let mut lines = vec!["GET /open HTTP/1.1".to_owned(), "host: a.example".to_owned()];
    lines.extend((0..count).map(|index| format!("x-filler-{index}: 1")));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    mesh.raw(&lines).await
}

#[tokio::test]
async fn more_headers_than_envoy_takes_with_ours_is_a_refusal_that_says_so() {
    for raw_headers in [true, false] {
        let mesh = Mesh::builder()
            .await
            .sidecar(json!({ "routes": routes() }))
            .envoy(|envoy| envoy.ext_authz()["encode_raw_headers"] = json!(raw_headers))
            .start()
            .await;
        let mut refused = 0;
        for count in 80..=98 {
            let answer = fill(&mesh, count).await;
            match answer.status {
                200 => assert_eq!(refused, 0, "{count}"),
                _ => {
                    assert_eq!(answer.status, 431, "{count}: {answer:?}");
                    assert_eq!(answer.json()["code"], "headers_too_many", "{answer:?}");
                    refused += 1;
                }
            }
        }
        assert!(
            (5..=12).contains(&refused),
            "raw headers: {raw_headers}: {refused}"
        );
    }
}

#[tokio::test]
async fn where_both_are_raised_more_headers_pass() {
    let ext_authz = |mesh: &postern_e2e::stack::MeshBuilder| {
        let socket = mesh.folder().join("sidecar.sock");
        json!({ "listen": [format!("unix:{}", socket.display())], "max_headers": 200 })
    };
    let builder = Mesh::builder().await;
    let ext_authz = ext_authz(&builder);
    let mesh = builder
        .sidecar(json!({ "routes": routes(), "ext_authz": ext_authz }))
        .envoy(|envoy| {
            envoy.connection_manager()["common_http_protocol_options"]["max_headers_count"] = json!(200);
        })
        .start()
        .await;
    assert_eq!(fill(&mesh, 150).await.status, 200);
    let refused = fill(&mesh, 195).await;
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (431, &json!("headers_too_many"))
    );
}
