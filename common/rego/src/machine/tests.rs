//! Plans written by hand: what they mean where OPA's own cases don't look, and that none gets out of hand.

#![expect(
    clippy::needless_pass_by_value,
    reason = "plans made of json!(…) read better without references"
)]

mod bounds;
mod withs;

use serde_json::{Value as Json, json};

use crate::env::Env;
use crate::error::EvalError;
use crate::program::{NoHost, Program};
use crate::value::Value;

fn stmt(kind: &str, fields: Json) -> Json {
    json!({"type": format!("{kind}Stmt"), "stmt": fields})
}

fn local(local: usize) -> Json {
    json!({"type": "local", "value": local})
}

fn string(index: usize) -> Json {
    json!({"type": "string_index", "value": index})
}

fn truth(flag: bool) -> Json {
    json!({"type": "bool", "value": flag})
}

fn block(statements: &[Json]) -> Json {
    json!({"stmts": statements})
}

/// Makes the result `{"result": <operand>}`, in local 90.
fn give(operand: &Json) -> Vec<Json> {
    vec![
        stmt("MakeObject", json!({"target": 90})),
        stmt(
            "ObjectInsert",
            json!({"object": 90, "key": string(0), "value": operand}),
        ),
        stmt("ResultSetAdd", json!({"value": 90})),
    ]
}

fn call(name: &str, result: usize) -> Json {
    stmt(
        "Call",
        json!({"func": name, "args": [local(0), local(1)], "result": result}),
    )
}

fn function(name: &str, params: usize, statements: &[Json]) -> Json {
    let params: Vec<usize> = (0..params).collect();
    json!({"name": name, "params": params, "return": 50, "blocks": [block(statements)], "path": ["g0", name]})
}

/// A plan with the strings `result`, `a`, `b`, `3` and an entrypoint.
fn plan(functions: &[Json], blocks: &[Json]) -> Program {
    let plan = json!({
        "static": {
            "strings": [{"value": "result"}, {"value": "a"}, {"value": "b"}, {"value": "3"}, {"value": "g0"}],
            "files": [{"value": "p.rego"}],
        },
        "plans": {"plans": [{"name": "main", "blocks": blocks}]},
        "funcs": {"funcs": functions},
    });
    Program::load(plan.to_string().as_bytes(), &NoHost).unwrap()
}

fn env() -> Env {
    Env::new(0, [0; 32])
}

fn run_with(
    program: &Program,
    input: Option<&str>,
    data: &str,
    env: &Env,
) -> Result<Option<Value>, EvalError> {
    let input = input.map(|text| Value::from_json_str(text).unwrap());
    let data = Value::from_json_str(data).unwrap();
    program.evaluate(program.entrypoint("main").unwrap(), input.as_ref(), &data, env)
}

fn run(program: &Program, input: Option<&str>, data: &str) -> Option<String> {
    run_with(program, input, data, &env())
        .unwrap()
        .map(|value| value.to_json())
}

fn one_block(statements: Vec<Vec<Json>>) -> Vec<Json> {
    vec![block(&statements.concat())]
}

#[test]
fn an_undefined_statement_ends_its_block_and_the_next_block_goes_on() {
    let dot = stmt("Dot", json!({"source": local(0), "key": string(1), "target": 5}));
    let program = plan(
        &[],
        &[
            block(&[vec![dot], give(&local(5))].concat()),
            block(&give(&string(2))),
        ],
    );
    assert_eq!(run(&program, Some(r#"{"a": 1}"#), "{}"), Some("1".to_owned()));
    assert_eq!(run(&program, Some("{}"), "{}"), Some("\"b\"".to_owned()));
    assert_eq!(run(&program, None, "{}"), Some("\"b\"".to_owned()));
}

#[test]
fn a_break_leaves_as_many_blocks_as_it_says() {
    // In a block within a block: the outer one's rest is left out too, what comes after it is not.
    let inner = stmt(
        "Block",
        json!({"blocks": [block(&[stmt("Break", json!({"index": 1}))])]}),
    );
    let outer = stmt(
        "Block",
        json!({"blocks": [block(&[inner, stmt("AssignVar", json!({"source": truth(true), "target": 5}))])]}),
    );
    let program = plan(
        &[],
        &one_block(vec![
            vec![outer],
            vec![stmt("IsUndefined", json!({"source": 5}))],
            give(&string(1)),
        ]),
    );
    assert_eq!(run(&program, None, "{}"), Some("\"a\"".to_owned()));
}

#[test]
fn a_break_out_of_a_scan_ends_it() {
    let body = [
        stmt("AssignVar", json!({"source": local(6), "target": 7})),
        stmt("Break", json!({"index": 1})),
    ];
    let scan = stmt(
        "Scan",
        json!({"source": 0, "key": 5, "value": 6, "block": block(&body)}),
    );
    let looped = stmt("Block", json!({"blocks": [block(&[scan])]}));
    let program = plan(&[], &one_block(vec![vec![looped], give(&local(7))]));
    assert_eq!(run(&program, Some("[1, 2, 3]"), "{}"), Some("1".to_owned()));
}

#[test]
fn a_scan_of_nothing_goes_on_after_it() {
    let scan = stmt(
        "Scan",
        json!({"source": 0, "key": 5, "value": 6, "block": block(&[])}),
    );
    let program = plan(&[], &one_block(vec![vec![scan], give(&string(1))]));
    for input in [None, Some("1"), Some("[]"), Some("{}"), Some("\"abc\"")] {
        assert_eq!(run(&program, input, "{}"), Some("\"a\"".to_owned()), "{input:?}");
    }
}

#[test]
fn a_rule_is_computed_once_for_one_input_and_anew_under_another() {
    // The rule gives its input back; called under a `with` that is undone within, it must give what is current.
    let rule = function(
        "f",
        2,
        &[
            stmt("AssignVar", json!({"source": local(0), "target": 50})),
            stmt("ReturnLocal", json!({"source": 50})),
        ],
    );
    let undone = [vec![call("f", 12)], collect(&[10, 11, 12])].concat();
    let undo = stmt(
        "With",
        json!({"local": 0, "path": null, "value": local(9), "block": block(&undone)}),
    );
    let replaced = stmt(
        "With",
        json!({"local": 0, "path": [], "value": string(1), "block": block(&[call("f", 11), undo])}),
    );
    let save = stmt("AssignVar", json!({"source": local(0), "target": 9}));
    let program = plan(&[rule], &one_block(vec![vec![call("f", 10), save, replaced]]));
    assert_eq!(
        run(&program, Some("[7]"), "{}"),
        Some(r#"[[7],"a",[7]]"#.to_owned())
    );
}

/// Gives an array of the locals.
fn collect(locals: &[usize]) -> Vec<Json> {
    let mut statements = vec![stmt("MakeArray", json!({"capacity": 0, "target": 80}))];
    statements.extend(
        locals
            .iter()
            .map(|at| stmt("ArrayAppend", json!({"array": 80, "value": local(*at)}))),
    );
    statements.extend(give(&local(80)));
    statements
}

#[test]
fn results_remembered_save_statements() {
    let body = [
        stmt("MakeNull", json!({"target": 50})),
        stmt("ReturnLocal", json!({"source": 50})),
    ];
    let rule = function(
        "f",
        2,
        &[
            vec![stmt("ResetLocal", json!({"target": 51})); 100],
            body.to_vec(),
        ]
        .concat(),
    );
    let calls: Vec<Json> = (0..20).map(|_| call("f", 10)).collect();
    let program = plan(&[rule], &one_block(vec![calls, give(&local(10))]));
    let mut env = env();
    env.limits.max_statements = 200;
    assert_eq!(run_with(&program, None, "{}", &env).unwrap(), Some(Value::Null));
}

#[test]
fn data_in_storage_is_addressed_by_text() {
    let number = stmt("MakeNumberRef", json!({"index": 3, "target": 4}));
    let direct = stmt("Dot", json!({"source": local(1), "key": local(4), "target": 5}));
    let program = plan(
        &[],
        &one_block(vec![vec![number.clone(), direct], give(&local(5))]),
    );
    assert_eq!(run(&program, None, r#"{"3": "x"}"#), Some("\"x\"".to_owned()));
    // A value that was taken out of it is addressed as any other.
    let copy = stmt("AssignVar", json!({"source": local(1), "target": 6}));
    let indirect = stmt("Dot", json!({"source": local(6), "key": local(4), "target": 5}));
    let program = plan(
        &[],
        &one_block(vec![vec![number, copy, indirect], give(&local(5))]),
    );
    assert_eq!(run(&program, None, r#"{"3": "x"}"#), None);
}

#[test]
fn a_second_value_is_a_conflict_with_opas_words() {
    let once = |source: Json| {
        stmt(
            "AssignVarOnce",
            json!({"source": source, "target": 50, "file": 0, "row": 4, "col": 2}),
        )
    };
    let body = [once(truth(true)), once(truth(true)), once(truth(false))];
    for (params, expected) in [
        (
            2,
            "p.rego:4:2 (g0.data.p.r): eval_conflict_error: rule data.p.r produced conflicting values",
        ),
        (
            3,
            "p.rego:4:2 (g0.data.p.r): eval_conflict_error: function data.p.r produced conflicting values for the same inputs",
        ),
    ] {
        let args: Vec<Json> = (0..params).map(|_| local(1)).collect();
        let call = stmt("Call", json!({"func": "g0.data.p.r", "args": args, "result": 5}));
        let program = plan(
            &[function("g0.data.p.r", params, &body)],
            &one_block(vec![vec![call], give(&local(5))]),
        );
        let error = run_with(&program, None, "{}", &env()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_second_value_for_a_key_is_a_conflict() {
    let insert = |value: Json| {
        stmt(
            "ObjectInsertOnce",
            json!({"object": 5, "key": string(1), "value": value}),
        )
    };
    let make = stmt("MakeObject", json!({"target": 5}));
    let same = plan(
        &[],
        &one_block(vec![
            vec![make.clone(), insert(truth(true)), insert(truth(true))],
            give(&local(5)),
        ]),
    );
    assert_eq!(run(&same, None, "{}"), Some(r#"{"a":true}"#.to_owned()));
    let other = plan(
        &[],
        &one_block(vec![vec![make, insert(truth(true)), insert(string(1))]]),
    );
    let error = run_with(&other, None, "{}", &env()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "main: eval_conflict_error: object keys must be unique"
    );
}

/// A dynamic call of the function `name`, in the blocks that it needs.
fn dynamic_call(name: usize, result: usize) -> Json {
    let path = [string(4), string(name)];
    let mut statement = stmt(
        "CallDynamic",
        json!({"args": [0, 1], "result": result, "path": path}),
    );
    for _ in 0..3 {
        statement = stmt("Block", json!({"blocks": [block(&[statement])]}));
    }
    statement
}

#[test]
fn a_dynamic_call_of_nothing_is_undefined_in_its_own_block_only() {
    let program = plan(&[], &one_block(vec![vec![dynamic_call(2, 5)], give(&string(1))]));
    assert_eq!(run(&program, None, "{}"), Some("\"a\"".to_owned()));
    // Where there is a function, but it gives nothing, the fourth block around is left.
    let undefined = function("a", 2, &[stmt("Break", json!({"index": 0}))]);
    let program = plan(
        &[undefined],
        &one_block(vec![vec![dynamic_call(1, 5)], give(&string(1))]),
    );
    assert_eq!(run(&program, None, "{}"), None);
}
