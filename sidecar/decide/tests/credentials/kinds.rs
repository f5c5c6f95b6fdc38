//! Each kind of credential by itself, and what is told of whom it proves.

use postern_decide::Accept;
use postern_decide::Methods;
use postern_telemetry::Code;
use serde_json::json;

use crate::kit::{Brings, KEY, WEB, accepting, any, api_key, ask, check, jwt, mtls, mtls_of};
use crate::world::{Says, World, allowed, certificate, header};

#[test]
fn each_kind_of_credential_is_accepted_alone_and_is_asked_for() {
    let (certificate, _) = certificate(WEB);
    let world = accepting(jwt());
    let token = world.token(&json!({}));
    let with_token = Brings::token(&token);
    let with_key = Brings::key(KEY);
    let with_peer = Brings::peer(&certificate);
    let nothing = Brings::NOTHING;

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
fn what_a_route_does_not_list_is_not_looked_at() {
    let world = accepting(any(&[api_key(), Accept::Anonymous]));
    check(&world, Brings::token("x"), Ok(Methods::ANONYMOUS));
    check(&world, Brings::token("x").and_key(KEY), Ok(Methods::API_KEY));
}

#[test]
fn the_peer_is_told_whatever_authenticated_the_caller() {
    let (certificate, _) = certificate(WEB);
    let world = accepting(jwt());
    let token = world.token(&json!({}));
    let decision = ask(&world, Brings::token(&token).and_peer(&certificate));
    let told = |name: &str| header(&allowed(&decision).upstream_set, name);
    assert_eq!(told("x-postern-peer"), Some(WEB));
    assert_eq!(
        (told("x-postern-auth"), told("x-postern-route")),
        (Some("jwt"), Some("default"))
    );
    assert_eq!(decision.record.peer.as_ref().map(|id| id.as_str()), Some(WEB));
    let without = ask(&world, Brings::token(&token));
    assert_eq!(header(&allowed(&without).upstream_set, "x-postern-peer"), None);
}

#[test]
fn a_workload_that_one_part_does_not_name_may_be_another_parts() {
    let (web, _) = certificate(WEB);
    let (batch, _) = certificate("spiffe://prod.example/ns/shop/sa/batch");
    let world = accepting(any(&[mtls_of("spiffe://prod.example/ns/shop/sa/batch"), jwt()]));
    let token = world.token(&json!({}));
    check(&world, Brings::peer(&batch), Ok(Methods::MTLS));
    check(&world, Brings::token(&token).and_peer(&web), Ok(Methods::JWT));
    check(&world, Brings::peer(&web), Err(Code::PeerUntrusted));
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
