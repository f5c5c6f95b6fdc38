//! Each way in which a request is refused: what the log is told, what the client is told, and that it is no more.

#[cfg(test)]
mod world;

use postern_jose::{Algorithm, LocalSigner};
use postern_telemetry::Code;
use serde_json::{Value as Json, json};
use world::{NOW, Says, World, body, denied, header, sign, sign_as};

/// The request is refused with 401; the log is told `exact`, the client `public`.
#[cfg(test)]
#[track_caller]
fn check(world: &World, token: &str, exact: Code, public: &str) {
    let decision = world.ask(token, &[]);
    assert_eq!(decision.record.code, Some(exact), "{decision:?}");
    assert!(!decision.record.allowed && decision.record.reason.is_some());
    let deny = denied(&decision);
    let document = body(deny);
    assert_eq!((deny.status, document["status"].as_u64()), (401, Some(401)));
    assert_eq!(document["code"], public);
    assert_eq!(document["type"], format!("urn:postern:error:{public}"));
    let challenge = header(&deny.headers, "www-authenticate").unwrap();
    assert!(
        challenge.starts_with("Bearer realm=\"postern\", error=\"invalid_token\""),
        "{challenge}"
    );
    if public == "invalid_token" {
        let told = format!("{deny:?}");
        let reason = decision.record.reason.as_deref().unwrap();
        assert!(!told.contains(reason) && !told.contains(exact.as_str()), "{told}");
    }
}

#[cfg(test)]
#[track_caller]
fn check_claims(claims: &Json, exact: Code, public: &str) {
    let world = World::allowing();
    let token = world.token(claims);
    check(&world, &token, exact, public);
    // What was refused once is refused again: refusals are never remembered as anything else.
    check(&world, &token, exact, public);
}

#[test]
fn a_token_in_time_for_us_from_a_trusted_issuer_is_allowed() {
    let world = World::allowing();
    let token = world.token(&json!({}));
    for cached in [false, true] {
        let decision = world.ask(&token, &[]);
        assert!(
            decision.record.allowed && decision.record.token_cached == cached,
            "{decision:?}"
        );
        assert_eq!(decision.record.caller.subject().map(AsRef::as_ref), Some("alice"));
        assert_eq!(
            decision.record.caller.client_id().map(AsRef::as_ref),
            Some("shop")
        );
        assert_eq!(
            decision.record.caller.issuer().map(AsRef::as_ref),
            Some(world::ISSUER)
        );
        assert_eq!(decision.record.policy_revision.as_deref(), Some("r1"));
    }
}

#[test]
fn each_wrong_claim_is_refused_by_its_own_code() {
    check_claims(&json!({ "exp": NOW.0 - 31 }), Code::TokenExpired, "token_expired");
    check_claims(
        &json!({ "nbf": NOW.0 + 31 }),
        Code::TokenNotYetValid,
        "invalid_token",
    );
    check_claims(
        &json!({ "iss": "https://other.example" }),
        Code::TokenWrongIssuer,
        "invalid_token",
    );
    check_claims(&json!({ "iss": null }), Code::TokenMissingClaim, "invalid_token");
    check_claims(&json!({ "exp": null }), Code::TokenMissingClaim, "invalid_token");
    check_claims(
        &json!({ "aud": "urn:other" }),
        Code::TokenWrongAudience,
        "invalid_token",
    );
    check_claims(&json!({ "sub": 7 }), Code::TokenMalformed, "invalid_token");
}

#[test]
fn a_subject_that_cannot_be_told_to_the_upstream_is_refused() {
    for subject in ["alice\r\nx-postern-role: root", "alice\0", " alice", "alice "] {
        check_claims(&json!({ "sub": subject }), Code::TokenMalformed, "invalid_token");
    }
    check_claims(
        &json!({ "client_id": "a\nb" }),
        Code::TokenMalformed,
        "invalid_token",
    );
}

#[test]
fn the_leeway_is_given_and_no_more() {
    let world = World::allowing();
    assert!(
        world
            .ask(&world.token(&json!({ "exp": NOW.0 - 29 })), &[])
            .record
            .allowed
    );
    assert!(
        world
            .ask(&world.token(&json!({ "nbf": NOW.0 + 30 })), &[])
            .record
            .allowed
    );
}

#[test]
fn a_token_signed_by_somebody_else_is_refused() {
    let world = World::allowing();
    let other = LocalSigner::generate(Algorithm::ES256).unwrap();
    check(
        &world,
        &sign(&other, &json!({})),
        Code::TokenKeyUnknown,
        "invalid_token",
    );
    let public = world.signer.public_jwk();
    let posing = LocalSigner::from_pkcs8(public.key_id(), &other.to_pkcs8().unwrap()).unwrap();
    check(
        &world,
        &sign(&posing, &json!({})),
        Code::TokenBadSignature,
        "invalid_token",
    );
}

#[test]
fn a_token_of_another_type_is_refused() {
    let world = World::allowing();
    check(
        &world,
        &sign_as(&world.signer, "JWT", &json!({})),
        Code::TokenWrongType,
        "invalid_token",
    );
}

#[test]
fn what_is_no_token_is_refused() {
    let world = World::allowing();
    for text in ["abc", "a.b.c", "..", "Bearer"] {
        check(&world, text, Code::TokenMalformed, "invalid_token");
    }
    check(&world, &"a".repeat(20_480), Code::TokenTooLarge, "invalid_token");
}

#[test]
fn without_a_token_the_client_is_asked_for_one_and_told_no_error() {
    let world = World::allowing();
    for headers in [vec![], vec![("authorization", "Basic dTpw")]] {
        let decision = world.ask_with(&headers);
        let deny = denied(&decision);
        assert_eq!(
            (deny.status, decision.record.code),
            (401, Some(Code::MissingToken))
        );
        assert_eq!(
            header(&deny.headers, "www-authenticate"),
            Some("Bearer realm=\"postern\"")
        );
        assert_eq!(
            header(&deny.headers, "content-type"),
            Some("application/problem+json")
        );
        let document = body(deny);
        for member in [
            "type",
            "title",
            "status",
            "detail",
            "code",
            "correlation_id",
            "decision_id",
        ] {
            assert!(!document[member].is_null(), "{member}");
        }
        assert_eq!(
            header(&deny.headers, "x-request-id"),
            document["correlation_id"].as_str()
        );
        assert_eq!(
            header(&deny.headers, "x-postern-decision-id"),
            document["decision_id"].as_str()
        );
    }
}

#[test]
fn two_tokens_are_refused_even_if_both_are_good() {
    let world = World::allowing();
    let (one, other) = (world.token(&json!({})), world.token(&json!({ "jti": "2" })));
    let (one, other) = (format!("Bearer {one}"), format!("Bearer {other}"));
    let decision = world.ask_with(&[("authorization", &one), ("Authorization", &other)]);
    assert_eq!(decision.record.code, Some(Code::TokenMalformed));
    let joined = format!("{one},{other}");
    assert_eq!(
        world.ask_with(&[("authorization", &joined)]).record.code,
        Some(Code::TokenMalformed)
    );
}

#[test]
fn an_unknown_key_asks_for_a_refetch_and_nothing_else_does() {
    let world = World::allowing();
    let other = LocalSigner::generate(Algorithm::ES256).unwrap();
    assert_eq!(
        world.ask(&sign(&other, &json!({})), &[]).refetch.as_deref(),
        Some(world::ISSUER)
    );
    let refused = [
        json!({ "exp": 1 }),
        json!({ "aud": "x" }),
        json!({ "iss": "https://other.example" }),
    ];
    for claims in refused {
        assert_eq!(world.ask(&world.token(&claims), &[]).refetch, None);
    }
    assert_eq!(world.ask(&world.token(&json!({})), &[]).refetch, None);
}

#[test]
fn what_is_not_loaded_yet_denies_and_says_when_to_try_again() {
    let mut world = World::allowing();
    let token = world.token(&json!({}));
    world.snapshot.policy = None;
    let decision = world.ask(&token, &[]);
    assert_eq!(decision.record.code, Some(Code::PolicyUnavailable));
    assert_eq!(denied(&decision).status, 503);
    assert!(header(&denied(&decision).headers, "retry-after").is_some());

    let without_keys = postern_decide::TrustedIssuer::without_keys(world::rules());
    world.snapshot = world.snapshot.with_issuer(&std::sync::Arc::new(without_keys));
    let decision = world.ask(&token, &[]);
    assert_eq!(decision.record.code, Some(Code::KeysUnavailable));
    assert_eq!(denied(&decision).status, 503);
    assert_eq!(decision.refetch.as_deref(), Some(world::ISSUER));
}

#[test]
fn a_policy_that_fails_denies_and_tells_nobody_why() {
    let world = World::with_policy(Says::Failure);
    let decision = world.ask(&world.token(&json!({})), &[]);
    assert_eq!(
        (denied(&decision).status, decision.record.code),
        (500, Some(Code::PolicyError))
    );
    assert!(decision.record.reason.as_deref().unwrap().contains("secret.rego"));
    assert!(!format!("{:?}", decision.answer).contains("secret.rego"));
}

#[test]
fn an_undefined_decision_denies() {
    let world = World::with_policy(Says::Undefined);
    let decision = world.ask(&world.token(&json!({})), &[]);
    assert_eq!(
        (denied(&decision).status, decision.record.code),
        (403, Some(Code::AccessDenied))
    );
}

#[test]
fn an_ill_formed_result_denies() {
    for result in [
        json!("yes"),
        json!({}),
        json!({ "allowed": "true" }),
        json!({ "allowed": true, "headers": { "a b": "c" } }),
        json!({ "allowed": true, "headers": { "a": "b\r\nc: d" } }),
        json!({ "allowed": true, "response_headers_to_add": { ":status": "200" } }),
        json!({ "allowed": true, "request_headers_to_remove": [":path"] }),
        json!({ "allowed": true, "request_headers_to_remove": ["Host"] }),
        json!({ "allowed": false, "headers": { "set-cookie": "a\nb" } }),
    ] {
        let world = World::with_policy(Says::This(result.clone()));
        let decision = world.ask(&world.token(&json!({})), &[]);
        assert_eq!(
            (denied(&decision).status, decision.record.code),
            (500, Some(Code::PolicyError)),
            "{result}"
        );
    }
}
