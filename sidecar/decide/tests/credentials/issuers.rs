//! Tokens of several issuers, and what a route or an issuer requires of them.

use std::sync::Arc;

use postern_decide::routes::RequiredClaim;
use postern_decide::{Accept, IssuerRules, Issuers, JwtAccept, Methods, TokenSource, TrustedIssuer};
use postern_jose::{Algorithm, Expectations, JwkSet, KeySet, LocalSigner};
use postern_rego::Value;
use postern_telemetry::Code;
use serde_json::json;

use crate::kit::{Brings, KEY, OTHER_ISSUER, accepting, any, api_key, check, jwt_of};
use crate::world::{ISSUER, NOW, World, denied, expectations, header, sign};

/// A world that also trusts another issuer, whose tokens are looked for in the cookie `session`.
fn with_another_issuer(world: World) -> (World, LocalSigner) {
    let other = LocalSigner::generate(Algorithm::ES256).unwrap();
    let rules = IssuerRules {
        token_sources: Arc::from([TokenSource::Cookie(Arc::from("session"))]),
        ..IssuerRules::new(Expectations {
            issuer: OTHER_ISSUER.to_owned(),
            ..expectations()
        })
    };
    let keys = KeySet::from_jwks(&JwkSet::new([other.public_jwk()]));
    let trusted = TrustedIssuer::with_keys(Arc::new(rules), Arc::new(keys), NOW);
    let mut world = world;
    world.snapshot.issuers = Issuers::new(world.snapshot.issuers.iter().cloned().chain([Arc::new(trusted)]));
    (world, other)
}

#[test]
fn a_route_accepts_tokens_of_the_issuers_that_it_names() {
    let (world, other) = with_another_issuer(accepting(any(&[jwt_of(ISSUER), Accept::Anonymous])));
    let ours = world.token(&json!({}));
    let theirs = sign(&other, &json!({ "iss": OTHER_ISSUER }));
    check(&world, Brings::token(&ours), Ok(Methods::JWT));
    check(&world, Brings::token(&theirs), Err(Code::TokenWrongIssuer));
    // The other's key doesn't sign for the one.
    let posing = sign(&other, &json!({}));
    check(&world, Brings::token(&posing), Err(Code::TokenKeyUnknown));
}

#[test]
fn an_issuers_token_counts_in_its_own_place_only() {
    let accept = Accept::Jwt(JwtAccept {
        sources: Arc::from([
            TokenSource::Authorization,
            TokenSource::Cookie(Arc::from("session")),
        ]),
        ..JwtAccept::any_issuer()
    });
    let (world, other) = with_another_issuer(accepting(accept));
    let ours = world.token(&json!({}));
    let theirs = sign(&other, &json!({ "iss": OTHER_ISSUER }));
    let cookie = |token: &str| {
        world
            .ask_with(&[("cookie", &format!("a=b; session={token}"))])
            .record
            .code
    };
    assert_eq!(cookie(&theirs), None);
    assert_eq!(cookie(&ours), Some(Code::TokenWrongIssuer));
    check(&world, Brings::token(&ours), Ok(Methods::JWT));
    check(&world, Brings::token(&theirs), Err(Code::TokenWrongIssuer));
    let both = world.ask_with(&[
        ("authorization", &format!("Bearer {ours}")),
        ("cookie", &format!("session={theirs}")),
    ]);
    assert_eq!(both.record.code, Some(Code::TokenMalformed));
}

#[test]
fn claims_that_an_issuer_must_put_in_are_looked_at_once_and_for_all() {
    let world = World::allowing().where_issuer(|rules| {
        rules.required_claims = Arc::from([RequiredClaim {
            name: "email_verified".into(),
            one_of: Box::from([Value::from(true)]),
        }]);
    });
    for _ in 0..2 {
        let code = |claims| world.ask(&world.token(&claims), &[]).record.code;
        assert_eq!(code(json!({ "email_verified": true })), None);
        assert_eq!(
            code(json!({ "email_verified": "true" })),
            Some(Code::TokenClaimMismatch)
        );
        assert_eq!(
            code(json!({ "email_verified": null })),
            Some(Code::TokenMissingClaim)
        );
    }
}

#[test]
fn claims_and_scopes_that_a_route_requires_must_be_there() {
    let tenant = |value: &str| RequiredClaim {
        name: "tenant".into(),
        one_of: Box::from([Value::from(value)]),
    };
    let world = World::allowing().where_route(|route| {
        route.required_claims = Arc::from([tenant("acme")]);
        route.required_scopes = Arc::from([Box::from("orders:write"), Box::from("orders:read")]);
    });
    let code = |claims| world.ask(&world.token(&claims), &[]).record.code;
    assert_eq!(code(json!({ "tenant": "acme" })), None);
    assert_eq!(code(json!({ "tenant": "beta" })), Some(Code::TokenClaimMismatch));
    assert_eq!(code(json!({})), Some(Code::TokenMissingClaim));
    let narrow = world.token(&json!({ "tenant": "acme", "scope": "orders:read" }));
    let decision = world.ask(&narrow, &[]);
    assert_eq!(decision.record.code, Some(Code::InsufficientScope));
    let challenge = header(&denied(&decision).headers, "www-authenticate").unwrap();
    assert!(
        challenge.contains("error=\"insufficient_scope\"")
            && challenge.ends_with("scope=\"orders:write orders:read\""),
        "{challenge}"
    );
    // Who has no token has no claims.
    let world = accepting(api_key()).where_route(|route| {
        route.accept = api_key();
        route.required_claims = Arc::from([tenant("acme")]);
    });
    check(&world, Brings::key(KEY), Err(Code::TokenMissingClaim));
}
