//! No plan gets out of hand: what is counted, and where it ends.

use serde_json::{Value as Json, json};

use super::{
    block, call, dynamic_call, env, function, give, local, one_block, plan, run, run_with, stmt, truth,
};
use crate::env::Limits;
use crate::error::{EvalError, Limit};

#[test]
fn recursion_through_dynamic_calls_ends_at_the_limit() {
    let body = [dynamic_call(1, 50), stmt("ReturnLocal", json!({"source": 50}))];
    let program = plan(
        &[function("a", 2, &body)],
        &one_block(vec![vec![call("a", 5)], give(&local(5))]),
    );
    let error = run_with(&program, None, "{}", &env()).unwrap_err();
    assert!(
        matches!(
            error,
            EvalError::LimitReached {
                limit: Limit::CallDepth,
                bound: 512,
                ..
            }
        ),
        "{error}"
    );
    let mut narrow = env();
    narrow.limits = Limits {
        max_locals: 100,
        ..Limits::default()
    };
    let error = run_with(&program, None, "{}", &narrow).unwrap_err();
    assert!(
        matches!(
            error,
            EvalError::LimitReached {
                limit: Limit::Locals,
                bound: 100,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn statements_are_limited() {
    let mut body = vec![stmt("Nop", json!({}))];
    for depth in 0..6 {
        body = vec![stmt(
            "Scan",
            json!({"source": 0, "key": 10 + depth, "value": 20 + depth, "block": block(&body)}),
        )];
    }
    let program = plan(&[], &[block(&body)]);
    let input = format!("[{}]", vec!["0"; 1000].join(","));
    let mut env = env();
    env.limits.max_statements = 100_000;
    let error = run_with(&program, Some(&input), "{}", &env).unwrap_err();
    assert!(
        matches!(
            error,
            EvalError::LimitReached {
                limit: Limit::Statements,
                bound: 100_000,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(
        error.to_string(),
        "main: stopped at the limit of 100000 statements"
    );
}

/// Does `body` to local 7 for each element of the input: few are fine, many reach the limit.
fn grows_until(body: &[Json], [few, many]: [usize; 2], wanted: Limit) {
    let scan = stmt(
        "Scan",
        json!({"source": 0, "key": 5, "value": 6, "block": block(body)}),
    );
    let start = stmt("AssignVar", json!({"source": truth(true), "target": 7}));
    let program = plan(&[], &one_block(vec![vec![start, scan], give(&local(7))]));
    let input = |turns: usize| format!("[{}]", vec!["0"; turns].join(","));
    assert!(run(&program, Some(&input(few)), "{}").is_some());
    let error = run_with(&program, Some(&input(many)), "{}", &env()).unwrap_err();
    assert!(
        matches!(error, EvalError::LimitReached { limit, .. } if limit == wanted),
        "{error}"
    );
}

#[test]
fn a_value_can_t_nest_without_end() {
    // Each turn wraps the value of the last one.
    let body = [
        stmt("MakeArray", json!({"capacity": 1, "target": 8})),
        stmt("ArrayAppend", json!({"array": 8, "value": local(7)})),
        stmt("AssignVar", json!({"source": local(8), "target": 7})),
    ];
    grows_until(&body, [400, 100_000], Limit::Nesting);
}

#[test]
fn a_large_comprehension_is_built_in_place() {
    let body = [
        stmt("ArrayAppend", json!({"array": 7, "value": local(6)})),
        stmt("SetAdd", json!({"set": 8, "value": local(5)})),
    ];
    let scan = stmt(
        "Scan",
        json!({"source": 0, "key": 5, "value": 6, "block": block(&body)}),
    );
    let make = [
        stmt("MakeArray", json!({"capacity": 0, "target": 7})),
        stmt("MakeSet", json!({"target": 8})),
    ];
    let program = plan(
        &[],
        &one_block(vec![
            make.to_vec(),
            vec![scan, stmt("Len", json!({"source": local(8), "target": 9}))],
            give(&local(9)),
        ]),
    );
    let input = format!("[{}]", vec!["true"; 100_000].join(","));
    assert_eq!(run(&program, Some(&input), "{}"), Some("100000".to_owned()));
}

#[test]
fn a_small_value_can_t_stand_for_a_huge_one() {
    // Each turn doubles the value: [x, x].
    let body = [
        stmt("MakeArray", json!({"capacity": 2, "target": 8})),
        stmt("ArrayAppend", json!({"array": 8, "value": local(7)})),
        stmt("ArrayAppend", json!({"array": 8, "value": local(7)})),
        stmt("AssignVar", json!({"source": local(8), "target": 7})),
    ];
    grows_until(&body, [10, 100], Limit::Weight);
}

#[test]
fn comparing_large_values_counts_against_the_statements() {
    let compare = stmt("Equal", json!({"a": local(0), "b": local(1)}));
    let scan = stmt(
        "Scan",
        json!({"source": 0, "key": 5, "value": 6, "block": block(&[compare])}),
    );
    let program = plan(&[], &[block(&[scan])]);
    let list = format!("[{}]", vec!["0"; 100_000].join(","));
    let mut env = env();
    env.limits.max_statements = 100_000;
    let error = run_with(&program, Some(&list), &list, &env).unwrap_err();
    assert!(
        matches!(
            error,
            EvalError::LimitReached {
                limit: Limit::Statements,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_change_of_what_others_have_is_paid_for_as_the_copy_that_it_is() {
    let append = |array: usize| stmt("ArrayAppend", json!({"array": array, "value": truth(true)}));
    // An array of 100 elements, each of which adds one to `target`.
    let program = |copied: bool, target: usize| {
        let mut each = vec![];
        if copied {
            each.push(stmt("AssignVar", json!({"source": local(10), "target": target})));
        }
        each.push(append(target));
        let scan = stmt(
            "Scan",
            json!({"source": 10, "key": 11, "value": 12, "block": block(&each)}),
        );
        let mut statements = vec![
            stmt("MakeArray", json!({"capacity": 0, "target": 10})),
            stmt("MakeArray", json!({"capacity": 0, "target": 20})),
        ];
        statements.extend(vec![append(10); 100]);
        statements.extend([stmt("ArrayAppend", json!({"array": 10, "value": local(0)})), scan]);
        plan(&[], &one_block(vec![statements, give(&truth(true))]))
    };
    let mut env = env();
    env.limits.max_memory = 50_000;
    let input = Some(r#""x""#);
    assert!(
        run_with(&program(false, 20), input, "{}", &env)
            .unwrap()
            .is_some()
    );
    let error = run_with(&program(true, 20), input, "{}", &env).unwrap_err();
    assert!(
        matches!(
            error,
            EvalError::LimitReached {
                limit: Limit::Memory,
                bound: 50_000,
                ..
            }
        ),
        "{error}"
    );
}
