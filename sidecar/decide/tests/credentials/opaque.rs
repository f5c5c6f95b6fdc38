//! Tokens that only their issuer can read, where several parts of `accept` take tokens.

use std::sync::Arc;

use postern_decide::{Accept, JwtAccept, Methods, Word, remember_introspection};
use postern_telemetry::Code;
use serde_json::json;

use crate::kit::{Brings, KEY, OTHER_ISSUER, accepting, all, any, api_key, ask, check, jwt, jwt_of, mtls};
use crate::world::{AUDIENCE, ISSUER, NOW, World};

/// Tokens of the issuer, which is asked about those that are no JWTs.
fn introspected() -> Accept {
    Accept::Jwt(JwtAccept {
        issuers: Some(Arc::from([Arc::from(ISSUER)])),
        introspects: Some(Arc::from(ISSUER)),
        ..JwtAccept::any_issuer()
    })
}

/// The issuer says that `opaque` is alice's.
fn told(world: &World) {
    let response = json!({ "active": true, "aud": AUDIENCE, "sub": "alice", "exp": NOW.0 + 600 }).to_string();
    let (snapshot, caches) = (&world.snapshot, &world.caches);
    let word = remember_introspection(snapshot, caches, ISSUER, "opaque", response.as_bytes(), 30, NOW);
    assert_eq!(word.map_err(|refusal| refusal.code), Ok(Word::Active));
}

#[test]
fn a_part_that_cannot_read_a_token_leaves_it_to_one_that_can() {
    let cannot = jwt_of(OTHER_ISSUER);
    for accept in [
        any(&[cannot.clone(), introspected()]),
        any(&[introspected(), cannot.clone()]),
        any(&[cannot.clone(), api_key(), introspected(), Accept::Anonymous]),
        any(&[all(&[cannot.clone(), mtls()]), any(&[introspected()])]),
    ] {
        let world = accepting(accept);
        // It is asked about, by whom it can be.
        check(
            &world,
            Brings::token("opaque"),
            Err(Code::IntrospectionUnavailable),
        );
        told(&world);
        check(&world, Brings::token("opaque"), Ok(Methods::JWT));
        let decision = ask(&world, Brings::token("opaque"));
        assert_eq!(decision.record.caller.subject().map(AsRef::as_ref), Some("alice"));
        check(&world, Brings::token("a b"), Err(Code::TokenMalformed));
    }
}

/// What can't be read is a token all the same: whoever shows it isn't nobody, nor somebody else.
#[test]
fn a_token_that_no_part_can_read_is_refused_whatever_else_does() {
    for accept in [
        any(&[jwt(), api_key(), Accept::Anonymous]),
        any(&[api_key(), jwt()]),
        any(&[api_key(), jwt_of(ISSUER), jwt_of(OTHER_ISSUER)]),
        any(&[all(&[jwt(), mtls()]), api_key()]),
    ] {
        let world = accepting(accept);
        check(
            &world,
            Brings::token("opaque").and_key(KEY),
            Err(Code::TokenMalformed),
        );
        check(&world, Brings::token("opaque"), Err(Code::TokenMalformed));
        check(&world, Brings::key(KEY), Ok(Methods::API_KEY));
    }
}

/// An API key that does is no reason not to ask about the token beside it.
#[test]
fn a_token_beside_what_does_is_asked_about_behind_a_part_that_cannot_read_it() {
    let world = accepting(any(&[api_key(), jwt_of(OTHER_ISSUER), introspected()]));
    let both = Brings::token("opaque").and_key(KEY);
    check(&world, both, Err(Code::IntrospectionUnavailable));
    told(&world);
    check(&world, both, Ok(Methods::API_KEY));
}
