//! Routes through a real Envoy: which one decides, and that `routes test` says the same.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on panics"
)]

use std::process::Command;

use postern_e2e::stack::{Mesh, binary};
use serde_json::json;

/// What `routes test` says: the route's name, or why there is none.
fn told(mesh: &Mesh, request: &str, context: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(binary("postern-sidecar"));
    command
        .arg("--config")
        .arg(mesh.folder().join("sidecar.yaml"))
        .args(["routes", "test", request]);
    for pair in context {
        command.args(["--context", pair]);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let route = text
        .lines()
        .find_map(|line| line.strip_prefix("route"))
        .and_then(|rest| rest.split_whitespace().next())
        .unwrap_or_default()
        .to_owned();
    (output.status.code(), route)
}

#[tokio::test]
async fn the_first_route_that_a_request_meets_decides_and_none_denies() {
    let mesh = Mesh::builder()
        .await
        .sidecar(json!({ "routes": [
            { "name": "health", "match": { "path": { "exact": "/health" }, "methods": ["GET"] },
              "accept": "anonymous", "policy": "off" },
            { "name": "gold", "match": { "context_extensions": { "tier": "gold" } },
              "accept": "anonymous", "policy": "off" },
            { "name": "items", "match": { "hosts": ["orders.example"],
              "path": { "template": "/orders/{id}/items" } }, "policy": "off" },
            { "name": "files", "match": { "hosts": ["*.shop.example"],
              "path": { "template": "/files/{rest=**}" }, "methods": ["GET", "HEAD"] },
              "accept": "anonymous", "policy": "off" },
        ]}))
        .envoy(|envoy| {
            let settings = json!({ "check_settings": { "context_extensions": { "tier": "gold" } } });
            envoy.route_with("/gold", settings);
        })
        .start()
        .await;
    let bearer = mesh.bearer();
    for (method, host, path, context, route) in [
        ("GET", "a.example", "/health", &[][..], "health"),
        ("GET", "a.example:8443", "/health?x=/gold", &[], "health"),
        ("POST", "a.example", "/health", &[], "none:"),
        ("GET", "a.example", "/health/", &[], "none:"),
        ("GET", "a.example", "/gold/bars", &["tier=gold"], "gold"),
        ("GET", "Orders.EXAMPLE", "/orders/7/items", &[], "items"),
        ("GET", "orders.example:80", "/orders/7/items", &[], "items"),
        ("GET", "orders.example", "/orders/7", &[], "none:"),
        ("GET", "evil.orders.example", "/orders/7/items", &[], "none:"),
        ("HEAD", "eu.shop.example", "/files/a/b", &[], "files"),
        ("GET", "shop.example", "/files/a", &[], "none:"),
        ("DELETE", "eu.shop.example", "/files/a", &[], "none:"),
    ] {
        let lines = [
            format!("{method} {path} HTTP/1.1"),
            format!("host: {host}"),
            format!("authorization: {bearer}"),
        ];
        let with_token: Vec<&str> = lines.iter().map(String::as_str).collect();
        // A public route is a public route whatever else comes along, so it is asked without.
        let lines = if matches!(route, "items" | "none:") {
            &with_token[..]
        } else {
            &with_token[..2]
        };
        let answer = mesh.raw(lines).await;
        let said = told(&mesh, &format!("{method} http://{host}{path}"), context);
        if route == "none:" {
            assert_eq!(answer.status, 403, "{lines:?}: {answer:?}");
            assert_eq!(answer.json()["code"], "no_route", "{answer:?}");
            assert_eq!(said, (Some(1), "none:".to_owned()), "{lines:?}");
        } else {
            assert_eq!(answer.status, 200, "{lines:?}: {answer:?}");
            assert_eq!(said, (Some(0), route.to_owned()), "{lines:?}");
            if method != "HEAD" {
                assert_eq!(answer.upstream_header("x-postern-route"), route, "{answer:?}");
            }
        }
    }
    let items = ["GET /orders/7/items HTTP/1.1", "host: orders.example"];
    assert_eq!(
        mesh.raw(&items).await.status,
        401,
        "the route is met, its token is missing"
    );
}

#[tokio::test]
async fn a_sidecar_that_takes_no_tokens_needs_neither_issuers_nor_policy() {
    let mesh = Mesh::builder()
        .await
        .sidecar(json!({
            "issuers": null,
            "routes": [{ "name": "all", "accept": "anonymous", "policy": "off" }],
        }))
        .start()
        .await;
    let answer = mesh.ask("GET", "/orders", &[]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let snapshot = mesh.admin("/snapshot").await.json();
    assert_eq!(
        (&snapshot["ready"], &snapshot["bundle"]),
        (&json!(true), &json!(null)),
        "{snapshot}"
    );
}
