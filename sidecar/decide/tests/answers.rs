//! What a policy's answer becomes: what the upstream and the client get, and what neither a client nor a policy can do.

#[cfg(test)]
mod world;

use postern_decide::{HeaderPrefix, Now};
use postern_telemetry::{Code, TraceParent};
use proptest::prelude::*;
use serde_json::json;
use world::{NOW, Says, World, allowed, body, denied, header};

#[test]
fn the_upstream_is_told_who_called() {
    let world = World::allowing();
    let decision = world.ask(&world.token(&json!({})), &[]);
    let allow = allowed(&decision);
    let told = |name| header(&allow.upstream_set, name);
    assert_eq!(told("x-postern-subject"), Some("alice"));
    assert_eq!(told("x-postern-client"), Some("shop"));
    assert_eq!(told("x-postern-scope"), Some("orders:read orders:write"));
    assert_eq!(
        told("x-postern-decision-id"),
        Some(decision.record.decision_id.to_string().as_str())
    );
    assert_eq!(
        told("x-request-id"),
        Some(decision.record.correlation_id.as_str())
    );
    assert!(told("traceparent").unwrap().contains(&decision.record.trace_id()));
    assert_eq!(header(&allow.response_set, "x-request-id"), told("x-request-id"));
    assert_eq!(decision.record.decision_id.get_version_num(), 4);
}

#[test]
fn what_the_token_does_not_say_is_taken_from_the_client_too() {
    let world = World::allowing();
    let token = world.token(&json!({ "sub": null, "client_id": null, "scope": null }));
    let decision = world.ask(
        &token,
        &[("x-postern-subject", "root"), ("x-postern-scope", "all")],
    );
    let allow = allowed(&decision);
    assert_eq!(header(&allow.upstream_set, "x-postern-subject"), None);
    assert_eq!(
        allow.upstream_remove,
        [
            "x-postern-client",
            "x-postern-peer",
            "x-postern-scope",
            "x-postern-subject"
        ]
    );
}

#[test]
fn a_well_formed_correlation_id_and_trace_are_kept_and_others_replaced() {
    let world = World::allowing();
    let token = world.token(&json!({}));
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let decision = world.ask(
        &token,
        &[
            ("x-request-id", "req-1"),
            ("traceparent", trace),
            ("tracestate", "a=1"),
        ],
    );
    let allow = allowed(&decision);
    assert_eq!(decision.record.correlation_id.as_str(), "req-1");
    assert_eq!(decision.record.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
    let sent = TraceParent::parse(header(&allow.upstream_set, "traceparent").unwrap()).unwrap();
    assert_eq!(sent.trace_id(), decision.record.trace_id());
    assert_ne!(sent.parent_id(), "00f067aa0ba902b7");
    assert_eq!(
        allow.upstream_remove,
        ["x-postern-peer"],
        "nobody was proved to be it"
    );

    let odd = world.ask(
        &token,
        &[
            ("x-request-id", "a b"),
            ("traceparent", "00-0-0-00"),
            ("tracestate", "a=1"),
        ],
    );
    assert_ne!(odd.record.correlation_id.as_str(), "a b");
    assert_eq!(allowed(&odd).upstream_remove, ["tracestate", "x-postern-peer"]);
}

#[test]
fn policy_adds_headers_and_takes_some_away() {
    let world = World::with_policy(Says::This(json!({
        "allowed": true,
        "headers": { "X-Role": ["a", "b"], "x-postern-tier": "gold" },
        "request_headers_to_remove": ["Cookie", "x-role"],
        "response_headers_to_add": { "x-seen": "1" },
        "dynamic_metadata": { "tier": 3 },
        "query_parameters_to_remove": ["debug"],
    })));
    let decision = world.ask(
        &world.token(&json!({})),
        &[("x-postern-tier", "free"), ("x_postern_tier", "free")],
    );
    let allow = allowed(&decision);
    let roles: Vec<_> = allow
        .upstream_set
        .iter()
        .filter(|one| one.name() == "x-role")
        .map(postern_decide::Header::value)
        .collect();
    assert_eq!(roles, ["a", "b"]);
    assert_eq!(header(&allow.upstream_set, "x-postern-tier"), Some("gold"));
    assert_eq!(
        allow.upstream_remove,
        ["cookie", "x-postern-peer", "x_postern_tier"]
    );
    assert_eq!(header(&allow.response_set, "x-seen"), Some("1"));
    assert_eq!(allow.query_remove, ["debug"]);
    assert!(allow.metadata.is_some());
}

#[test]
fn policy_cannot_change_who_called() {
    let world = World::with_policy(Says::This(json!({
        "allowed": true,
        "headers": { "x-postern-subject": "root", "X-Postern-Decision-Id": "mine", "x-request-id": "mine" },
    })));
    let decision = world.ask(&world.token(&json!({})), &[]);
    let allow = allowed(&decision);
    let values = |name: &str| allow.upstream_set.iter().filter(|one| one.name() == name).count();
    assert_eq!(header(&allow.upstream_set, "x-postern-subject"), Some("alice"));
    assert_eq!(
        (
            values("x-postern-subject"),
            values("x-postern-decision-id"),
            values("x-request-id")
        ),
        (1, 1, 1)
    );
}

#[test]
fn a_scope_that_is_missing_is_named_to_the_client() {
    let world = World::with_policy(Says::This(json!({
        "allowed": false, "http_status": 403,
        "postern": { "code": "insufficient_scope", "required_scope": "orders:write" },
    })));
    let decision = world.ask(&world.token(&json!({})), &[]);
    let deny = denied(&decision);
    assert_eq!(
        (deny.status, decision.record.code),
        (403, Some(Code::InsufficientScope))
    );
    assert_eq!(body(deny)["code"], "insufficient_scope");
    let challenge = header(&deny.headers, "www-authenticate").unwrap();
    assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
    assert!(challenge.ends_with("scope=\"orders:write\""), "{challenge}");
}

#[test]
fn policy_may_answer_in_its_own_words() {
    let world = World::with_policy(Says::This(json!({
        "allowed": false, "http_status": 409, "body": "no", "headers": { "x-why": "tea", "X-Request-Id": "mine" },
    })));
    let decision = world.ask(&world.token(&json!({})), &[]);
    let deny = denied(&decision);
    assert_eq!((deny.status, deny.body.as_str()), (409, "no"));
    assert_eq!(header(&deny.headers, "x-why"), Some("tea"));
    assert_eq!(header(&deny.headers, "content-type"), None);
    assert_eq!(
        header(&deny.headers, "x-request-id"),
        Some(decision.record.correlation_id.as_str())
    );
    assert!(header(&deny.headers, "x-postern-decision-id").is_some());
}

#[test]
fn a_status_that_policy_chose_is_the_documents_too() {
    let world = World::with_policy(Says::This(json!({ "allowed": false, "http_status": 404 })));
    let decision = world.ask(&world.token(&json!({})), &[]);
    let document = body(denied(&decision));
    assert_eq!(
        (denied(&decision).status, &document["status"]),
        (404, &json!(404))
    );
    assert_eq!(document["code"], "access_denied");
}

#[test]
fn policy_sees_the_request_and_what_was_proved() {
    let world = World::with_policy(Says::Input);
    let decision = world.ask(
        &world.token(&json!({ "tier": { "a": [1.0] } })),
        &[
            ("x-a", "1"),
            ("X-A", "2"),
            ("x-postern-subject", "forged"),
            ("X_Postern_Role", "forged"),
        ],
    );
    let metadata = allowed(&decision).metadata.clone().unwrap().to_json();
    let input = serde_json::from_str::<serde_json::Value>(&metadata).unwrap()["input"].clone();
    assert_eq!(input["attributes"]["request"]["http"]["headers"]["x-a"], "1,2");
    assert!(
        !metadata.contains("forged"),
        "policy sees no forged identity either"
    );
    assert_eq!(input["attributes"]["request"]["http"]["method"], "GET");
    assert_eq!(input["parsed_path"], json!(["orders"]));
    let proved = &input["postern"];
    assert_eq!(proved["scopes"], json!(["orders:read", "orders:write"]));
    assert_eq!(
        (&proved["subject"], &proved["client_id"]),
        (&json!("alice"), &json!("shop"))
    );
    assert_eq!(
        (&proved["issuer"], &proved["path"]),
        (&json!(world::ISSUER), &json!("/orders"))
    );
    assert_eq!(proved["claims"]["tier"], json!({ "a": [1.0] }));
}

#[test]
fn a_path_that_policy_cannot_be_asked_about_is_a_bad_request() {
    let world = World::allowing();
    let authorization = format!("Bearer {}", world.token(&json!({})));
    let request = postern_decide::RequestView {
        http: postern_decide::HttpView {
            method: "GET",
            path: "/a%zz",
            headers: postern_decide::Headers::from_text([("authorization", authorization.as_str())]),
            ..Default::default()
        },
        ..Default::default()
    };
    let now = Now::at_second(NOW);
    let decision = postern_decide::settle(
        &world.snapshot,
        &world.caches,
        &request,
        now,
        &world::entropy(),
        &mut (),
    );
    assert_eq!(
        (denied(&decision).status, decision.record.code),
        (400, Some(Code::AmbiguousPath))
    );
}

/// Names that begin like ours in any spelling, with anything behind.
fn forged_name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[xX][-_.][pP][oO][sS][tT][eE][rR][nN][-_.][a-zA-Z0-9_.-]{0,12}",
        Just("x-postern-subject".to_owned())
    ]
}

proptest! {
    #[test]
    fn client_headers_under_the_prefix_never_survive(names in prop::collection::vec(forged_name(), 0..6), value in "[a-z]{1,8}") {
        let world = World::with_policy(Says::This(json!({ "allowed": true, "headers": { "x-postern-tier": "gold" } })));
        let headers: Vec<_> = names.iter().map(|name| (name.as_str(), value.as_str())).collect();
        let decision = world.ask(&world.token(&json!({ "scope": null })), &headers);
        let allow = allowed(&decision);
        let prefix = HeaderPrefix::new(HeaderPrefix::DEFAULT).unwrap();
        for name in names.iter().map(|name| name.to_ascii_lowercase()) {
            prop_assert!(prefix.owns(&name));
            let replaced = allow.upstream_set.iter().any(|header| header.name() == name);
            let removed = allow.upstream_remove.iter().any(|removed| **removed == *name);
            // Exactly one of the two: Envoy removes after it has set.
            prop_assert!(replaced != removed, "{name}: set {replaced}, removed {removed}");
        }
        for header in &allow.upstream_set {
            let ours = ["alice", "shop", "gold"].contains(&header.value());
            prop_assert!(ours || header.value() != value, "{header:?}");
        }
    }
}
