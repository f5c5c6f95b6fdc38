//! The RFCs' own examples (tests/vectors/rfc.json, each with the section it is from).

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use postern_jose::{
    Algorithm, CompactRef, Jwk, JwkError, JwkSet, JwkSetError, KeySet, MAX_TOKEN_BYTES, TokenError,
    verify_compact,
};
use serde_json::{Value, json};

fn vectors(kind: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("vectors/rfc.json")).unwrap();
    all.get(kind).and_then(Value::as_array).unwrap().clone()
}

fn text<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector.get(name).and_then(Value::as_str).unwrap()
}

#[test]
fn signatures_of_the_rfcs_verify_with_their_keys() {
    for vector in vectors("signatures") {
        let source = text(&vector, "source");
        let set = JwkSet::parse(json!({ "keys": [vector["key"]] }).to_string().as_bytes()).unwrap();
        assert_eq!(set.keys().len(), 1, "{source}: {:?}", set.skipped());
        let algorithm: Algorithm = text(&vector, "algorithm").parse().unwrap();
        let payload =
            verify_compact(text(&vector, "jws"), &KeySet::from_jwks(&set), &[algorithm]).expect(source);
        assert!(!payload.is_empty(), "{source}");
        let payload_by_key = CompactRef::parse(text(&vector, "jws"))
            .unwrap()
            .verify_with_key(&set.keys()[0], &[algorithm]);
        assert_eq!(payload_by_key.as_ref(), Ok(&payload), "{source}");
    }
}

#[test]
fn signatures_of_the_rfcs_do_not_verify_once_a_bit_is_changed() {
    for vector in vectors("signatures") {
        let set = JwkSet::parse(json!({ "keys": [vector["key"]] }).to_string().as_bytes()).unwrap();
        let (input, signature) = text(&vector, "jws").rsplit_once('.').unwrap();
        let flipped = if signature.starts_with('A') { "B" } else { "A" };
        let changed = format!("{input}.{flipped}{}", &signature[1..]);
        let result = verify_compact(&changed, &KeySet::from_jwks(&set), &Algorithm::ALL);
        assert_eq!(
            result,
            Err(TokenError::BadSignature),
            "{}",
            text(&vector, "source")
        );
    }
}

#[test]
fn symmetric_and_unsecured_examples_are_refused_whatever_keys_there_are() {
    let keys: Vec<Value> = vectors("signatures")
        .iter()
        .map(|vector| vector["key"].clone())
        .collect();
    let set = KeySet::from_jwks(&JwkSet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap());
    for vector in vectors("refused") {
        assert!(text(&vector, "jws").len() < MAX_TOKEN_BYTES);
        let result = verify_compact(text(&vector, "jws"), &set, &Algorithm::ALL);
        assert_eq!(
            result,
            Err(TokenError::AlgorithmRefused),
            "{}",
            text(&vector, "source")
        );
    }
}

#[test]
fn thumbprints_are_the_rfcs() {
    for vector in vectors("thumbprints") {
        let key = Jwk::parse(&vector["key"].to_string()).unwrap();
        assert_eq!(
            key.thumbprint(),
            text(&vector, "sha256"),
            "{}",
            text(&vector, "source")
        );
    }
}

#[test]
fn private_keys_of_the_rfcs_are_refused_alone_and_spoil_their_set() {
    let public = vectors("signatures")[0]["key"].clone();
    for vector in vectors("private") {
        let source = text(&vector, "source");
        assert_eq!(
            Jwk::parse(&vector["key"].to_string()),
            Err(JwkError::PrivateMaterial),
            "{source}"
        );
        let set = json!({ "keys": [public, vector["key"]] }).to_string();
        assert_eq!(
            JwkSet::parse(set.as_bytes()),
            Err(JwkSetError::PrivateMaterial(1)),
            "{source}"
        );
    }
}

#[test]
fn a_symmetric_key_is_left_out_of_its_set() {
    let all: Value = serde_json::from_str(include_str!("vectors/rfc.json")).unwrap();
    let set = json!({ "keys": [all["symmetric"]["key"], vectors("signatures")[0]["key"]] }).to_string();
    let set = JwkSet::parse(set.as_bytes()).unwrap();
    assert_eq!(set.keys().len(), 1);
    assert_eq!(set.skipped()[0].reason, JwkError::Symmetric);
    assert!(!set.to_json().contains("AyM1SysP"));
}
