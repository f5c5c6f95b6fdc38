//! One id and one trace through every hop, every answer and every log line.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on panics"
)]

use std::time::Duration;

use postern_e2e::stack::{Stack, wait_until};

#[tokio::test]
async fn a_well_formed_request_id_goes_through_and_comes_back() {
    let stack = Stack::start().await;
    let token = stack.token("reader").await;
    let id = "4bf92f35-77b3-4da6-a3ce-929d0e0e4736";
    let allowed = stack
        .ask(
            "GET",
            "/orders",
            &[
                ("authorization", &format!("Bearer {token}")),
                ("x-request-id", id),
            ],
        )
        .await;
    assert_eq!(allowed.upstream_header("x-request-id"), id);
    assert_eq!(
        (allowed.header("x-request-id"), allowed.count("x-request-id")),
        (id, 1)
    );

    let denied = stack.ask("GET", "/orders", &[("x-request-id", id)]).await;
    assert_eq!(
        (denied.header("x-request-id"), denied.count("x-request-id")),
        (id, 1)
    );
    assert_eq!(denied.json()["correlation_id"], id);
    let log = std::fs::read_to_string(stack.folder().join("logs/sidecar.log")).unwrap();
    let line = log
        .lines()
        .find(|line| line.contains(id))
        .expect("the denial is logged under its id");
    let line: serde_json::Value = serde_json::from_str(line).expect("log lines are JSON");
    assert_eq!(line["correlation_id"], id);
    assert!(
        line["trace_id"].as_str().is_some_and(|trace| trace.len() == 32),
        "{line}"
    );

    let keys = format!("{}/.well-known/jwks.json", stack.url("issuer"));
    let answer = stack
        .http
        .get(keys)
        .header("x-request-id", id)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["x-request-id"], id, "the control plane too");
    for part in ["control-plane", "envoy"] {
        let path = stack.folder().join(format!("logs/{part}.log"));
        wait_until(
            &format!("{part} logs the id"),
            Duration::from_secs(15),
            || async {
                std::fs::read_to_string(&path).is_ok_and(|log| log.lines().any(|line| logged_under(line, id)))
            },
        )
        .await;
    }
}

/// Whether the line is JSON and about the request of this id.
fn logged_under(line: &str, id: &str) -> bool {
    let line: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
    line["correlation_id"] == id
}

#[tokio::test]
async fn an_ill_formed_or_missing_request_id_is_replaced() {
    let stack = Stack::start().await;
    let token = stack.token("reader").await;
    let authorization = format!("Bearer {token}");
    for headers in [
        vec![
            ("authorization", authorization.as_str()),
            ("x-request-id", "<script>alert(1)</script>"),
        ],
        vec![("authorization", authorization.as_str())],
    ] {
        let answer = stack.ask("GET", "/orders", &headers).await;
        let id = answer.header("x-request-id");
        assert_eq!(id.len(), 36, "{answer:?}");
        assert_eq!(answer.upstream_header("x-request-id"), id);
    }
}

#[tokio::test]
async fn a_trace_goes_on_where_one_came_and_begins_where_none_did() {
    let stack = Stack::start().await;
    let token = stack.token("reader").await;
    let authorization = format!("Bearer {token}");
    let (trace, parent) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    let sent = format!("00-{trace}-{parent}-01");
    let answer = stack
        .ask(
            "GET",
            "/orders",
            &[("authorization", &authorization), ("traceparent", &sent)],
        )
        .await;
    let seen = answer.upstream_header("traceparent");
    assert!(
        seen.starts_with(&format!("00-{trace}-")) && seen.ends_with("-01"),
        "{seen}"
    );

    let begun = stack.get("/orders", &token).await.upstream_header("traceparent");
    assert_eq!(
        begun.split('-').map(str::len).collect::<Vec<_>>(),
        [2, 32, 16, 2],
        "{begun}"
    );

    let broken = stack
        .ask(
            "GET",
            "/orders",
            &[("authorization", &authorization), ("traceparent", "00-zz-zz-01")],
        )
        .await
        .upstream_header("traceparent");
    assert_eq!(
        broken.split('-').map(str::len).collect::<Vec<_>>(),
        [2, 32, 16, 2],
        "{broken}"
    );
}

#[tokio::test]
async fn a_caller_can_neither_forge_what_is_logged_nor_leave_a_token_there() {
    let stack = Stack::start().await;
    let id = "0b3e1c9e-0000-4000-8000-00000000f0f0";
    let answer = stack
        .ask(
            "GET",
            "/orders?access_token=leaked-token",
            &[
                ("x-request-id", id),
                ("x-envoy-original-path", "/forged"),
                ("x-envoy-upstream-rq-timeout-ms", "77"),
            ],
        )
        .await;
    assert_eq!(answer.status, 401, "{answer:?}");
    let token = stack.token("reader").await;
    let seen = stack
        .ask(
            "GET",
            "/orders",
            &[
                ("authorization", &format!("Bearer {token}")),
                ("x-envoy-internal", "true"),
            ],
        )
        .await;
    assert!(
        !seen
            .upstream_header_names()
            .contains(&"x-envoy-internal".to_owned()),
        "{seen:?}"
    );

    let log = |part: &str| std::fs::read_to_string(stack.folder().join(format!("logs/{part}.log"))).unwrap();
    wait_until("Envoy logs the request", Duration::from_secs(15), || async {
        log("envoy")
            .lines()
            .any(|line| logged_under(line, id) && line.contains(r#""path":"/orders""#))
    })
    .await;
    for part in ["envoy", "sidecar", "control-plane", "upstream"] {
        assert!(
            !log(part).contains("leaked-token") && !log(part).contains("/forged"),
            "{part}.log"
        );
    }
}
