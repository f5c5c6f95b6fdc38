//! What a route accepts: each kind of credential, `any` and `all` of them, and that nobody is let in as less than they
//! claimed to be.

#[cfg(test)]
mod world;

use std::sync::Arc;

use postern_decide::revocation::{Name, Scalar};
use postern_decide::routes::{PeerRules, RequiredClaim, SpiffePattern};
use postern_decide::{
    Accept, ApiKey, ApiKeyAccept, ApiKeys, Decision, Issuers, JwtAccept, Methods, TokenSource, TrustedIssuer,
};
use postern_jose::{Algorithm, Expectations, JwkSet, KeySet, LocalSigner};
use postern_rego::Value;
use postern_telemetry::Code;
use serde_json::json;
use world::{ISSUER, NOW, Says, World, allowed, certificate, denied, header, sha256, sign};

const WEB: &str = "spiffe://prod.example/ns/shop/sa/web";
const KEY: &str = "postern_key_k1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const JKT: &str = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0";
const OTHER_ISSUER: &str = "https://other.example";

#[cfg(test)]
fn any(parts: &[Accept]) -> Accept {
    Accept::Any(Arc::from(parts))
}

#[cfg(test)]
fn all(parts: &[Accept]) -> Accept {
    Accept::All(Arc::from(parts))
}

#[cfg(test)]
fn jwt() -> Accept {
    Accept::default()
}

#[cfg(test)]
fn jwt_of(issuer: &str) -> Accept {
    Accept::Jwt(JwtAccept {
        issuers: Some(Arc::from([Arc::from(issuer)])),
        ..JwtAccept::any_issuer()
    })
}

#[cfg(test)]
fn mtls() -> Accept {
    Accept::Mtls(PeerRules::default())
}

#[cfg(test)]
fn mtls_of(id: &str) -> Accept {
    Accept::Mtls(PeerRules {
        spiffe_ids: Arc::from([SpiffePattern::parse(id).unwrap()]),
        ..PeerRules::default()
    })
}

#[cfg(test)]
fn api_key() -> Accept {
    Accept::ApiKey(ApiKeyAccept {
        header: Arc::from("x-api-key"),
    })
}

/// A world with an API key whose route accepts this.
#[cfg(test)]
fn accepting(accept: Accept) -> World {
    let mut world = World::allowing().where_route(|route| route.accept = accept);
    let key = ApiKey {
        id: Arc::from("k1"),
        name: Arc::from("batch"),
        subject: Arc::from("nightly"),
        scopes: Arc::from([Box::from("orders:read")]),
        expires_at: None,
        sha256: sha256(KEY.as_bytes()),
    };
    world.snapshot = world
        .snapshot
        .with_api_keys(Arc::new(ApiKeys::default().with([key], [])));
    world
}

/// What a request brings.
#[derive(Default, Clone, Copy)]
struct Brings<'a> {
    token: Option<&'a str>,
    key: Option<&'a str>,
    certificate: Option<&'a str>,
}

#[cfg(test)]
fn ask(world: &World, brings: Brings<'_>) -> Decision {
    let authorization = brings.token.map(|token| format!("Bearer {token}"));
    let headers: Vec<(&str, &str)> = [
        authorization.as_deref().map(|value| ("authorization", value)),
        brings.key.map(|value| ("x-api-key", value)),
    ]
    .into_iter()
    .flatten()
    .collect();
    world.ask_from(brings.certificate.unwrap_or_default(), &headers)
}

#[cfg(test)]
#[track_caller]
fn check(world: &World, brings: Brings<'_>, expected: Result<Methods, Code>) {
    let decision = ask(world, brings);
    let found = match decision.record.code {
        None => Ok(decision.record.methods),
        Some(code) => Err(code),
    };
    assert_eq!(found, expected, "{:?}", decision.record);
}

#[test]
fn each_kind_of_credential_is_accepted_alone_and_is_asked_for() {
    let (certificate, _) = certificate(WEB);
    let world = accepting(jwt());
    let token = world.token(&json!({}));
    let with_token = Brings {
        token: Some(&token),
        ..Brings::default()
    };
    let with_key = Brings {
        key: Some(KEY),
        ..Brings::default()
    };
    let with_peer = Brings {
        certificate: Some(&certificate),
        ..Brings::default()
    };
    let nothing = Brings::default();

    check(&world, with_token, Ok(Methods::JWT));
    for other in [with_key, with_peer, nothing] {
        check(&world, other, Err(Code::MissingToken));
    }
    let world = accepting(api_key());
    check(&world, with_key, Ok(Methods::API_KEY));
    for other in [with_token, with_peer, nothing] {
        check(&world, other, Err(Code::Unauthenticated));
    }
    let world = accepting(mtls());
    check(&world, with_peer, Ok(Methods::MTLS));
    for other in [with_token, with_key, nothing] {
        check(&world, other, Err(Code::PeerRequired));
    }
    let world = accepting(Accept::Anonymous);
    for any in [with_token, with_key, with_peer, nothing] {
        check(&world, any, Ok(Methods::ANONYMOUS));
    }
}

#[test]
fn an_api_key_stands_for_its_subject_with_its_scopes() {
    let world = accepting(api_key());
    let decision = ask(
        &world,
        Brings {
            key: Some(KEY),
            ..Brings::default()
        },
    );
    let told = |name: &str| header(&allowed(&decision).upstream_set, name);
    assert_eq!(told("x-postern-subject"), Some("nightly"));
    assert_eq!(told("x-postern-client"), Some("k1"));
    assert_eq!(told("x-postern-scope"), Some("orders:read"));
    assert_eq!(told("x-postern-auth"), Some("api_key"));
    assert_eq!(decision.record.api_key_id.as_deref(), Some("k1"));
}

#[test]
fn an_api_key_that_does_not_count_is_refused_without_saying_why() {
    let mut world = accepting(any(&[api_key(), Accept::Anonymous]));
    let mut bodies = Vec::new();
    for key in ["", "x", "postern_key_k2_AAAA", "postern_key_k1_BBBB"] {
        let decision = ask(
            &world,
            Brings {
                key: Some(key),
                ..Brings::default()
            },
        );
        assert_eq!(decision.record.code, Some(Code::ApiKeyInvalid), "{key}");
        assert_eq!(
            header(&denied(&decision).headers, "www-authenticate"),
            Some("ApiKey realm=\"postern\", header=\"x-api-key\"")
        );
        bodies.push(denied(&decision).body.clone());
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "they all read the same: {bodies:?}");
    check(
        &world,
        Brings {
            key: Some(KEY),
            ..Brings::default()
        },
        Ok(Methods::API_KEY),
    );
    world.snapshot = world.snapshot.with_api_keys(Arc::default());
    check(
        &world,
        Brings {
            key: Some(KEY),
            ..Brings::default()
        },
        Err(Code::ApiKeyInvalid),
    );
}

#[test]
fn a_wrong_credential_is_never_taken_for_none() {
    let world = accepting(any(&[jwt(), api_key(), Accept::Anonymous]));
    let expired = world.token(&json!({ "exp": NOW.0 - 60 }));
    check(&world, Brings::default(), Ok(Methods::ANONYMOUS));
    check(
        &world,
        Brings {
            token: Some(&expired),
            ..Brings::default()
        },
        Err(Code::TokenExpired),
    );
    check(
        &world,
        Brings {
            token: Some("x"),
            ..Brings::default()
        },
        Err(Code::TokenMalformed),
    );
    check(
        &world,
        Brings {
            token: Some(&expired),
            key: Some(KEY),
            ..Brings::default()
        },
        Err(Code::TokenExpired),
    );
    check(
        &world,
        Brings {
            key: Some("x"),
            ..Brings::default()
        },
        Err(Code::ApiKeyInvalid),
    );
}

#[test]
fn whoever_comes_first_in_any_what_is_wrong_behind_it_is_refused() {
    let (certificate, _) = certificate(WEB);
    let certificate = Some(certificate.as_str());
    let orders = [
        [jwt(), api_key(), mtls()],
        [api_key(), mtls(), jwt()],
        [mtls(), jwt(), api_key()],
        [any(&[mtls(), api_key()]), any(&[jwt()]), Accept::Anonymous],
        [
            any(&[mtls(), Accept::Anonymous]),
            all(&[jwt()]),
            any(&[api_key()]),
        ],
        [Accept::Anonymous, jwt(), api_key()],
    ];
    for parts in orders {
        let world = accepting(any(&parts));
        let (good, expired) = (
            world.token(&json!({})),
            world.token(&json!({ "exp": NOW.0 - 60 })),
        );
        let bound = world.token(&json!({ "cnf": { "jkt": JKT } }));
        for certificate in [None, certificate] {
            let refused = |token, key, code| {
                let brings = Brings {
                    token,
                    key,
                    certificate,
                };
                check(&world, brings, Err(code));
            };
            refused(Some(&expired), None, Code::TokenExpired);
            refused(Some(&expired), Some(KEY), Code::TokenExpired);
            refused(Some(&bound), None, Code::TokenBindingRequired);
            refused(None, Some("x"), Code::ApiKeyInvalid);
            refused(Some(&good), Some("x"), Code::ApiKeyInvalid);
        }
    }
}

#[test]
fn a_revoked_or_stolen_token_beside_what_does_is_refused() {
    let all_of = all(&[jwt(), mtls()]);
    for accept in [
        any(&[api_key(), jwt()]),
        any(&[jwt_of(OTHER_ISSUER), api_key()]),
        any(&[all_of.clone(), api_key()]),
        any(&[api_key(), all_of.clone()]),
        any(&[all_of, api_key(), jwt()]),
    ] {
        let mut world = accepting(accept);
        let (token, bound) = (
            world.token(&json!({ "jti": "j1" })),
            world.token(&json!({ "cnf": { "jkt": JKT } })),
        );
        let with = |token| Brings {
            token: Some(token),
            key: Some(KEY),
            ..Brings::default()
        };
        check(&world, with(&token), Ok(Methods::API_KEY));
        check(&world, with(&bound), Err(Code::TokenBindingRequired));
        let mut edit = world.snapshot.revocations.edit();
        edit.add(ISSUER, Name::Claim("jti"), Scalar::String("j1"), None, None);
        world.snapshot = world.snapshot.with_revocations(Arc::new(edit.finish()));
        check(&world, with(&token), Err(Code::TokenRevoked));
    }
}

#[test]
fn of_two_tokens_in_two_places_none_counts() {
    let cookie = TokenSource::Cookie(Arc::from("session"));
    let in_cookie = Accept::Jwt(JwtAccept {
        sources: Arc::from([cookie.clone()]),
        ..JwtAccept::any_issuer()
    });
    for accept in [all, any] {
        for parts in [[jwt(), in_cookie.clone()], [in_cookie.clone(), jwt()]] {
            let world = World::allowing()
                .where_route(|route| route.accept = accept(&parts))
                .where_issuer(|rules| {
                    rules.token_sources = Arc::from([TokenSource::Authorization, cookie.clone()]);
                });
            let (one, other) = (world.token(&json!({})), world.token(&json!({ "sub": "bob" })));
            let cookie = format!("session={other}");
            let decision = world.ask(&one, &[("cookie", &cookie)]);
            assert_eq!(decision.record.code, Some(Code::TokenMalformed));
        }
    }
}

#[test]
fn what_a_route_does_not_list_is_not_looked_at() {
    let world = accepting(any(&[api_key(), Accept::Anonymous]));
    check(
        &world,
        Brings {
            token: Some("x"),
            ..Brings::default()
        },
        Ok(Methods::ANONYMOUS),
    );
    check(
        &world,
        Brings {
            token: Some("x"),
            key: Some(KEY),
            ..Brings::default()
        },
        Ok(Methods::API_KEY),
    );
}

#[test]
fn what_is_wrong_with_half_of_all_is_said_in_whatever_order_the_halves_are_written() {
    for parts in [[jwt(), mtls()], [mtls(), jwt()]] {
        let world = accepting(any(&[all(&parts), Accept::Anonymous]));
        let (expired, good) = (
            world.token(&json!({ "exp": NOW.0 - 60 })),
            world.token(&json!({})),
        );
        let with = |token| Brings {
            token: Some(token),
            ..Brings::default()
        };
        check(&world, Brings::default(), Ok(Methods::ANONYMOUS));
        check(&world, with(&expired), Err(Code::TokenExpired));
        check(&world, with(&good), Err(Code::PeerRequired));
    }
}

#[test]
fn all_needs_each_and_half_of_it_is_not_anonymous() {
    let (certificate, _) = certificate(WEB);
    let both = Methods::JWT.and(Methods::MTLS);
    let world = accepting(all(&[jwt(), mtls()]));
    let token = world.token(&json!({}));
    let token = Some(token.as_str());
    check(
        &world,
        Brings {
            token,
            certificate: Some(&certificate),
            ..Brings::default()
        },
        Ok(both),
    );
    check(
        &world,
        Brings {
            token,
            ..Brings::default()
        },
        Err(Code::PeerRequired),
    );
    check(
        &world,
        Brings {
            certificate: Some(&certificate),
            ..Brings::default()
        },
        Err(Code::MissingToken),
    );

    let world = accepting(any(&[all(&[jwt(), mtls()]), api_key(), Accept::Anonymous]));
    let token = world.token(&json!({}));
    let token = Some(token.as_str());
    check(
        &world,
        Brings {
            token,
            ..Brings::default()
        },
        Err(Code::PeerRequired),
    );
    // The half that was proved is not part of what was accepted instead.
    let decision = ask(
        &world,
        Brings {
            token,
            key: Some(KEY),
            ..Brings::default()
        },
    );
    assert_eq!(decision.record.methods, Methods::API_KEY);
    assert_eq!(decision.record.subject.as_deref(), Some("nightly"));
    check(&world, Brings::default(), Ok(Methods::ANONYMOUS));
    check(
        &world,
        Brings {
            certificate: Some(&certificate),
            ..Brings::default()
        },
        Ok(Methods::ANONYMOUS),
    );
}

#[test]
fn a_workload_that_one_part_does_not_name_may_be_another_parts() {
    let (web, _) = certificate(WEB);
    let (batch, _) = certificate("spiffe://prod.example/ns/shop/sa/batch");
    let world = accepting(any(&[mtls_of("spiffe://prod.example/ns/shop/sa/batch"), jwt()]));
    let token = world.token(&json!({}));
    check(
        &world,
        Brings {
            certificate: Some(&batch),
            ..Brings::default()
        },
        Ok(Methods::MTLS),
    );
    check(
        &world,
        Brings {
            certificate: Some(&web),
            token: Some(&token),
            ..Brings::default()
        },
        Ok(Methods::JWT),
    );
    check(
        &world,
        Brings {
            certificate: Some(&web),
            ..Brings::default()
        },
        Err(Code::PeerUntrusted),
    );
}

#[test]
fn the_peer_is_told_whatever_authenticated_the_caller() {
    let (certificate, _) = certificate(WEB);
    let world = accepting(jwt());
    let token = world.token(&json!({}));
    let decision = ask(
        &world,
        Brings {
            token: Some(&token),
            certificate: Some(&certificate),
            ..Brings::default()
        },
    );
    let told = |name: &str| header(&allowed(&decision).upstream_set, name);
    assert_eq!(told("x-postern-peer"), Some(WEB));
    assert_eq!(
        (told("x-postern-auth"), told("x-postern-route")),
        (Some("jwt"), Some("default"))
    );
    assert_eq!(decision.record.peer.as_ref().map(|id| id.as_str()), Some(WEB));
    let without = ask(
        &world,
        Brings {
            token: Some(&token),
            ..Brings::default()
        },
    );
    assert_eq!(header(&allowed(&without).upstream_set, "x-postern-peer"), None);
}

/// A world that also trusts another issuer, whose tokens are looked for in the cookie `session`.
#[cfg(test)]
fn with_another_issuer(world: World) -> (World, LocalSigner) {
    let other = LocalSigner::generate(Algorithm::ES256).unwrap();
    let rules = postern_decide::IssuerRules {
        token_sources: Arc::from([TokenSource::Cookie(Arc::from("session"))]),
        ..postern_decide::IssuerRules::new(Expectations {
            issuer: OTHER_ISSUER.to_owned(),
            ..world::expectations()
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
    check(
        &world,
        Brings {
            token: Some(&ours),
            ..Brings::default()
        },
        Ok(Methods::JWT),
    );
    check(
        &world,
        Brings {
            token: Some(&theirs),
            ..Brings::default()
        },
        Err(Code::TokenWrongIssuer),
    );
    // The other's key doesn't sign for the one.
    let posing = sign(&other, &json!({}));
    check(
        &world,
        Brings {
            token: Some(&posing),
            ..Brings::default()
        },
        Err(Code::TokenKeyUnknown),
    );
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
    check(
        &world,
        Brings {
            token: Some(&ours),
            ..Brings::default()
        },
        Ok(Methods::JWT),
    );
    check(
        &world,
        Brings {
            token: Some(&theirs),
            ..Brings::default()
        },
        Err(Code::TokenWrongIssuer),
    );
    let both = world.ask_with(&[
        ("authorization", &format!("Bearer {ours}")),
        ("cookie", &format!("session={theirs}")),
    ]);
    assert_eq!(both.record.code, Some(Code::TokenMalformed));
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
    check(
        &world,
        Brings {
            key: Some(KEY),
            ..Brings::default()
        },
        Err(Code::TokenMissingClaim),
    );
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
fn policy_is_told_what_authenticated_the_caller_and_nothing_that_did_not() {
    let world = World::with_policy(Says::Input).where_route(|route| route.accept = Accept::Anonymous);
    let decision = world.ask(&world.token(&json!({})), &[]);
    let input = allowed(&decision).metadata.clone().unwrap().to_json();
    let proved = serde_json::from_str::<serde_json::Value>(&input).unwrap()["input"]["postern"].clone();
    assert_eq!(proved["auth"], json!(["anonymous"]));
    for absent in ["subject", "claims", "client_id", "issuer", "peer", "api_key"] {
        assert_eq!(proved.get(absent), None, "{absent}");
    }
    assert_eq!(proved["route"], json!("default"));
}

#[test]
fn a_route_without_policy_asks_none() {
    let mut world =
        World::allowing().where_route(|route| route.policy = postern_decide::routes::PolicyMode::Off);
    world.snapshot.policy = None;
    let decision = world.ask(&world.token(&json!({})), &[("x-postern-subject", "root")]);
    assert_eq!(
        header(&allowed(&decision).upstream_set, "x-postern-subject"),
        Some("alice")
    );
    assert_eq!(world.ask_with(&[]).record.code, Some(Code::MissingToken));
}
