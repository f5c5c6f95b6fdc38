//! What OPA 1.22.2 says of queries and schemas (`cases.json`), and that nothing minds any text.

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

fn is_valid(name: &str, operands: &[Value]) -> Result<bool, BuiltinError> {
    call(name, operands).map(|found| found.as_ref().and_then(Value::as_bool).expect("a verdict"))
}

#[test]
fn what_opa_finds_valid_is_valid_and_what_is_wrong_is_told_in_its_words() {
    let recorded = value(include_str!("cases.json"));
    let schema = recorded.get("schema").expect("a schema").clone();
    let cases = recorded.get("cases").and_then(Value::as_array).expect("cases");
    for case in cases {
        let valid = case.get("valid").and_then(Value::as_bool).expect("a verdict");
        let (found, operands) = match case.get("query") {
            Some(query) => {
                let operands = [query.clone(), schema.clone()];
                (is_valid("graphql.is_valid", &operands), operands)
            }
            None => {
                let schema = case.get("schema").expect("a schema").clone();
                let found = is_valid("graphql.schema_is_valid", std::slice::from_ref(&schema));
                (found, [Value::from("{ a }"), schema])
            }
        };
        assert_eq!(found, Ok(valid), "{case:?}");
        let verified = call("graphql.parse_and_verify", &operands).expect("an answer");
        if let Some(error) = case.get("error").and_then(Value::as_str) {
            let wanted = Err(BuiltinError::Lenient(error.to_owned()));
            assert_eq!(call("graphql.parse", &operands), wanted, "{case:?}");
            assert_eq!(verified, Some(value("[false, {}, {}]")), "{case:?}");
        }
    }
}

#[test]
fn a_document_that_was_parsed_is_taken_as_an_object_too() {
    let schema = Value::from("type Query { a(x: [Int!] = [1], y: I): Int } input I { b: Float = 1.5 } # end");
    let query = Value::from("query Q($v: [Int!]) { a(x: $v, y: {b: 2}) @skip(if: false) }");
    let parsed_schema = call("graphql.parse_schema", std::slice::from_ref(&schema))
        .expect("it parses")
        .expect("a document");
    let parsed_query = call("graphql.parse_query", std::slice::from_ref(&query))
        .expect("it parses")
        .expect("a document");
    let texts = call("graphql.parse", &[query, schema]);
    let objects = call("graphql.parse", &[parsed_query, parsed_schema]);
    assert!(matches!(texts, Ok(Some(_))), "{texts:?}");
    assert_eq!(texts, objects);
    for odd in [r#"{"operations": []}"#, r#"{"Operations": [{"Operation": 1}]}"#] {
        let found = call(
            "graphql.is_valid",
            &[value(odd), Value::from("type Query { a: Int }")],
        );
        assert!(matches!(found, Err(BuiltinError::Halt(_))), "{odd}: {found:?}");
    }
}

#[test]
fn comments_and_descriptions_are_kept_where_opa_keeps_them() {
    let query =
        "# c0\nquery x( # c1\n $a: Int = # c2\n 5 # c3\n) { # c4\n f(x: # c5\n $a) ... # c6\n on T { b } }";
    let found = call("graphql.parse_query", &[Value::from(query)]).expect("it parses");
    let wanted = value(
        r##"{"Operations": [{"Comment": {"List": [{"Value": "# c0"}]}, "Name": "x", "Operation": "query",
            "SelectionSet": [
                {"Alias": "f", "Name": "f", "Comment": {"List": [{"Value": "# c4"}]}, "Arguments": [
                    {"Name": "x", "Value": {"ExpectedTypeHasDefault": false, "Kind": 0, "Raw": "a"}}]},
                {"SelectionSet": [{"Alias": "b", "Name": "b"}], "TypeCondition": "T"}],
            "VariableDefinitions": [{"Comment": {"List": [{"Value": "# c1"}]},
                "DefaultValue": {"ExpectedTypeHasDefault": false, "Kind": 1, "Raw": "5"},
                "Type": {"NamedType": "Int", "NonNull": false}, "Used": false, "Variable": "a"}]}]}"##,
    );
    assert_eq!(found, Some(wanted));
}

#[test]
fn what_nests_deep_is_refused() {
    let deep = format!("{}a{}", "{a".repeat(10_000), "}".repeat(10_000));
    let list = format!("{{a(b: {}1{})}}", "[".repeat(10_000), "]".repeat(10_000));
    for text in [deep, list] {
        let found = call("graphql.parse_query", &[Value::from(text)]);
        assert!(matches!(found, Err(BuiltinError::Halt(_))), "{found:?}");
    }
    let chain: Vec<String> = (0..1000)
        .map(|at| format!("fragment F{at} on Query {{ a {{ ...F{} }} }}", at + 1))
        .collect();
    let query = format!("{{ ...F0 }} {}", chain.join(" "));
    let schema = Value::from("type Query { a: Query }");
    let found = call("graphql.is_valid", &[Value::from(query), schema]);
    assert!(matches!(found, Err(BuiltinError::Halt(_))), "{found:?}");
}

/// Text that often comes close to GraphQL.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => prop::sample::select(vec![
            "{", "}", "(", ")", "[", "]", ":", "!", "=", "|", "&", "@", "$", "...", " ", "\n", "#c\n", "on", "type",
            "Query", "input", "enum", "union", "interface", "implements", "fragment", "query", "extend", "schema",
            "scalar", "directive", "a", "b", "Int", "1", "-1.5e3", "\"s\"", "\"\"\"b\"\"\"", "\"\\u0041", "true", "null",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.join(""))
}

proptest! {
    #[test]
    fn no_text_is_too_odd(query in pieces(), schema in pieces()) {
        let operands = [Value::from(query), Value::from(schema)];
        for name in ["graphql.parse_query", "graphql.parse_schema", "graphql.schema_is_valid", "graphql.is_valid"] {
            let _ = call(name, &operands);
        }
    }

    #[test]
    fn no_change_to_a_query_is_too_odd(at in 0..200_usize, piece in pieces()) {
        let recorded = value(include_str!("cases.json"));
        let schema = recorded.get("schema").expect("a schema").clone();
        let query = "query Q($a: Int! = 1) { user(id: 1) { ...F friends(first: $a, f: {age: 2, role: ADMIN}) { name } } } \
            fragment F on User { id best { ... on Dog { bark } } }";
        let at = at.min(query.len());
        let query = format!("{}{piece}{}", &query[..at], &query[at..]);
        let _ = call("graphql.parse", &[Value::from(query), schema]);
    }
}
