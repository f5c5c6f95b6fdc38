//! The running sidecar answers Envoy: over a Unix socket and TCP, with headers raw and as a map.

#[cfg(test)]
mod world;

use postern_jose::{Algorithm, LocalSigner};
use postern_proto::edge::v1::ValidateTokenRequest;
use postern_proto::edge::v1::auth_edge_service_client::AuthEdgeServiceClient;
use serde_json::json;
use world::{Client, World, token};

#[tokio::test]
async fn requests_are_decided_on_over_both_transports_and_with_both_forms_of_headers() {
    let world = World::new().await;
    let sidecar = world.config().start_ready().await;
    let reader = format!("Bearer {}", world.token("orders:read"));
    let headers = [
        ("authorization", reader.as_str()),
        ("x-postern-subject", "root"),
        ("x_postern_a", "1"),
    ];
    for client in [
        Client::over_unix(&sidecar.config).await,
        Client::over_tcp(&sidecar.config).await,
    ] {
        for raw in [true, false] {
            let answer = client.ask("GET", "/orders", &headers, raw).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            assert_eq!(answer.headers["x-postern-subject"], "alice");
            assert_eq!(answer.headers["x-postern-client"], "shop");
            assert_eq!(answer.headers["x-postern-scope"], "orders:read");
            assert_eq!(answer.removed, ["x-postern-peer", "x_postern_a"]);
            assert_eq!(
                answer.response_headers["x-request-id"],
                answer.headers["x-request-id"]
            );

            let refused = client.ask("POST", "/orders", &headers, raw).await;
            assert_eq!(refused.status, 403);
            assert!(
                refused.headers["www-authenticate"].contains("scope=\"orders:write\""),
                "{refused:?}"
            );
            assert_eq!(refused.json()["code"], "insufficient_scope");
            assert_eq!(
                refused.json()["decision_id"],
                refused.headers["x-postern-decision-id"]
            );
        }
    }
}

#[tokio::test]
async fn what_is_no_valid_token_is_refused_with_401() {
    let world = World::new().await;
    let sidecar = world.config().start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;

    let none = client
        .ask("GET", "/orders", &[("x-request-id", "mine-1")], true)
        .await;
    assert_eq!(
        (none.status, none.headers["www-authenticate"].as_str()),
        (401, "Bearer realm=\"postern\"")
    );
    assert_eq!(
        (
            none.json()["code"].as_str(),
            none.json()["correlation_id"].as_str()
        ),
        (Some("missing_token"), Some("mine-1"))
    );
    assert_eq!(none.headers["x-request-id"], "mine-1");

    let other = LocalSigner::generate(Algorithm::ES256).unwrap();
    let good = world.token("orders:read");
    let tampered = format!("{}AAAA", &good[..good.len() - 4]);
    let scope = json!({ "scope": "orders:read" });
    let expired = json!({ "scope": "orders:read", "exp": world::now() - 100 });
    for (bad, code) in [
        (tampered, "invalid_token"),
        (token(&other, &scope), "invalid_token"),
        (
            token(&world.issuer, &json!({ "aud": "urn:other" })),
            "invalid_token",
        ),
        (
            token(&world.issuer, &json!({ "iss": "https://other.example" })),
            "invalid_token",
        ),
        (token(&world.issuer, &expired), "token_expired"),
        ("abc".to_owned(), "invalid_token"),
        ("a".repeat(20_480), "invalid_token"),
    ] {
        let answer = client.get("/orders", &bad).await;
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (401, Some(code)),
            "{bad}"
        );
        assert!(answer.headers["www-authenticate"].contains("error=\"invalid_token\""));
    }
    assert_eq!(client.get("/orders", &good).await.status, 200);

    let metrics = sidecar.metrics().await;
    for line in [
        "outcome=\"allowed\",code=\"ok\"} 1",
        "outcome=\"denied\",code=\"token_expired\"} 1",
        "postern_token_cache_misses_total 1",
        "# HELP postern_check_duration_seconds ",
        "postern_check_duration_seconds_bucket",
        "postern_ready 1",
        "postern_token_cache_entries 1",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn each_decision_is_a_log_line_that_holds_no_secret() {
    let world = World::new().await;
    let sidecar = world.config().start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let authorization = format!("Bearer {}", world.token("orders:read"));
    let headers = [
        ("authorization", authorization.as_str()),
        ("x-request-id", "req-7"),
        ("traceparent", trace),
    ];
    let answer = client.ask("GET", "/orders?secret=hunter2", &headers, true).await;
    let log = sidecar.log();
    let line = log.iter().find(|line| line["correlation_id"] == "req-7").unwrap();
    assert_eq!(line["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(line["decision_id"], answer.headers["x-postern-decision-id"]);
    assert_eq!(
        (&line["outcome"], &line["subject"]),
        (&json!("allowed"), &json!("alice"))
    );
    assert_eq!(
        (&line["path"], &line["policy_revision"]),
        (&json!("/orders"), &json!("r1"))
    );
    let text = std::fs::read_to_string(sidecar.config.folder.join("log")).unwrap();
    assert!(
        !text.contains("hunter2") && !text.contains(&authorization),
        "{text}"
    );
}

#[tokio::test]
async fn applications_ask_about_tokens_without_envoy() {
    let world = World::new().await;
    let sidecar = world.config().start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    let mut edge = AuthEdgeServiceClient::new(client.channel.clone());
    let mut ask = async |token: String| {
        edge.validate_token(ValidateTokenRequest { token })
            .await
            .unwrap()
            .into_inner()
    };
    let good = ask(world.token("orders:read")).await;
    assert!(good.valid && good.code.is_empty());
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&good.claims_json).unwrap()["sub"],
        "alice"
    );
    let bad = ask(token(&world.issuer, &json!({ "exp": 1 }))).await;
    assert_eq!(
        (bad.valid, bad.code.as_str(), bad.claims_json.as_str()),
        (false, "token_expired", "")
    );
    // Why a forged token is refused helps only its forger: the log and the metric say it.
    let forged = LocalSigner::generate(Algorithm::ES256).unwrap();
    let bad = ask(token(&forged, &json!({}))).await;
    assert_eq!((bad.valid, bad.code.as_str()), (false, "invalid_token"));
    let log = sidecar.log();
    let lines: Vec<_> = log
        .iter()
        .filter(|line| line["message"] == "token validation")
        .map(|line| (line["outcome"].as_str().unwrap(), line["code"].as_str()))
        .collect();
    assert_eq!(
        lines,
        [
            ("valid", None),
            ("refused", Some("token_expired")),
            ("refused", Some("token_key_unknown")),
        ]
    );
    let metrics = sidecar.metrics().await;
    for line in [
        "postern_token_validations_total{outcome=\"valid\",code=\"ok\"} 1",
        "postern_token_validations_total{outcome=\"refused\",code=\"token_key_unknown\"} 1",
    ] {
        assert!(
            metrics.lines().any(|it| it == line),
            "{line} is not in\n{metrics}"
        );
    }
}

#[tokio::test]
async fn every_admin_answer_names_its_request() {
    let world = World::new().await;
    let sidecar = world.config().start_ready().await;
    for path in ["/healthz", "/readyz", "/metrics", "/snapshot", "/nothing"] {
        assert_eq!(
            sidecar.request_id(path, "asked.by-me_1").await,
            "asked.by-me_1",
            "{path}"
        );
        let made = sidecar.request_id(path, "not well-formed").await;
        assert!(made.len() == 36 && made != "not well-formed", "{path}: {made}");
    }
}

#[tokio::test]
async fn admin_answers_what_operators_ask() {
    let world = World::new().await;
    let sidecar = world.config().start_ready().await;
    assert_eq!(sidecar.readyz().await, (200, json!({ "ready": true })));
    let snapshot = sidecar.snapshot().await;
    assert_eq!(
        (&snapshot["ready"], &snapshot["not_ready"]),
        (&json!(true), &json!([]))
    );
    assert_eq!(snapshot["issuers"][0]["issuer"], world::ISSUER);
    assert_eq!(
        (
            &snapshot["issuers"][0]["keys"],
            &snapshot["issuers"][0]["from_disk"]
        ),
        (&json!(1), &json!(false))
    );
    assert_eq!(
        (&snapshot["bundle"]["name"], &snapshot["bundle"]["revision"]),
        (&json!("demo"), &json!("r1"))
    );
    assert_eq!(
        snapshot["bundle"]["entrypoints"],
        json!(["orders/authz/decision"])
    );
    assert_eq!(snapshot["control_plane"], json!(null));
    let (status, problem) = sidecar.admin("/nothing").await;
    assert_eq!((status, &problem["code"]), (404, &json!("not_found")));
    assert!(sidecar.terminate().0.success());
}
