//! What a rewrite must not do: plans written by hand in which the obvious shortcut would be wrong, and how much is left
//! of a plan in which it is right.

#![expect(
    clippy::needless_pass_by_value,
    reason = "plans made of json!(…) read better without references"
)]

mod scans;

use serde_json::{Value as Json, json};

use crate::env::Env;
use crate::program::{NoHost, Op, Program};
use crate::value::Value;

const RESULT: usize = 90;

fn stmt(kind: &str, fields: Json) -> Json {
    json!({"type": format!("{kind}Stmt"), "stmt": fields})
}

fn local(local: usize) -> Json {
    json!({"type": "local", "value": local})
}

/// Strings are `result`, `a`, `b`, `c`.
fn string(index: usize) -> Json {
    json!({"type": "string_index", "value": index})
}

fn block(statements: &[Json]) -> Json {
    json!({"stmts": statements})
}

fn dot(source: usize, key: usize, target: usize) -> Json {
    stmt(
        "Dot",
        json!({"source": local(source), "key": string(key), "target": target}),
    )
}

fn copy(source: Json, target: usize) -> Json {
    stmt("AssignVar", json!({"source": source, "target": target}))
}

fn equal(a: Json, b: Json) -> Json {
    stmt("Equal", json!({"a": a, "b": b}))
}

fn scan(source: usize, key: usize, value: usize, body: &[Json]) -> Json {
    stmt(
        "Scan",
        json!({"source": source, "key": key, "value": value, "block": block(body)}),
    )
}

fn with(target: usize, path: &[usize], value: Json, body: &[Json]) -> Json {
    stmt(
        "With",
        json!({"local": target, "path": path, "value": value, "block": block(body)}),
    )
}

/// Adds the operand to an array in `RESULT`, which comes out in the end.
fn note(operand: Json) -> Json {
    stmt("ArrayAppend", json!({"value": operand, "array": RESULT}))
}

/// A program whose result is what its blocks note.
fn program(blocks: &[Vec<Json>]) -> Program {
    let begin = vec![stmt("MakeArray", json!({"capacity": 0, "target": RESULT}))];
    let end = vec![
        stmt("MakeObject", json!({"target": 91})),
        stmt(
            "ObjectInsert",
            json!({"object": 91, "key": string(0), "value": local(RESULT)}),
        ),
        stmt("ResultSetAdd", json!({"value": 91})),
    ];
    let all = [&[begin], blocks, &[end]].concat();
    let blocks: Vec<Json> = all.iter().map(|statements| block(statements)).collect();
    let plan = json!({
        "static": {"strings": [{"value": "result"}, {"value": "a"}, {"value": "b"}, {"value": "c"}], "files": []},
        "plans": {"plans": [{"name": "main", "blocks": blocks}]},
        "funcs": {"funcs": []},
    });
    Program::load(plan.to_string().as_bytes(), &NoHost).unwrap()
}

fn run(program: &Program, input: &str, data: &str) -> String {
    let [input, data] = [input, data].map(|text| Value::from_json_str(text).unwrap());
    let entrypoint = program.entrypoint("main").unwrap();
    let result = program.evaluate(entrypoint, Some(&input), &data, &Env::new(0, [0; 32]));
    result.unwrap().unwrap().to_json()
}

fn check(blocks: &[Vec<Json>], input: &str, expected: &str) {
    assert_eq!(run(&program(blocks), input, "{}"), expected);
}

#[test]
fn a_copy_is_not_followed_to_what_changes_after_it() {
    check(
        &[vec![
            dot(0, 1, 5),
            copy(local(5), 6),
            copy(string(2), 5),
            note(local(6)),
            note(local(5)),
        ]],
        r#"{"a": 1}"#,
        r#"[1,"b"]"#,
    );
}

#[test]
fn a_copy_of_the_input_outlives_a_with_around_its_reader() {
    check(
        &[vec![
            copy(local(0), 5),
            with(
                0,
                &[1],
                string(2),
                &[dot(5, 1, 6), note(local(6)), dot(0, 1, 7), note(local(7))],
            ),
        ]],
        r#"{"a": 1}"#,
        r#"[1,"b"]"#,
    );
}

#[test]
fn a_copy_of_the_input_made_under_a_with_outlives_it() {
    check(
        &[vec![
            with(0, &[1], string(2), &[copy(local(0), 5)]),
            dot(5, 1, 6),
            note(local(6)),
        ]],
        r#"{"a": 1}"#,
        r#"["b"]"#,
    );
}

#[test]
fn what_a_walk_passes_is_kept_where_someone_else_reads_it() {
    check(
        &[vec![dot(0, 1, 5), dot(5, 2, 6), note(local(5)), note(local(6))]],
        r#"{"a": {"b": 1}}"#,
        r#"[{"b":1},1]"#,
    );
}

#[test]
fn what_was_perhaps_not_copied_is_undefined() {
    // The copy is made in a block that the lookup of `b` leaves before.
    let maybe = stmt(
        "Block",
        json!({"blocks": [block(&[dot(0, 2, 6), copy(string(3), 5)])]}),
    );
    let blocks = [vec![maybe, note(local(5))]];
    check(&blocks, r#"{"a": 1}"#, "[]");
    check(&blocks, r#"{"b": 1}"#, r#"["c"]"#);
}

#[test]
fn a_copy_made_in_an_iteration_is_not_seen_before_it_is_made() {
    let body = [
        stmt(
            "Block",
            json!({"blocks": [block(&[stmt("IsUndefined", json!({"source": 7})), note(string(1))])]}),
        ),
        copy(local(6), 7),
    ];
    check(&[vec![scan(0, 5, 6, &body)]], "[1, 2, 3]", r#"["a"]"#);
}

#[test]
fn a_lookup_in_an_iteration_is_made_again_where_its_source_changes() {
    let body = [with(0, &[1], local(6), &[dot(0, 1, 7), note(local(7))])];
    check(
        &[vec![dot(0, 2, 4), scan(4, 5, 6, &body)]],
        r#"{"b": [1, 2], "a": 0}"#,
        "[1,2]",
    );
    let body = [dot(6, 1, 7), dot(7, 2, 8), note(local(8))];
    check(
        &[vec![scan(0, 5, 6, &body)]],
        r#"[{"a": {"b": 1}}, {"a": {}}, {"a": {"b": 3}}]"#,
        "[1,3]",
    );
}

#[test]
fn a_lookup_made_once_serves_every_iteration_and_is_undefined_in_each() {
    let body = [dot(0, 1, 7), dot(7, 2, 8), note(local(8))];
    let blocks = [vec![dot(0, 3, 4), scan(4, 5, 6, &body)], vec![note(string(3))]];
    check(&blocks, r#"{"c": [1, 2], "a": {"b": 5}}"#, r#"[5,5,"c"]"#);
    check(&blocks, r#"{"c": [1, 2], "a": {}}"#, r#"["c"]"#);
    let program = program(&blocks);
    let once = |op: &&Op| matches!(op, Op::Follow { once: true, .. });
    assert_eq!(program.code.iter().filter(once).count(), 1, "{:?}", program.code);
}

#[test]
fn a_lookup_is_not_moved_past_what_changes_its_source() {
    // 5 is looked up, and then becomes another object, before what was found in it is compared.
    check(
        &[vec![
            dot(0, 1, 5),
            dot(5, 1, 6),
            dot(0, 2, 5),
            equal(local(6), string(3)),
            note(string(1)),
        ]],
        r#"{"a": {"a": "c"}, "b": {"a": "a"}}"#,
        r#"["a"]"#,
    );
}

#[test]
fn a_lookup_and_its_comparison_are_one_operation() {
    let blocks = [vec![dot(0, 1, 5), equal(local(5), string(3)), note(string(1))]];
    let program = program(&blocks);
    assert!(program.code.iter().any(|op| matches!(op, Op::DotCompare { .. })));
    check(&blocks, r#"{"a": "c"}"#, r#"["a"]"#);
    check(&blocks, r#"{"a": "b"}"#, "[]");
    check(&blocks, "{}", "[]");
    let unequal = stmt("NotEqual", json!({"a": string(3), "b": local(5)}));
    let blocks = [vec![dot(0, 1, 5), unequal, note(string(1))]];
    check(&blocks, r#"{"a": "c"}"#, "[]");
    check(&blocks, r#"{"a": "b"}"#, r#"["a"]"#);
    // Undefined is neither equal nor unequal.
    check(&blocks, "{}", "[]");
}

#[test]
fn a_comparison_that_is_also_reached_otherwise_keeps_its_lookup() {
    // Where `a` is absent the block is left, and 5 is compared all the same.
    let maybe = stmt("Block", json!({"blocks": [block(&[dot(0, 1, 5)])]}));
    let blocks = [vec![
        copy(string(2), 5),
        maybe,
        equal(local(5), string(2)),
        note(string(1)),
    ]];
    check(&blocks, r#"{"a": "b"}"#, r#"["a"]"#);
    check(&blocks, r#"{"a": "c"}"#, "[]");
    // A lookup that finds nothing leaves nothing.
    check(&blocks, "{}", "[]");
}

#[test]
fn constant_collections_are_made_once_and_those_added_to_are_not() {
    let set = [
        stmt("MakeSet", json!({"target": 5})),
        stmt("SetAdd", json!({"set": 5, "value": string(2)})),
        stmt("SetAdd", json!({"set": 5, "value": string(1)})),
    ];
    let constant = [set.to_vec(), vec![note(local(5))]].concat();
    let program_of_constant = program(std::slice::from_ref(&constant));
    assert!(
        !program_of_constant
            .code
            .iter()
            .any(|op| matches!(op, Op::MakeSet { .. }))
    );
    check(&[constant], "{}", r#"[["a","b"]]"#);

    // Made anew in each iteration, and added to: no iteration sees what another added.
    let body = [
        set.to_vec(),
        vec![
            stmt("SetAdd", json!({"set": 5, "value": local(7)})),
            note(local(5)),
        ],
    ]
    .concat();
    let program = program(&[vec![scan(0, 6, 7, &body)]]);
    for _ in 0..2 {
        assert_eq!(run(&program, "[1, 2]", "{}"), r#"[[1,"a","b"],[2,"a","b"]]"#);
    }
}

#[test]
fn a_lookup_in_a_constant_collection_finds_its_members() {
    let object = [
        stmt("MakeObject", json!({"target": 5})),
        stmt(
            "ObjectInsert",
            json!({"object": 5, "key": string(1), "value": string(2)}),
        ),
        stmt("Dot", json!({"source": local(0), "key": string(3), "target": 6})),
        stmt("Dot", json!({"source": local(5), "key": local(6), "target": 7})),
        note(local(7)),
    ];
    check(&[object.to_vec()], r#"{"c": "a"}"#, r#"["b"]"#);
    check(&[object.to_vec()], r#"{"c": "b"}"#, "[]");
}

#[test]
fn a_walk_takes_what_storage_and_sets_have_in_their_own_ways() {
    // In the base document `"0"` is an array's first element; in the input it is not.
    let plan = |source: usize| {
        json!({
            "static": {"strings": [{"value": "result"}, {"value": "list"}, {"value": "0"}], "files": []},
            "plans": {"plans": [{"name": "main", "blocks": [block(&[
                dot(source, 1, 5), dot(5, 2, 6),
                stmt("MakeObject", json!({"target": 7})),
                stmt("ObjectInsert", json!({"object": 7, "key": string(0), "value": local(6)})),
                stmt("ResultSetAdd", json!({"value": 7})),
            ])]}]},
            "funcs": {"funcs": []},
        })
        .to_string()
    };
    let document = Value::from_json_str(r#"{"list": ["first"]}"#).unwrap();
    let ask = |source| {
        let program = Program::load(plan(source).as_bytes(), &NoHost).unwrap();
        assert!(program.code.iter().any(|op| matches!(op, Op::Follow { .. })));
        let entrypoint = program.entrypoint("main").unwrap();
        let env = Env::new(0, [0; 32]);
        program
            .evaluate(entrypoint, Some(&document), &document, &env)
            .unwrap()
    };
    assert_eq!(ask(1), Some(Value::from("first")));
    assert_eq!(ask(0), None);
}

#[test]
fn an_entrypoint_hands_its_value_over_and_names_it_for_who_asks_for_all() {
    let program = program(&[]);
    assert!(program.code.iter().any(|op| matches!(op, Op::ResultValue { .. })));
    let entrypoint = program.entrypoint("main").unwrap();
    let all = program
        .results(entrypoint, None, &Value::Null, &Env::new(0, [0; 32]))
        .unwrap();
    assert_eq!(Value::from(all).to_json(), r#"[{"result":[]}]"#);
}

#[test]
fn nothing_that_does_nothing_is_left() {
    let program = program(&[vec![copy(string(1), 5), copy(local(5), 6), note(local(6))]]);
    let idle = |op: &&Op| matches!(op, Op::Nothing | Op::Jump { .. } | Op::Assign { .. });
    assert_eq!(program.code.iter().filter(idle).count(), 0, "{:?}", program.code);
}

#[test]
fn a_program_shares_its_names_with_data_that_stays_the_same() {
    let program = program(&[vec![dot(1, 1, 5), note(local(5))]]);
    let data = Value::from_json_str(r#"{"a": ["b", "d", {"c": 1, "e": 2}], "f": {}}"#).unwrap();
    let shared = program.share(data.clone());
    assert_eq!(shared.to_json(), data.to_json());
    let name = |value: &Value| value.as_object().unwrap().nth(0).unwrap().0.clone();
    let own = program
        .constants
        .iter()
        .find(|own| own.as_str() == Some("a"))
        .unwrap();
    assert!(name(&shared).same(own) && !name(&data).same(own));
}
