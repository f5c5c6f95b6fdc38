//! What applications in the pod ask: AuthEdgeService, health, reflection; and checks whose token only its issuer can read.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on panics"
)]

#[cfg(test)]
#[path = "edge/introspection.rs"]
mod introspection;
#[cfg(test)]
#[path = "edge/served.rs"]
mod served;
#[cfg(test)]
mod world;

use std::sync::Arc;
use std::time::Duration;

use postern_proto::edge::v1::auth_edge_service_client::AuthEdgeServiceClient;
use postern_proto::edge::v1::introspect_token_response::Source;
use postern_proto::edge::v1::{GetServiceIdentityRequest, IntrospectTokenRequest, ValidateTokenRequest};
use postern_telemetry::Code;
use serde_json::{Value as Json, json};
use tokio::sync::Notify;
use tokio::time::Instant;

use introspection::{Asked, Behaviour, active, refused};
use world::{Client, ISSUER, World, eventually, now};

#[tokio::test]
async fn a_jwt_is_answered_here_and_shown_to_nobody() {
    let asked = Asked::new(active(), json!({})).await;
    let answer = asked.ask(&asked.world.token("orders:read")).await.unwrap();
    assert!(answer.active);
    assert_eq!(answer.source(), Source::Local);
    let claims: Json = serde_json::from_str(&answer.claims_json).unwrap();
    assert_eq!(claims["sub"], "alice");

    let expired = json!({ "exp": now() - 100 });
    let answer = asked
        .ask(&world::token(&asked.world.issuer, &expired))
        .await
        .unwrap();
    assert_eq!((answer.active, answer.code.as_str()), (false, "token_expired"));
    assert_eq!(answer.claims_json, "");
    assert_eq!(asked.endpoint.calls(), 0);
}

#[tokio::test]
async fn another_token_is_asked_about_once_and_remembered() {
    let asked = Asked::new(active(), json!({})).await;
    let first = asked.ask("opaque/token+1").await.unwrap();
    assert_eq!((first.active, first.source()), (true, Source::Issuer));
    let claims: Json = serde_json::from_str(&first.claims_json).unwrap();
    assert_eq!(claims["sub"], "bob");
    // RFC 6749 §2.3.1: both halves form-encoded before they are joined.
    let (credentials, body) = asked.endpoint.shared.last.lock().unwrap().clone();
    assert_eq!(credentials, "Basic c2lkZSUzQWNhcjpzJTNBZSUyRmMlMkJyZXQ=");
    assert_eq!(body, "token=opaque%2Ftoken%2B1&token_type_hint=access_token");

    let second = asked.ask("opaque/token+1").await.unwrap();
    assert_eq!((second.active, second.source()), (true, Source::Cache));
    assert_eq!(asked.endpoint.calls(), 1);
    asked.ask("opaque-2").await.unwrap();
    assert_eq!(asked.endpoint.calls(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_ask_about_one_token_at_once_cost_its_issuer_one_call() {
    let asked = Asked::new(active(), json!({ "timeout_ms": 5000 })).await;
    let let_go = Arc::new(Notify::new());
    asked.endpoint.now(Behaviour::Held(Arc::clone(&let_go)));
    let checks = futures_util::future::join_all((0..20).map(|_| asked.checks.get("/orders", "opaque")));
    let holding = async {
        eventually(Duration::from_secs(10), "the issuer is asked", || async {
            asked.endpoint.calls() > 0
        })
        .await;
        // Sent behind the others on their connection: once it is answered, they have all begun.
        asked.checks.get("/nowhere", "").await;
        let_go.notify_one();
    };
    let (answers, ()) = tokio::join!(checks, holding);
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert_eq!(asked.endpoint.calls(), 1);
    // Another token isn't that one.
    assert_eq!(asked.checks.get("/orders", "opaque-2").await.status, 200);
    assert_eq!(asked.endpoint.calls(), 2);
}

/// RFC 7519 §2 has fractions; and one token's answer that can't be read shuts out no other token.
#[tokio::test]
async fn an_exp_with_a_fraction_is_read_and_one_that_is_none_opens_no_breaker() {
    let asked = Asked::new(active(), json!({ "breaker": { "failures_to_open": 2 } })).await;
    let mut says = active();
    says["exp"] = json!(now() as f64 + 600.5);
    asked.endpoint.now(Behaviour::Says(says.clone()));
    assert!(asked.ask("opaque").await.unwrap().active);
    assert_eq!(asked.ask("opaque").await.unwrap().source(), Source::Cache);

    says["exp"] = json!("soon");
    let unreadable = says.to_string();
    let large = format!(r#"{{"active":true,"pad":"{}"}}"#, "a".repeat(70_000));
    for text in [&unreadable, &large, &unreadable, &large] {
        asked.endpoint.now(Behaviour::SaysText(text.clone()));
        let error = refused(asked.ask("strange").await);
        assert_eq!(error.code(), Code::IntrospectionUnavailable);
        assert_eq!(asked.checks.get("/orders", "strange").await.status, 503);
    }
    assert_eq!(asked.endpoint.calls(), 9, "nothing of that is remembered");
    asked.endpoint.now(Behaviour::Says(active()));
    assert!(
        asked.ask("opaque-2").await.unwrap().active,
        "the breaker is closed"
    );
    // Whatever isn't an introspection response isn't the issuer's.
    for _ in 0..2 {
        asked
            .endpoint
            .now(Behaviour::SaysText("<html>we will be back".to_owned()));
        assert!(asked.ask("opaque-3").await.is_err());
    }
    asked.endpoint.now(Behaviour::Says(active()));
    assert!(asked.ask("opaque-3").await.is_err(), "the breaker is open");
}

#[tokio::test]
async fn a_no_is_an_answer_and_remembered_briefly() {
    let asked = Asked::new(json!({ "active": false }), json!({})).await;
    for source in [Source::Issuer, Source::Cache] {
        let answer = asked.ask("opaque").await.unwrap();
        assert_eq!((answer.active, answer.code.as_str()), (false, "invalid_token"));
        assert_eq!(answer.source(), source);
    }
    assert_eq!(asked.endpoint.calls(), 1);
}

#[tokio::test]
async fn a_yes_for_somebody_else_is_a_no_here() {
    let asked = Asked::new(active(), json!({ "cache_seconds": 0 })).await;
    for (name, value) in [
        ("aud", json!("urn:somebody:else")),
        ("aud", Json::Null),
        ("iss", json!("https://other.example")),
        ("exp", json!(now() - 100)),
        ("nbf", json!(now() + 1_000)),
    ] {
        let mut says = active();
        says[name] = value.clone();
        asked.endpoint.now(Behaviour::Says(says));
        let answer = asked.ask("opaque").await.unwrap();
        assert!(!answer.active, "{name} {value}: {answer:?}");
        assert_eq!(answer.claims_json, "");
    }
}

#[tokio::test]
async fn what_cannot_be_a_token_is_shown_to_nobody() {
    let asked = Asked::new(active(), json!({})).await;
    for token in ["", "two words", "a\nb", "é", &"a".repeat(20_000)] {
        assert!(!asked.ask(token).await.unwrap().active);
    }
    assert_eq!(asked.endpoint.calls(), 0);
}

#[tokio::test]
async fn an_issuer_that_fails_is_left_alone_and_found_again() {
    let breaker = json!({ "failures_to_open": 3, "successes_to_close": 1, "open_seconds": 1 });
    let asked = Asked::new(active(), json!({ "breaker": breaker })).await;
    asked.endpoint.now(Behaviour::Fails);
    for _ in 0..3 {
        let error = refused(asked.ask("opaque").await);
        assert_eq!(error.code(), Code::IntrospectionUnavailable);
    }
    assert_eq!(asked.endpoint.calls(), 3);
    // Open: at once, and the caller is told when to come again.
    let asked_at = Instant::now();
    for _ in 0..20 {
        let error = refused(asked.ask("opaque").await);
        assert_eq!(error.retry_after_seconds(), Some(1));
    }
    assert!(asked_at.elapsed() < Duration::from_millis(900));
    assert_eq!(asked.endpoint.calls(), 3);
    let metrics = asked.sidecar.metrics().await;
    let open = format!("postern_breaker_state{{downstream=\"introspection {ISSUER}\",state=\"open\"}} 1");
    assert!(metrics.contains(&open), "{metrics}");

    asked.endpoint.now(Behaviour::Says(active()));
    eventually(Duration::from_secs(10), "asked again", || async {
        asked.ask("opaque").await.is_ok_and(|answer| answer.active)
    })
    .await;
}

#[tokio::test]
async fn an_issuer_that_hangs_costs_its_deadline_and_one_that_babbles_is_not_believed() {
    let asked = Asked::new(active(), json!({ "breaker": { "failures_to_open": 100 } })).await;
    asked.endpoint.now(Behaviour::Hangs);
    let asked_at = Instant::now();
    let error = refused(asked.ask("opaque").await);
    assert_eq!(error.code(), Code::IntrospectionUnavailable);
    assert!(
        asked_at.elapsed() < Duration::from_secs(2),
        "{:?}",
        asked_at.elapsed()
    );
    for text in [
        "no JSON".to_owned(),
        "[]".to_owned(),
        r#"{"active":"true"}"#.to_owned(),
        format!(r#"{{"active":true,"pad":"{}"}}"#, "a".repeat(70_000)),
    ] {
        asked.endpoint.now(Behaviour::SaysText(text));
        let error = refused(asked.ask("opaque").await);
        assert_eq!(error.code(), Code::IntrospectionUnavailable);
    }
}

#[tokio::test]
async fn what_was_said_serves_on_for_as_long_as_is_configured() {
    let settings = json!({ "cache_seconds": 1, "serve_stale_seconds": 600 });
    let asked = Asked::new(active(), settings).await;
    assert_eq!(asked.ask("opaque").await.unwrap().source(), Source::Issuer);
    asked.endpoint.now(Behaviour::Fails);
    eventually(Duration::from_secs(10), "stale", || async {
        let answer = asked.ask("opaque").await.unwrap();
        assert!(answer.active);
        answer.source() == Source::Stale
    })
    .await;
    // Of another token nothing is known.
    assert!(asked.ask("another").await.is_err());
}

#[tokio::test]
async fn a_check_whose_token_only_its_issuer_can_read_waits_for_its_word() {
    let asked = Asked::new(active(), json!({})).await;
    let allowed = asked.checks.get("/orders", "opaque").await;
    assert_eq!(allowed.status, 200, "{allowed:?}");
    assert_eq!(allowed.headers["x-postern-subject"], "bob");
    let again = asked.checks.get("/orders", "opaque").await;
    assert_eq!((again.status, asked.endpoint.calls()), (200, 1));

    asked.endpoint.now(Behaviour::Says(json!({ "active": false })));
    let inactive = asked.checks.get("/orders", "revoked").await;
    assert_eq!(inactive.status, 401, "{inactive:?}");

    asked.endpoint.now(Behaviour::Fails);
    let unknown = asked.checks.get("/orders", "unknown").await;
    assert_eq!(unknown.status, 503, "{unknown:?}");
    assert_eq!(unknown.json()["code"], "introspection_unavailable");
    assert!(unknown.headers.contains_key("retry-after"), "{unknown:?}");
}

#[tokio::test]
async fn a_token_that_names_no_issuer_needs_one_named_where_none_can_be_asked() {
    let world = World::new().await;
    let sidecar = world.config().start_ready().await;
    let channel = Client::over_unix(&sidecar.config).await.channel;
    let request = IntrospectTokenRequest {
        token: "opaque".to_owned(),
        issuer: String::new(),
    };
    let answer = AuthEdgeServiceClient::new(channel)
        .introspect_token(request)
        .await;
    let error = postern_telemetry::Error::from_status(&answer.unwrap_err());
    assert_eq!(error.code(), Code::ValidationFailed);
    assert_eq!(error.fields()[0].field, "issuer");
}

#[tokio::test]
async fn a_certificate_is_read_by_the_rules_of_svids() {
    let world = World::new().await;
    let sidecar = world.config().start_ready().await;
    let mut edge = AuthEdgeServiceClient::new(Client::over_unix(&sidecar.config).await.channel);
    let ask = |certificate_pem: &str| GetServiceIdentityRequest {
        certificate_pem: certificate_pem.to_owned(),
    };
    let good = include_str!("../../common/mesh/tests/vectors/openssl-leaf.pem");
    let identity = edge.get_service_identity(ask(good)).await.unwrap().into_inner();
    assert!(identity.spiffe_id.starts_with("spiffe://"), "{identity:?}");
    assert_eq!(
        identity.spiffe_id,
        format!("spiffe://{}{}", identity.trust_domain, identity.path)
    );
    assert!(identity.not_before < identity.not_after);
    for bad in ["", "no certificate", &format!("{good}{good}")] {
        let status = edge.get_service_identity(ask(bad)).await.unwrap_err();
        let error = postern_telemetry::Error::from_status(&status);
        assert_eq!(error.code(), Code::ValidationFailed);
        assert_eq!(error.fields()[0].field, "certificate_pem");
    }
    // Beside it, what there was before.
    let request = ValidateTokenRequest {
        token: world.token("orders:read"),
    };
    assert!(edge.validate_token(request).await.unwrap().into_inner().valid);
}
