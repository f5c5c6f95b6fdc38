//! `with`: what it puts in place, and that it is put back.

use serde_json::{Value as Json, json};

use super::{block, call, collect, env, function, give, local, one_block, plan, run, stmt, string};
use crate::value::{Object, Value};

#[test]
fn a_break_out_of_a_with_puts_back_what_it_replaced() {
    let with = stmt(
        "With",
        json!({"local": 0, "path": [], "value": string(1), "block": block(&[stmt("Break", json!({"index": 1}))])}),
    );
    let left = stmt("Block", json!({"blocks": [block(&[with])]}));
    let program = plan(&[], &one_block(vec![vec![left], give(&local(0))]));
    assert_eq!(run(&program, Some("7"), "{}"), Some("7".to_owned()));
}

#[test]
fn a_with_reaches_through_what_is_missing_or_no_object() {
    let with = |path: Json| {
        let body = block(&give(&local(0)));
        plan(
            &[],
            &[block(&[stmt(
                "With",
                json!({"local": 0, "path": path, "value": string(3), "block": body}),
            )])],
        )
    };
    for (input, path, expected) in [
        (None, json!([]), r#""3""#),
        (None, json!([1, 2]), r#"{"a":{"b":"3"}}"#),
        (Some("5"), json!([1]), r#"{"a":"3"}"#),
        (
            Some(r#"{"a": 1, "c": 2}"#),
            json!([1, 2]),
            r#"{"a":{"b":"3"},"c":2}"#,
        ),
        (
            Some(r#"{"a": {"b": 1, "d": 2}}"#),
            json!([1, 2]),
            r#"{"a":{"b":"3","d":2}}"#,
        ),
    ] {
        assert_eq!(
            run(&with(path), input, "{}").as_deref(),
            Some(expected),
            "{input:?}"
        );
    }
}

#[test]
fn a_with_of_data_copies_next_to_nothing_of_it() {
    // Ten thousand times a member of a large document is replaced; copying it each time would take minutes.
    let body = block(&[stmt(
        "With",
        json!({"local": 1, "path": [1], "value": local(6), "block": block(&[stmt("Nop", json!({}))])}),
    )]);
    let scan = stmt("Scan", json!({"source": 0, "key": 5, "value": 6, "block": body}));
    let program = plan(&[], &one_block(vec![vec![scan], give(&string(1))]));
    let input = Value::from_json_str(&format!("[{}]", vec!["0"; 10_000].join(","))).unwrap();
    let members = (0..100_000).map(|key| (Value::from(format!("k{key}")), Value::Null));
    let data = Value::Object(members.collect::<Object>());
    let result = program
        .evaluate(program.entrypoint("main").unwrap(), Some(&input), &data, &env())
        .unwrap();
    assert_eq!(result, Some(Value::from("a")));
    assert_eq!(data.as_object().map(Object::len), Some(100_000));
}

#[test]
fn a_return_in_the_middle_of_a_with_leaves_the_caller_as_it_was() {
    let with = stmt(
        "With",
        json!({"local": 0, "path": [], "value": string(1), "block": block(&[
            stmt("AssignVar", json!({"source": local(0), "target": 50})),
            stmt("ReturnLocal", json!({"source": 50})),
        ])}),
    );
    let rule = function("f", 2, &[with]);
    let program = plan(
        &[rule],
        &one_block(vec![
            vec![call("f", 10), call("f", 11)],
            vec![stmt("AssignVar", json!({"source": local(0), "target": 12}))],
            collect(&[10, 11, 12]),
        ]),
    );
    assert_eq!(run(&program, Some("7"), "{}"), Some(r#"["a","a",7]"#.to_owned()));
}

#[test]
fn data_that_a_with_replaced_is_addressed_as_any_value() {
    // `data.a["3"]` and `data.a[3]` under `with data.a as {"3"}`, a set.
    let number = stmt("MakeNumberRef", json!({"index": 3, "target": 4}));
    let set = [
        stmt("MakeSet", json!({"target": 5})),
        stmt("SetAdd", json!({"set": 5, "value": string(3)})),
    ];
    let under = |key: Json| {
        let mut body = vec![
            stmt("Dot", json!({"source": local(1), "key": string(1), "target": 6})),
            stmt("Dot", json!({"source": local(6), "key": key, "target": 7})),
        ];
        body.extend(give(&local(7)));
        let with = stmt(
            "With",
            json!({"local": 1, "path": [1], "value": local(5), "block": block(&body)}),
        );
        plan(
            &[],
            &one_block(vec![vec![number.clone()], set.to_vec(), vec![with]]),
        )
    };
    assert_eq!(run(&under(string(3)), None, "{}"), Some("\"3\"".to_owned()));
    assert_eq!(run(&under(local(4)), None, "{}"), None);
}
