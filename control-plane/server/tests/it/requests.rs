//! What every request gets, whatever it asks for: its ids back, a log line, a place in the metrics.

use postern_proto::token::v1::GetJwksRequest;
use postern_proto::token::v1::token_service_client::TokenServiceClient;

use crate::support::{House, json};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test]
async fn ids_are_echoed_over_http_and_stand_in_every_line_of_the_request() {
    let house = House::new();
    let plane = house.start();
    let secret = plane.reader().await;
    let answer = reqwest::Client::new()
        .post(format!("{}/oauth2/token", plane.http))
        .basic_auth("reader", Some(&secret))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-request-id", "test-42")
        .header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"))
        .body("grant_type=client_credentials")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["x-request-id"], "test-42");
    let trace = answer.headers()["traceparent"].to_str().unwrap();
    assert!(
        trace.contains(TRACE) && !trace.contains("00f067aa0ba902b7"),
        "the same trace, another hop: {trace}"
    );

    let lines = plane.log_of("test-42", 2).await;
    let messages: Vec<_> = lines.iter().filter_map(|line| line["message"].as_str()).collect();
    assert_eq!(
        messages,
        ["access token issued", "request"],
        "the token service's line too"
    );
    for line in &lines {
        assert_eq!(line["trace_id"], TRACE, "{line}");
    }
    assert_eq!(lines[1]["path"], "/oauth2/token");
    assert_eq!(lines[1]["status"], "200");
}

#[tokio::test]
async fn ids_that_are_ill_formed_or_missing_are_made() {
    let house = House::new();
    let plane = house.start();
    let mut seen = Vec::new();
    for id in [None, Some("a b"), Some("x\"y")] {
        let mut request = plane.get("/healthz").header("traceparent", "nonsense");
        if let Some(id) = id {
            request = request.header("x-request-id", id);
        }
        let answer = request.send().await.unwrap();
        let made = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
        assert_ne!(Some(made.as_str()), id);
        assert_eq!(answer.headers()["traceparent"].len(), 55);
        assert!(!seen.contains(&made));
        seen.push(made);
    }
}

#[tokio::test]
async fn ids_are_echoed_over_grpc_also_on_refusals() {
    let house = House::new();
    let plane = house.start();
    for (credential, ok) in [(&plane.admin, true), (&plane.sidecar, false)] {
        let mut token = TokenServiceClient::new(plane.authorized(credential).await);
        let mut request = tonic::Request::new(GetJwksRequest {});
        request
            .metadata_mut()
            .insert("x-request-id", "test-43".parse().unwrap());
        let metadata = match token.get_jwks(request).await {
            Ok(answer) if ok => answer.metadata().clone(),
            Err(status) if !ok => status.metadata().clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(metadata.get("x-request-id").unwrap(), "test-43");
        assert!(metadata.get("traceparent").is_some());
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let house = House::new();
    let plane = house.start();
    let answer = plane.get("/oauth2/token").send().await.unwrap();
    assert_eq!(answer.status(), 405);
    assert_eq!(answer.headers()["allow"], "POST");
    assert_eq!(json(answer).await["code"], "method_not_allowed");
}

#[tokio::test]
async fn metrics_have_help_and_labels_with_a_bound() {
    let house = House::new();
    let plane = house.start();
    for path in ["/healthz", "/strange/1", "/strange/2"] {
        plane.get(path).bearer_auth(&plane.admin).send().await.unwrap();
    }
    let answer = plane
        .get("/metrics")
        .bearer_auth(&plane.admin)
        .send()
        .await
        .unwrap();
    assert!(
        answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain; version=0.0.4")
    );
    let text = answer.text().await.unwrap();
    for name in [
        "requests_total",
        "request_duration_seconds",
        "bundles",
        "sync_watches",
        "bundle_requests_held",
    ] {
        assert!(
            text.contains(&format!("# HELP postern_control_plane_{name} ")),
            "{name}: {text}"
        );
    }
    assert!(text.contains("endpoint=\"unknown\",status=\"404\"} 2"), "{text}");
    assert!(!text.contains("strange"), "{text}");
    for line in text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        assert!(line.starts_with("postern_control_plane_"), "{line}");
    }
}

#[tokio::test]
async fn health_and_readiness_are_json() {
    let house = House::new();
    let plane = house.start();
    assert_eq!(
        json(plane.get("/healthz").send().await.unwrap()).await["status"],
        "ok"
    );
    assert_eq!(
        json(plane.get("/readyz").send().await.unwrap()).await["ready"],
        true
    );
}
