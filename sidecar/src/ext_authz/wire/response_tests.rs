use envoy_types::ext_authz::v3::pb::CheckResponse;
use postern_decide::{Answer, Text};
use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::ext_authz::wire::oracle;

fn header(name: &str, value: &str) -> Header {
    Header::new(name, value).unwrap()
}

/// The response without its frame, which must say exactly how long it is.
fn unframed(framed: &[u8]) -> CheckResponse {
    let (prefix, message) = framed.split_at(5);
    assert_eq!(prefix[0], 0);
    assert_eq!(
        u32::from_be_bytes(prefix[1..].try_into().unwrap()) as usize,
        message.len()
    );
    CheckResponse::decode(message).unwrap()
}

#[track_caller]
fn same_as_envoy_types(answer: &Answer, code: Option<Code>, decision_id: Uuid) {
    let ours = match answer {
        Answer::Allow(allow) => allowed(allow, &decision_id),
        Answer::Deny(deny) => denied(deny, code.unwrap_or(Code::Internal), &decision_id),
        Answer::Failed(_) => return,
    };
    let theirs = oracle::response::response(answer.clone(), code, decision_id);
    assert_eq!(unframed(&ours), theirs);
}

fn headers() -> impl Strategy<Value = Vec<Header>> {
    let value = prop_oneof![Just(String::new()), "[a-zA-Z0-9]{1,300}"];
    proptest::collection::vec(("[a-d]{1,2}", value), 0..6).prop_map(|pairs| {
        pairs
            .iter()
            .map(|(name, value)| header(name, value.as_str()))
            .collect()
    })
}

fn metadata_value() -> impl Strategy<Value = Option<Value>> {
    let members = prop_oneof![
        Just(None),
        Just(Some("{}")),
        Just(Some(
            r#"{"a":[1,2.5,null,true,[]],"b":{"c":"d","e":{}},"huge":1e400,"":""}"#
        )),
        Just(Some(r#"{"decision_id":"forged","z":-1}"#)),
    ];
    members.prop_map(|json: Option<&str>| json.map(|json| Value::from_json_str(json).unwrap()))
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[a-z]{0,200}", 0..4)
}

fn answers() -> impl Strategy<Value = Answer> {
    let allow = (headers(), texts(), headers(), texts(), texts(), metadata_value()).prop_map(
        |(upstream_set, upstream_remove, response_set, query, query_remove, metadata)| {
            Answer::Allow(Allow {
                upstream_set,
                upstream_remove: upstream_remove.into_iter().map(Text::from).collect(),
                response_set,
                query_set: query.into_iter().map(|key| (key.clone(), key)).collect(),
                query_remove,
                metadata,
            })
        },
    );
    let deny = (200u16..600, headers(), ".{0,3000}", metadata_value()).prop_map(
        |(status, headers, body, metadata)| {
            Answer::Deny(Deny {
                status,
                headers,
                body,
                metadata,
            })
        },
    );
    prop_oneof![allow, deny]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_answer_reads_as_the_one_that_envoy_types_writes(
        answer in answers(),
        code in proptest::sample::select(Code::ALL.to_vec()),
        id in proptest::num::u128::ANY,
    ) {
        same_as_envoy_types(&answer, Some(code), Uuid::from_u128(id));
    }
}

#[test]
#[expect(
    deprecated,
    reason = "the field that every Envoy version reads in ext_authz answers"
)]
fn the_first_of_a_name_replaces_and_further_ones_are_added() {
    let allow = Allow {
        upstream_set: vec![header("a", "1"), header("b", "2"), header("a", "3")],
        ..Allow::default()
    };
    let response = unframed(&allowed(&allow, &Uuid::nil()));
    let Some(oracle::response::Http::OkResponse(ok)) = response.http_response else {
        panic!("{response:?}")
    };
    let append: Vec<_> = ok
        .headers
        .iter()
        .map(|option| option.append.as_ref().unwrap().value)
        .collect();
    assert_eq!(append, [false, false, true]);
}

#[test]
fn the_decisions_id_is_ours_whatever_the_policy_says() {
    let metadata = Value::from_json_str(r#"{"decision_id":"forged"}"#).unwrap();
    let deny = Deny {
        status: 403,
        headers: Vec::new(),
        body: String::new(),
        metadata: Some(metadata),
    };
    let response = unframed(&denied(&deny, Code::AccessDenied, &Uuid::nil()));
    let fields = response.dynamic_metadata.unwrap().fields;
    assert_eq!(
        fields.get("decision_id"),
        Some(&oracle::response::text(Uuid::nil().to_string()))
    );
}

#[test]
fn a_set_is_told_as_a_list() {
    let set: postern_rego::Set = [Value::from("b"), Value::from("a")].into_iter().collect();
    let object = Value::object_from([("s", Value::from(set))]);
    same_as_envoy_types(
        &Answer::Allow(Allow {
            metadata: Some(object),
            ..Allow::default()
        }),
        None,
        Uuid::nil(),
    );
}
