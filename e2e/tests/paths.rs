//! Paths that a proxy, a policy and an upstream could read differently, through an Envoy that leaves them as they are.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on panics"
)]

use postern_e2e::stack::{Answer, EnvoyConfig, Mesh};
use serde_json::json;

/// Envoy as those run it who know nothing of all this: what comes is passed on.
fn as_it_came(envoy: &mut EnvoyConfig) {
    let manager = envoy.connection_manager();
    manager["normalize_path"] = json!(false);
    manager["merge_slashes"] = json!(false);
    manager["path_with_escaped_slashes_action"] = json!("KEEP_UNCHANGED");
}

async fn get(mesh: &Mesh, target: &str, bearer: Option<&str>) -> Answer {
    let start = format!("GET {target} HTTP/1.1");
    let authorization = bearer.map(|bearer| format!("authorization: {bearer}"));
    let mut lines = vec![start.as_str(), "host: a.example"];
    lines.extend(authorization.as_deref());
    mesh.raw(&lines).await
}

#[tokio::test]
async fn a_strict_route_refuses_what_could_be_read_differently() {
    let mesh = Mesh::builder().await.envoy(as_it_came).start().await;
    let bearer = mesh.bearer();
    for target in [
        "/orders/../admin",
        "/orders/..",
        "/./orders",
        "/orders//7",
        "//orders",
        "/orders%2f7",
        "/orders%2F..%2Fadmin",
        "/orders%5c7",
        "/orders/%2e%2e/admin",
        "/orders/.%2E/admin",
        "/orders;v=1",
        "/orders/..;/admin",
        "/orders%3bv=1",
        "/orders%252f7",
        "/orders%23a",
        "/orders%3fa",
        "/orders%01",
        "/orders%c0%af",
        "/orders%ff",
        "/orders%zz",
        "/orders%",
    ] {
        let answer = get(&mesh, target, Some(&bearer)).await;
        assert_eq!(answer.status, 400, "{target}: {answer:?}");
        assert_eq!(answer.json()["code"], "ambiguous_path", "{target}: {answer:?}");
    }
    // Envoy itself takes none of these, or the sidecar doesn't; the upstream sees none.
    for target in ["/orders%00", "/orders\\7", "/orders#a", "/orders\u{1}"] {
        let answer = get(&mesh, target, Some(&bearer)).await;
        assert_eq!(answer.status, 400, "{target:?}: {answer:?}");
    }
    for (target, path) in [
        ("/orders/7", "/orders/7"),
        (
            "/orders/a%20b/%C3%A9?q=/../%2f//",
            "/orders/a%20b/%C3%A9?q=/../%2f//",
        ),
        ("/orders/..7/.a/b.", "/orders/..7/.a/b."),
    ] {
        let answer = get(&mesh, target, Some(&bearer)).await;
        assert_eq!(
            (answer.status, &answer.json()["path"]),
            (200, &json!(path)),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn a_compat_route_passes_bytes_on_and_is_met_by_what_they_mean() {
    let mesh = Mesh::builder()
        .await
        .sidecar(json!({ "routes": [
            { "name": "admin", "match": { "path": { "prefix": "/admin" } }, "paths": "compat", "policy": "off" },
            { "name": "open", "paths": "compat", "accept": "anonymous", "policy": "off" },
        ]}))
        .envoy(as_it_came)
        .start()
        .await;
    for target in [
        "/open/../admin",
        "/open/%2e%2e/admin/x",
        "/%61dmin",
        "//admin",
        "/./admin",
        "/admin;x=1",
        "/open%2f..%2fadmin",
        "/open/..%5cadmin",
        "/open/..;/admin",
        "/admin%2fx",
    ] {
        let answer = get(&mesh, target, None).await;
        assert_eq!(answer.status, 401, "{target}: {answer:?}");
        let answer = get(&mesh, target, Some(&mesh.bearer())).await;
        assert_eq!(
            (answer.status, &answer.json()["path"]),
            (200, &json!(target)),
            "{answer:?}"
        );
        assert_eq!(answer.upstream_header("x-postern-route"), "admin");
    }
    for target in [
        "/a//b",
        "/a/./b;c?d=//",
        "/a%2Fb",
        "/x/../y",
        "/a%252fb",
        "/administrator",
    ] {
        let answer = get(&mesh, target, None).await;
        assert_eq!(
            (answer.status, &answer.json()["path"]),
            (200, &json!(target)),
            "{answer:?}"
        );
        assert_eq!(answer.upstream_header("x-postern-route"), "open");
    }
    for target in ["/a%01", "/a%ff", "/a%c0%af", "/a%zz"] {
        let answer = get(&mesh, target, None).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (400, &json!("ambiguous_path")),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn policy_decides_on_the_path_that_routes_were_met_by() {
    let mesh = Mesh::builder()
        .await
        .demo_policy()
        .await
        .sidecar(json!({ "routes": [{ "name": "all", "paths": "compat" }] }))
        .envoy(as_it_came)
        .start()
        .await;
    let bearer = mesh.bearer();
    for (target, status) in [
        ("/orders", 200),
        ("/x/../orders", 200),
        ("//orders/7", 200),
        ("/orders/../secrets", 403),
        ("/orders/%2e%2e/secrets", 403),
        ("/orders%2f..%2fsecrets", 403),
    ] {
        let answer = get(&mesh, target, Some(&bearer)).await;
        assert_eq!(answer.status, status, "{target}: {answer:?}");
    }
}

#[tokio::test]
async fn the_shipped_envoy_and_a_strict_route_get_along() {
    let mesh = Mesh::builder().await.start().await;
    let bearer = mesh.bearer();
    for (target, path) in [("/a//b/../c", "/a/c"), ("/a%20b", "/a%20b"), ("/%61", "/a")] {
        let answer = get(&mesh, target, Some(&bearer)).await;
        assert_eq!(
            (answer.status, &answer.json()["path"]),
            (200, &json!(path)),
            "{answer:?}"
        );
    }
    assert_eq!(get(&mesh, "/a%2Fb", Some(&bearer)).await.status, 400);
}
