//! API keys of the control plane.

use std::sync::Arc;

use postern_decide::{Accept, Methods};
use postern_telemetry::Code;

use crate::kit::{Brings, KEY, accepting, any, api_key, ask, check};
use crate::world::{allowed, denied, header};

#[test]
fn an_api_key_stands_for_its_subject_with_its_scopes() {
    let world = accepting(api_key());
    let decision = ask(&world, Brings::key(KEY));
    let told = |name: &str| header(&allowed(&decision).upstream_set, name);
    assert_eq!(told("x-postern-subject"), Some("nightly"));
    assert_eq!(told("x-postern-client"), Some("k1"));
    assert_eq!(told("x-postern-scope"), Some("orders:read"));
    assert_eq!(told("x-postern-auth"), Some("api_key"));
    assert_eq!(decision.record.caller.api_key_id().map(AsRef::as_ref), Some("k1"));
}

#[test]
fn an_api_key_that_does_not_count_is_refused_without_saying_why() {
    let mut world = accepting(any(&[api_key(), Accept::Anonymous]));
    let mut bodies = Vec::new();
    for key in ["", "x", "postern_key_k2_AAAA", "postern_key_k1_BBBB"] {
        let decision = ask(&world, Brings::key(key));
        assert_eq!(decision.record.code, Some(Code::ApiKeyInvalid), "{key}");
        assert_eq!(
            header(&denied(&decision).headers, "www-authenticate"),
            Some("ApiKey realm=\"postern\", header=\"x-api-key\"")
        );
        bodies.push(denied(&decision).body.clone());
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "they all read the same: {bodies:?}");
    check(&world, Brings::key(KEY), Ok(Methods::API_KEY));
    world.snapshot = world.snapshot.with_api_keys(Arc::default());
    check(&world, Brings::key(KEY), Err(Code::ApiKeyInvalid));
}
