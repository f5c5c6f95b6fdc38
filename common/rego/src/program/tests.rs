//! What is refused at load, and how the refusal names it. Plans are written by hand.

#![expect(
    clippy::needless_pass_by_value,
    reason = "plans made of json!(…) read better without references"
)]

use serde_json::{Value as Json, json};

use super::{NoHost, Program};
use crate::error::LoadError;
use crate::plan::MAX_BLOCK_NESTING;

fn stmt(kind: &str, fields: Json) -> Json {
    json!({"type": kind, "stmt": fields})
}

/// A plan with one entrypoint, whose one block holds the statements.
fn plan(statements: &[Json]) -> Json {
    json!({
        "static": {"strings": [{"value": "a"}, {"value": "1.50"}], "files": [{"value": "p.rego"}]},
        "plans": {"plans": [{"name": "main", "blocks": [{"stmts": statements}]}]},
        "funcs": {"funcs": []},
    })
}

fn load(plan: &Json) -> Result<Program, LoadError> {
    Program::load(plan.to_string().as_bytes(), &NoHost)
}

fn refusal(plan: &Json) -> String {
    load(plan).unwrap_err().to_string()
}

fn function(name: &str, calls: &[&str]) -> Json {
    let args = json!([{"type": "local", "value": 0}, {"type": "local", "value": 1}]);
    let calls = calls
        .iter()
        .map(|name| stmt("CallStmt", json!({"func": name, "args": args, "result": 2})));
    let mut statements: Vec<Json> = calls.collect();
    statements.push(stmt("ReturnLocalStmt", json!({"source": 2})));
    json!({"name": name, "params": [0, 1], "return": 2, "blocks": [{"stmts": statements}], "path": ["g0", name]})
}

#[test]
fn an_unknown_statement_is_refused_by_name_and_place() {
    let unknown = stmt(
        "FrobStmt",
        json!({"file": 0, "row": 3, "col": 7, "flag": true, "source": 1}),
    );
    let error = refusal(&plan(&[unknown]));
    assert_eq!(
        error,
        "p.rego:3:7 (main): unknown statement `FrobStmt`; this machine runs the plans of OPA 1.22"
    );
}

#[test]
fn an_unknown_builtin_is_refused_by_name_even_if_it_is_never_called() {
    let mut plan = plan(&[]);
    plan["static"]["builtin_funcs"] =
        json!([{"name": "no.such", "decl": {"args": [], "result": {"type": "any"}}}]);
    assert_eq!(
        load(&plan).unwrap_err(),
        LoadError::UnknownBuiltin("no.such".to_owned())
    );
}

#[test]
fn a_call_of_what_is_neither_defined_nor_declared_is_refused() {
    let call = stmt("CallStmt", json!({"func": "count", "args": [], "result": 2}));
    assert_eq!(
        refusal(&plan(&[call])),
        "main: call of `count`, which the plan neither defines nor declares"
    );
}

#[test]
fn indices_out_of_range_are_refused() {
    let string = |index: i64| json!({"type": "string_index", "value": index});
    let local = json!({"type": "local", "value": 1});
    for (statement, expected) in [
        (
            stmt("MakeNumberRefStmt", json!({"Index": 2, "target": 3})),
            "main: string 2 doesn't exist, there are 2",
        ),
        (
            stmt("MakeNumberRefStmt", json!({"index": -1, "target": 3})),
            "main: string -1 doesn't exist, there are 2",
        ),
        (
            stmt("EqualStmt", json!({"a": string(9), "b": local})),
            "main: string 9 doesn't exist, there are 2",
        ),
        (
            stmt(
                "WithStmt",
                json!({"local": 0, "path": [0, 5], "value": local, "block": {"stmts": []}}),
            ),
            "main: string 5 doesn't exist, there are 2",
        ),
        (
            stmt("IsDefinedStmt", json!({"source": -4})),
            "main: local -4 doesn't exist",
        ),
        (
            stmt("NopStmt", json!({"file": 1, "row": 2, "col": 1})),
            "main: file 1 doesn't exist, there are 1",
        ),
        (
            stmt("BreakStmt", json!({"index": 1})),
            "main: BreakStmt: there is no block 1 around it",
        ),
        (
            stmt("BreakStmt", json!({"index": -1})),
            "main: BreakStmt: there is no block -1 around it",
        ),
    ] {
        let error = refusal(&plan(&[statement]));
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn a_statement_without_a_field_or_with_another_is_refused() {
    for (statement, expected) in [
        (
            stmt("DotStmt", json!({"source": 1, "target": 2})),
            "DotStmt: expected an operand in `source`",
        ),
        (
            stmt("ScanStmt", json!({"source": 1, "key": 2, "value": 3})),
            "ScanStmt: expected a block in `block`",
        ),
        (
            stmt("ResetLocalStmt", json!({"target": "x"})),
            "ResetLocalStmt: expected an integer in `target`",
        ),
        (
            stmt("ResetLocalStmt", json!({"target": 1.5})),
            "expected an integer of 64 bits, found 1.5",
        ),
        (
            json!({"type": "NopStmt"}),
            "expected a statement with `type` and `stmt`",
        ),
        (
            stmt(
                "EqualStmt",
                json!({"a": {"type": "bool", "value": 1}, "b": {"type": "local", "value": 1}}),
            ),
            "expected an operand",
        ),
        (
            stmt("MakeNumberRefStmt", json!({"index": 0, "target": 2})),
            "expected a number, found `a`",
        ),
        (
            stmt(
                "CallDynamicStmt",
                json!({"args": [0, 1], "result": 2, "path": []}),
            ),
            "CallDynamicStmt: expected four blocks around it",
        ),
    ] {
        let error = refusal(&plan(&[statement]));
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn both_spellings_of_a_number_s_index_are_read_and_the_new_one_wins() {
    for fields in [
        json!({"index": 1, "target": 2}),
        json!({"Index": 1, "target": 2}),
        json!({"Index": 0, "index": 1, "target": 2}),
    ] {
        load(&plan(&[stmt("MakeNumberRefStmt", fields)])).unwrap();
    }
}

#[test]
fn recursion_is_refused_direct_and_through_others() {
    let mut plan = plan(&[]);
    plan["funcs"]["funcs"] = json!([function("f", &["f"])]);
    assert_eq!(load(&plan).unwrap_err(), LoadError::Recursion("f".to_owned()));
    plan["funcs"]["funcs"] = json!([
        function("leaf", &[]),
        function("f", &["leaf", "g"]),
        function("g", &["f", "leaf"])
    ]);
    assert_eq!(load(&plan).unwrap_err(), LoadError::Recursion("f".to_owned()));
    plan["funcs"]["funcs"] = json!([function("f", &["leaf", "leaf"]), function("leaf", &[])]);
    load(&plan).unwrap();
}

#[test]
fn functions_that_can_t_be_told_apart_are_refused() {
    let mut plan = plan(&[]);
    plan["funcs"]["funcs"] = json!([function("f", &[]), function("f", &[])]);
    assert_eq!(refusal(&plan), "function `f` is defined twice");
    let mut other = function("g", &[]);
    other["path"] = json!(["g0", "f"]);
    plan["funcs"]["funcs"] = json!([function("f", &[]), other]);
    assert_eq!(refusal(&plan), "path `g0/f` is defined twice");
    let mut clash = function("f", &[]);
    clash["params"] = json!([0, 0]);
    plan["funcs"]["funcs"] = json!([clash]);
    assert_eq!(
        refusal(&plan),
        "f: expected each parameter to be another local, from 0"
    );
    let mut lone = function("f", &[]);
    lone["params"] = json!([0]);
    plan["funcs"]["funcs"] = json!([lone]);
    assert_eq!(
        refusal(&plan),
        "f: expected the parameters to begin with input and data"
    );
}

#[test]
fn a_call_with_the_wrong_number_of_arguments_is_refused() {
    let mut plan = plan(&[stmt("CallStmt", json!({"func": "f", "args": [], "result": 2}))]);
    plan["funcs"]["funcs"] = json!([function("f", &[])]);
    assert_eq!(refusal(&plan), "main: `f` takes 2 arguments, not 0");
}

fn nested(levels: usize) -> Json {
    let mut statement = stmt("NopStmt", json!({}));
    for _ in 1..levels {
        statement = stmt("NotStmt", json!({"block": {"stmts": [statement]}}));
    }
    plan(&[statement])
}

#[test]
fn blocks_nest_up_to_a_bound() {
    load(&nested(MAX_BLOCK_NESTING)).unwrap();
    let error = refusal(&nested(MAX_BLOCK_NESTING + 1));
    assert!(error.contains("blocks nested deeper than 200"), "{error}");
}

#[test]
fn null_stands_for_an_empty_list_and_members_come_in_any_order() {
    let text = r#"{"funcs": null, "plans": {"plans": [{"blocks": [{"stmts": [
        {"stmt": {"blocks": null}, "type": "BlockStmt"}]}], "name": "main"}]}, "unplanned_rules": [{"path": "x"}]}"#;
    let program = Program::load(text.as_bytes(), &NoHost).unwrap();
    assert_eq!(program.entrypoints().collect::<Vec<_>>(), ["main"]);
    assert!(program.entrypoint("main").is_some());
    assert_eq!(program.entrypoint("other"), None);
}

#[test]
fn what_isn_t_a_plan_is_refused_with_its_place() {
    for (text, expected) in [
        (
            "",
            "the plan can't be read: line 1, column 1: expected a value, found the end",
        ),
        (
            "[]",
            "the plan can't be read: line 1, column 1: expected an object, found an array",
        ),
        (
            "{\"plans\":\n {\"plans\": 3}}",
            "the plan can't be read: line 2, column 12: expected an array",
        ),
    ] {
        let error = Program::load(text.as_bytes(), &NoHost).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}
