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
