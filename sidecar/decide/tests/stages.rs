//! What comes after the credentials: revocation and step-up; and what a host hears of stages and needs.

#[cfg(test)]
mod world;

use std::sync::Arc;

use postern_decide::revocation::{Name, Scalar};
use postern_decide::routes::{RevocationRule, StepUp, WhenStale};
use postern_decide::{
    Accept, JwtAccept, Need, Now, OnUnknownKid, Outcome, Revocations, Stage, Stages, Word, decide,
    remember_introspection, verify_token,
};
use postern_jose::{Algorithm, LocalSigner, UnixTime};
use postern_telemetry::Code;
use serde_json::{Value as Json, json};
use world::{AUDIENCE, ISSUER, NOW, Says, World, body, denied, entropy, header, request, sign};

/// What was revoked, and when the stream was heard.
#[cfg(test)]
fn revoking(mut world: World, name: Name<'_>, value: Scalar<'_>, issued_before: Option<UnixTime>) -> World {
    let mut edit = world.snapshot.revocations.edit();
    edit.add(ISSUER, name, value, issued_before, None);
    world.snapshot = world
        .snapshot
        .with_revocations(Arc::new(edit.finish().heard_at(NOW)));
    world
}

#[test]
fn a_revoked_token_is_refused_at_once_and_others_are_not() {
    let sid = Name::Claim("sid");
    let world = World::allowing();
    let revoked = world.token(&json!({ "sid": "s1" }));
    let other = world.token(&json!({ "sid": "s2" }));
    for token in [&revoked, &other] {
        assert!(world.ask(token, &[]).record.allowed);
    }
    let mut world = revoking(world, sid, Scalar::String("s1"), None);
    for _ in 0..2 {
        let decision = world.ask(&revoked, &[]);
        assert_eq!(decision.record.code, Some(Code::TokenRevoked));
        assert_eq!(decision.record.stage, Stage::Revocation);
        assert_eq!(decision.record.caller.subject().map(AsRef::as_ref), Some("alice"));
        assert_eq!(
            (denied(&decision).status, &body(denied(&decision))["code"]),
            (401, &json!("invalid_token"))
        );
        assert!(world.ask(&other, &[]).record.allowed);
    }
    // Taken back, it counts again.
    let mut edit = world.snapshot.revocations.edit();
    edit.remove(ISSUER, sid, Scalar::String("s1"));
    world.snapshot = world.snapshot.with_revocations(Arc::new(edit.finish()));
    assert!(world.ask(&revoked, &[]).record.allowed);
}

#[test]
fn a_revoked_key_takes_all_that_it_signed_with_it() {
    let world = World::allowing();
    let key_id = world.signer.public_jwk().key_id().unwrap().to_owned();
    let token = world.token(&json!({}));
    assert!(world.ask(&token, &[]).record.allowed);
    let world = revoking(world, Name::KeyId, Scalar::String(&key_id), None);
    assert_eq!(world.ask(&token, &[]).record.code, Some(Code::TokenRevoked));
}

#[test]
fn a_revocation_of_what_was_issued_before_leaves_what_came_after() {
    let world = revoking(
        World::allowing(),
        Name::Claim("sub"),
        Scalar::String("alice"),
        Some(NOW),
    );
    let code = |iat: i64| world.ask(&world.token(&json!({ "iat": iat })), &[]).record.code;
    assert_eq!(code(NOW.0 - 1), Some(Code::TokenRevoked));
    assert_eq!(code(NOW.0 + 1), None);
}

#[test]
fn a_stream_that_has_been_silent_too_long_is_the_routes_choice() {
    let rule = |when_stale| RevocationRule {
        max_staleness_seconds: Some(30),
        when_stale,
    };
    let ask = |when_stale, heard: Option<i64>| {
        let mut world = World::allowing().where_route(|route| route.revocation = rule(when_stale));
        let revocations = match heard {
            Some(ago) => Revocations::unheard().heard_at(NOW.plus_seconds(-ago)),
            None => Revocations::unheard(),
        };
        world.snapshot = world.snapshot.with_revocations(Arc::new(revocations));
        let token = world.token(&json!({}));
        world.ask(&token, &[])
    };
    for (heard, stale) in [(Some(30), false), (Some(31), true), (None, true)] {
        let served = ask(WhenStale::Serve, heard);
        assert!(
            served.record.allowed && served.record.revocations_stale == stale,
            "{heard:?}"
        );
        let decision = ask(WhenStale::Deny, heard);
        assert_eq!(
            decision.record.code,
            stale.then_some(Code::RevocationsStale),
            "{heard:?}"
        );
        if stale {
            assert_eq!(denied(&decision).status, 503);
            assert!(header(&denied(&decision).headers, "retry-after").is_some());
        }
    }
}

#[test]
fn a_user_who_signed_in_too_weakly_or_too_long_ago_is_sent_to_sign_in_again() {
    let world = World::allowing().where_route(|route| {
        route.step_up = Some(StepUp {
            acr_values: Arc::from([Box::from("phr"), Box::from("mfa")]),
            max_age_seconds: Some(300),
        });
    });
    let ask = |claims: &Json| world.ask(&world.token(claims), &[]);
    for claims in [
        json!({ "acr": "mfa", "auth_time": NOW.0 }),
        // The leeway for the issuer's clock is given here too.
        json!({ "acr": "phr", "auth_time": NOW.0 - 330 }),
        json!({ "acr": "phr", "auth_time": NOW.0 + 30 }),
    ] {
        assert!(ask(&claims).record.allowed, "{claims}");
    }
    for claims in [
        json!({ "auth_time": NOW.0 }),
        json!({ "acr": "pwd", "auth_time": NOW.0 }),
        json!({ "acr": ["mfa"], "auth_time": NOW.0 }),
        json!({ "acr": "mfa" }),
        json!({ "acr": "mfa", "auth_time": NOW.0 - 331 }),
        json!({ "acr": "mfa", "auth_time": NOW.0 + 31 }),
        json!({ "acr": "mfa", "auth_time": "now" }),
    ] {
        let decision = ask(&claims);
        assert_eq!(
            decision.record.code,
            Some(Code::InsufficientUserAuthentication),
            "{claims}"
        );
        assert_eq!(decision.record.stage, Stage::StepUp);
        let deny = denied(&decision);
        assert_eq!(
            (deny.status, &body(deny)["code"]),
            (401, &json!("insufficient_user_authentication"))
        );
        let challenge = header(&deny.headers, "www-authenticate").unwrap();
        assert!(
            challenge.starts_with("Bearer realm=\"postern\", error=\"insufficient_user_authentication\"")
                && challenge.ends_with(", acr_values=\"phr mfa\", max_age=\"300\""),
            "{challenge}"
        );
    }
}

#[test]
fn step_up_needs_a_user() {
    let world = World::allowing().where_route(|route| {
        route.accept = Accept::Anonymous;
        route.step_up = Some(StepUp {
            acr_values: Arc::default(),
            max_age_seconds: Some(300),
        });
    });
    assert_eq!(
        world.ask_with(&[]).record.code,
        Some(Code::InsufficientUserAuthentication)
    );
}

#[derive(Default)]
struct Heard(Vec<Stage>);

impl Stages for Heard {
    fn passed(&mut self, stage: Stage) {
        self.0.push(stage);
    }
}

#[test]
fn a_host_hears_of_each_stage_in_order_and_of_none_that_refused() {
    let heard = |world: &World, headers: &[(&str, &str)]| {
        let mut heard = Heard::default();
        let outcome = decide(
            &world.snapshot,
            &world.caches,
            &request(headers),
            Now::at_second(NOW),
            &entropy(),
            &mut heard,
        );
        let Outcome::Decided(decision) = outcome else {
            panic!("{outcome:?}")
        };
        (heard.0, decision.record.stage)
    };
    let world = World::allowing();
    let token = format!("Bearer {}", world.token(&json!({})));
    assert_eq!(
        heard(&world, &[("authorization", &token)]),
        (Stage::ALL.to_vec(), Stage::Answer)
    );
    assert_eq!(
        heard(&world, &[]),
        (vec![Stage::Route, Stage::Peer, Stage::Answer], Stage::Credentials)
    );
    let refusing = World::with_policy(Says::This(json!(false)));
    let token = format!("Bearer {}", refusing.token(&json!({})));
    let (passed, decided_by) = heard(&refusing, &[("authorization", &token)]);
    assert_eq!(decided_by, Stage::Policy);
    assert!(!passed.contains(&Stage::Policy), "{passed:?}");
}

/// What comes of a request whose host can wait, and of one whose host can't.
#[cfg(test)]
fn both(world: &World, token: &str) -> (Option<Need>, Option<Code>) {
    let authorization = format!("Bearer {token}");
    let mut request = request(&[("authorization", authorization.as_str())]);
    request.may_wait = true;
    let outcome = decide(
        &world.snapshot,
        &world.caches,
        &request,
        Now::at_second(NOW),
        &entropy(),
        &mut (),
    );
    let need = match outcome {
        Outcome::Needs(need) => Some(need),
        Outcome::Decided(_) => None,
    };
    request.may_wait = false;
    (need, world.settle(&request, NOW).record.code)
}

#[test]
fn an_unknown_key_is_waited_for_where_the_issuer_says_so() {
    let other = LocalSigner::generate(Algorithm::ES256).unwrap();
    let token = sign(&other, &json!({}));
    let (need, code) = both(&World::allowing(), &token);
    assert!(need.is_none(), "{need:?}");
    assert_eq!(code, Some(Code::TokenKeyUnknown));

    let world =
        World::allowing().where_issuer(|rules| rules.on_unknown_kid = OnUnknownKid::Wait { wait_ms: 5_000 });
    let (need, code) = both(&world, &token);
    let Some(Need::Keys { issuer, wait_ms }) = need else {
        panic!("{need:?}")
    };
    assert_eq!((issuer.as_ref(), wait_ms), (ISSUER, OnUnknownKid::MAX_WAIT_MS));
    assert_eq!(code, Some(Code::TokenKeyUnknown));
    // What is wrong otherwise isn't waited for.
    let (need, code) = both(&world, &world.token(&json!({ "exp": 1 })));
    assert!(need.is_none() && code == Some(Code::TokenExpired));
}

#[test]
fn keys_that_nobody_has_confirmed_for_too_long_are_not_used() {
    let world = World::allowing().where_issuer(|rules| rules.max_staleness_seconds = 60);
    let token = format!("Bearer {}", world.token(&json!({})));
    let ask = |world: &World, after: i64| world.ask_at(NOW.plus_seconds(after), &[("authorization", &token)]);
    assert!(ask(&world, 60).record.allowed);
    let late = ask(&world, 61);
    assert_eq!(late.record.code, Some(Code::KeysUnavailable), "remembered or not");
    assert_eq!(late.refetch.as_deref(), Some(ISSUER));
    // Confirmed, they are used again, and what was verified with them still stands.
    let mut world = world;
    let confirmed = world
        .snapshot
        .issuers
        .get(ISSUER)
        .unwrap()
        .confirmed(NOW.plus_seconds(50));
    world.snapshot = world.snapshot.with_issuer(&Arc::new(confirmed));
    let again = ask(&world, 61).record;
    assert!(again.allowed && again.token_cached);
}

/// A world whose issuer is asked about tokens that are no JWTs.
#[cfg(test)]
fn introspecting() -> World {
    World::allowing()
        .where_issuer(|rules| rules.introspects = true)
        .where_route(|route| {
            route.accept = Accept::Jwt(JwtAccept {
                introspects: Some(Arc::from(ISSUER)),
                ..JwtAccept::any_issuer()
            });
        })
}

#[cfg(test)]
fn told(world: &World, token: &str, response: &Json) -> Result<Word, Code> {
    let response = response.to_string();
    remember_introspection(
        &world.snapshot,
        &world.caches,
        ISSUER,
        token,
        response.as_bytes(),
        30,
        NOW,
    )
    .map_err(|refusal| refusal.code)
}

#[test]
fn an_opaque_token_needs_its_issuers_word_and_is_then_one_like_others() {
    let world = introspecting();
    let (need, code) = both(&world, "opaque-1");
    let Some(Need::Introspect { issuer, token }) = need else {
        panic!("{need:?}")
    };
    assert_eq!((issuer.as_ref(), token.expose()), (ISSUER, "opaque-1"));
    assert!(
        !format!("{token:?}").contains("opaque"),
        "a token is never printed"
    );
    assert_eq!(code, Some(Code::IntrospectionUnavailable));

    let active = json!({ "active": true, "aud": AUDIENCE, "sub": "alice", "client_id": "shop", "scope": "a b", "exp": NOW.0 + 600 });
    assert_eq!(told(&world, "opaque-1", &active), Ok(Word::Active));
    let decision = world.ask("opaque-1", &[]);
    assert!(
        decision.record.allowed && decision.record.token_cached,
        "{:?}",
        decision.record
    );
    assert_eq!(decision.record.caller.subject().map(AsRef::as_ref), Some("alice"));
    // Not for longer than the word counts.
    let later = world.ask_at(NOW.plus_seconds(30), &[("authorization", "Bearer opaque-1")]);
    assert_eq!(later.record.code, Some(Code::IntrospectionUnavailable));
}

#[test]
fn a_token_that_only_its_issuer_can_read_is_never_validated_here() {
    let world = introspecting();
    let validated = || {
        let verified = verify_token(&world.snapshot, &world.caches, "opaque-5", NOW);
        verified.map(drop).map_err(|refusal| refusal.code)
    };
    assert_eq!(validated(), Err(Code::TokenMalformed));
    let active = json!({ "active": true, "aud": AUDIENCE, "sub": "alice", "exp": NOW.0 + 600 });
    assert_eq!(told(&world, "opaque-5", &active), Ok(Word::Active));
    assert_eq!(validated(), Err(Code::TokenMalformed));
}

#[test]
fn an_issuers_word_on_a_revoked_token_counts_for_nothing() {
    let world = revoking(introspecting(), Name::Claim("sub"), Scalar::String("alice"), None);
    let active = json!({ "active": true, "aud": AUDIENCE, "sub": "alice", "exp": NOW.0 + 600 });
    assert_eq!(told(&world, "opaque-4", &active), Err(Code::TokenRevoked));
    let decision = world.ask("opaque-4", &[]);
    assert_eq!(decision.record.code, Some(Code::TokenRevoked));
}

/// RFC 7519 §2: a `NumericDate` may have fractions.
#[test]
fn an_issuers_word_ends_with_a_time_that_need_not_be_whole() {
    let world = introspecting();
    let until = |exp: Json| {
        let active = json!({ "active": true, "aud": AUDIENCE, "sub": "alice", "exp": exp });
        told(&world, "opaque-6", &active)
    };
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let now = NOW.0 as f64;
    assert_eq!(until(json!(now - 31.5)), Err(Code::TokenExpired));
    assert_eq!(until(json!(now + 9.5)), Ok(Word::Active));
    let at = |seconds| {
        world
            .ask_at(NOW.plus_seconds(seconds), &[("authorization", "Bearer opaque-6")])
            .record
            .code
    };
    assert_eq!(at(9), None);
    assert_eq!(at(10), Some(Code::IntrospectionUnavailable));
}

#[test]
fn an_inactive_token_is_refused_and_not_asked_about_again() {
    let world = introspecting();
    assert_eq!(
        told(&world, "opaque-2", &json!({ "active": false })),
        Ok(Word::Inactive)
    );
    let (need, code) = both(&world, "opaque-2");
    assert!(
        need.is_none() && code == Some(Code::InvalidToken),
        "{need:?} {code:?}"
    );
    let later = world.ask_at(NOW.plus_seconds(31), &[("authorization", "Bearer opaque-2")]);
    assert_eq!(later.record.code, Some(Code::IntrospectionUnavailable));
}

#[test]
fn an_issuers_word_on_a_token_for_others_counts_for_nothing() {
    let world = introspecting();
    for (change, expected) in [
        (json!({ "aud": "urn:other" }), Code::TokenWrongAudience),
        (json!({ "aud": null }), Code::TokenWrongAudience),
        (json!({ "iss": "https://other.example" }), Code::TokenWrongIssuer),
        (json!({ "exp": NOW.0 - 31 }), Code::TokenExpired),
        (json!({ "nbf": NOW.0 + 31 }), Code::TokenNotYetValid),
        (json!({ "exp": "soon" }), Code::IntrospectionUnavailable),
        (json!({ "active": "true" }), Code::IntrospectionUnavailable),
        (json!({ "active": null }), Code::IntrospectionUnavailable),
        (json!({ "sub": "a\nb" }), Code::TokenMalformed),
    ] {
        let mut response = json!({ "active": true, "aud": [AUDIENCE], "sub": "alice" });
        response
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        assert_eq!(told(&world, "opaque-3", &response), Err(expected), "{change}");
        assert_eq!(
            world.ask("opaque-3", &[]).record.code,
            Some(Code::IntrospectionUnavailable)
        );
    }
}

#[test]
fn a_jwt_is_never_sent_to_its_issuer_and_nothing_is_where_none_can_be_asked() {
    let world = introspecting();
    let (need, code) = both(&world, &world.token(&json!({ "exp": 1 })));
    assert!(need.is_none() && code == Some(Code::TokenExpired));
    for text in ["a b", "\"", "é"] {
        let (need, code) = both(&world, text);
        assert!(
            need.is_none() && code == Some(Code::TokenMalformed),
            "{text}: {code:?}"
        );
    }
    let (need, code) = both(&World::allowing(), "opaque");
    assert!(need.is_none() && code == Some(Code::TokenMalformed));
}
