//! `any` and `all`: nobody is let in as less than they claimed to be, in whatever order the parts are written.

use std::sync::Arc;

use postern_decide::revocation::{Name, Scalar};
use postern_decide::{Accept, JwtAccept, Methods, TokenSource};
use postern_telemetry::Code;
use serde_json::json;

use crate::kit::{
    Brings, JKT, KEY, OTHER_ISSUER, WEB, accepting, all, any, api_key, ask, check, jwt, jwt_of, mtls,
};
use crate::world::{ISSUER, NOW, World, certificate};

#[test]
fn a_wrong_credential_is_never_taken_for_none() {
    let world = accepting(any(&[jwt(), api_key(), Accept::Anonymous]));
    let expired = world.token(&json!({ "exp": NOW.0 - 60 }));
    check(&world, Brings::NOTHING, Ok(Methods::ANONYMOUS));
    check(&world, Brings::token(&expired), Err(Code::TokenExpired));
    check(&world, Brings::token("x"), Err(Code::TokenMalformed));
    check(
        &world,
        Brings::token(&expired).and_key(KEY),
        Err(Code::TokenExpired),
    );
    check(&world, Brings::key("x"), Err(Code::ApiKeyInvalid));
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
        let with = |token| Brings::token(token).and_key(KEY);
        check(&world, with(&token), Ok(Methods::API_KEY));
        check(&world, with(&bound), Err(Code::TokenBindingRequired));
        let mut edit = world.snapshot.revocations.edit();
        edit.add(ISSUER, Name::Claim("jti"), Scalar::String("j1"), None, None);
        world.snapshot = world.snapshot.with_revocations(Arc::new(edit.finish()));
        check(&world, with(&token), Err(Code::TokenRevoked));
    }
}

#[test]
fn what_is_wrong_with_half_of_all_is_said_in_whatever_order_the_halves_are_written() {
    for parts in [[jwt(), mtls()], [mtls(), jwt()]] {
        let world = accepting(any(&[all(&parts), Accept::Anonymous]));
        let (expired, good) = (
            world.token(&json!({ "exp": NOW.0 - 60 })),
            world.token(&json!({})),
        );
        let with = |token| Brings::token(token);
        check(&world, Brings::NOTHING, Ok(Methods::ANONYMOUS));
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
    check(&world, Brings::token(&token).and_peer(&certificate), Ok(both));
    check(&world, Brings::token(&token), Err(Code::PeerRequired));
    check(&world, Brings::peer(&certificate), Err(Code::MissingToken));

    let world = accepting(any(&[all(&[jwt(), mtls()]), api_key(), Accept::Anonymous]));
    let token = world.token(&json!({}));
    check(&world, Brings::token(&token), Err(Code::PeerRequired));
    // The half that was proved is not part of what was accepted instead.
    let decision = ask(&world, Brings::token(&token).and_key(KEY));
    assert_eq!(decision.record.methods, Methods::API_KEY);
    assert_eq!(
        decision.record.caller.subject().map(AsRef::as_ref),
        Some("nightly")
    );
    check(&world, Brings::NOTHING, Ok(Methods::ANONYMOUS));
    check(&world, Brings::peer(&certificate), Ok(Methods::ANONYMOUS));
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
