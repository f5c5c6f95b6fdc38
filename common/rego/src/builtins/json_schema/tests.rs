//! What OPA 1.22.2 says of schemas and documents (`cases.json`), and that nothing minds any of them.

use proptest::prelude::*;

use super::super::tests::value;
use super::super::{BuiltinError, Context, lookup};
use crate::env::Env;
use crate::value::Value;

fn call(name: &str, operands: &[Value]) -> Result<Option<Value>, BuiltinError> {
    let env = Env::new(0, [0; 32]);
    let function = lookup(name).expect("it is in the table");
    function(&mut Context::new(&env, 1_000_000, None), operands)
}

#[test]
fn schemas_and_documents_are_judged_in_opas_words() {
    let cases = value(include_str!("cases.json"));
    for case in cases.as_array().expect("cases") {
        let schema = case.get("schema").expect("a schema").clone();
        let verified = call("json.verify_schema", std::slice::from_ref(&schema));
        assert_eq!(verified, Ok(case.get("verified").cloned()), "{case:?}");
        let Some(document) = case.get("document") else {
            continue;
        };
        let matched = call("json.match_schema", &[document.clone(), schema]);
        match case.get("matched").filter(|matched| **matched != Value::Null) {
            Some(wanted) => assert_eq!(matched, Ok(Some(wanted.clone())), "{case:?}"),
            None => assert!(
                matches!(matched, Err(BuiltinError::Lenient(_))),
                "{case:?}: {matched:?}"
            ),
        }
    }
}

#[test]
fn values_are_taken_as_their_json() {
    let schema = value(r#"{"type": "array", "items": {"enum": ["a", 2.0]}}"#);
    let found = call("json.match_schema", &[value(r#"["a", 2]"#), schema]);
    assert_eq!(found, Ok(Some(value("[true, []]"))));
    for odd in ["5", "null", r#"{"set": []}"#, "\"{\""] {
        let found = call("json.verify_schema", &[value(odd)])
            .expect("an answer")
            .expect("a verdict");
        assert_eq!(
            found.as_array().and_then(|found| found.get(0)),
            Some(&Value::Bool(false)),
            "{odd}"
        );
    }
}

#[test]
fn what_leads_elsewhere_or_in_circles_is_refused() {
    let refused = [
        r#"{"$ref": "http://example.com/schema"}"#,
        r#"{"$ref": "other.json#/a"}"#,
        r#"{"properties": {"a": {"$id": "http://example.com/a"}}}"#,
        r#"{"format": "email"}"#,
        r##"{"$ref": "#"}"##,
        r#"{"multipleOf": 1e9000}"#,
    ];
    for schema in refused {
        let operands = [
            Value::from("\"\\\"odd one\\\"@example.com\""),
            Value::from(schema),
        ];
        let found = call("json.match_schema", &operands);
        assert!(matches!(found, Err(BuiltinError::Halt(_))), "{schema}: {found:?}");
    }
    let deep = format!("{}true{}", r#"{"not": "#.repeat(250), "}".repeat(250));
    let found = call("json.verify_schema", &[Value::from(deep)]);
    assert!(matches!(found, Err(BuiltinError::Halt(_))), "{found:?}");
    let nested = format!("{}{}", "[".repeat(400), "]".repeat(400));
    let found = call(
        "json.match_schema",
        &[Value::from(nested), value(r##"{"items": {"$ref": "#"}}"##)],
    );
    assert!(matches!(found, Err(BuiltinError::Halt(_))), "{found:?}");
}

/// JSON out of the words that schemas are made of.
fn schemas() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("true".to_owned()),
        Just("null".to_owned()),
        (-3..9_i32).prop_map(|number| number.to_string()),
        Just("0.5".to_owned()),
        prop::sample::select(vec![
            "string",
            "integer",
            "object",
            "#",
            "#/definitions/a",
            "date",
            "a",
            "uri"
        ])
        .prop_map(|text| format!("{text:?}")),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        let keys = prop::sample::select(vec![
            "type",
            "properties",
            "items",
            "additionalProperties",
            "additionalItems",
            "not",
            "anyOf",
            "oneOf",
            "allOf",
            "$ref",
            "definitions",
            "a",
            "enum",
            "const",
            "minimum",
            "multipleOf",
            "format",
            "required",
            "if",
            "then",
            "else",
            "contains",
            "dependencies",
            "uniqueItems",
            "minLength",
            "propertyNames",
            "$schema",
            "id",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((keys, inner), 0..5).prop_map(|members| {
                let members: Vec<String> = members
                    .iter()
                    .map(|(key, value)| format!("{key:?}:{value}"))
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_schema_is_too_odd(schema in schemas(), document in schemas()) {
        let _ = call("json.match_schema", &[Value::from(document), Value::from(schema)]);
    }
}
