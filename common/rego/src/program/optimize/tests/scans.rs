//! Iterations that look for an element by one of its members.

use serde_json::{Value as Json, json};

use super::{check, dot, equal, local, note, program, scan, stmt, string};
use crate::program::{Op, Program};

/// Notes member `b` of the elements whose member `a` is `"c"`.
fn seek_c() -> Vec<Json> {
    let body = [
        dot(6, 1, 7),
        equal(local(7), string(3)),
        dot(6, 2, 8),
        note(local(8)),
    ];
    vec![scan(0, 5, 6, &body)]
}

const ELEMENTS: &str =
    r#"[{"a": "c", "b": 1}, {"a": "b", "b": 2}, 7, {"b": 3}, [], {"a": "c"}, {"a": "c", "b": 4}]"#;

fn seeks(program: &Program) -> usize {
    let seeks = program.code.iter();
    seeks.filter(|op| matches!(op, Op::ScanSeek { .. })).count()
}

#[test]
fn elements_that_do_not_fit_are_passed_over_in_one_operation() {
    let blocks = [seek_c()];
    assert_eq!(seeks(&program(&blocks)), 1);
    check(&blocks, ELEMENTS, "[1,4]");
    check(&blocks, "[]", "[]");
    check(&blocks, "3", "[]");
    // An object's values, which are found one by one.
    check(
        &blocks,
        r#"{"x": {"a": "c", "b": 1}, "y": {"a": "b", "b": 2}, "z": {"a": "c", "b": 3}}"#,
        "[1,3]",
    );
    let unequal = stmt("NotEqual", json!({"a": local(7), "b": string(3)}));
    let blocks = [vec![scan(
        0,
        5,
        6,
        &[dot(6, 1, 7), unequal, dot(6, 2, 8), note(local(8))],
    )]];
    assert_eq!(seeks(&program(&blocks)), 1);
    check(&blocks, ELEMENTS, "[2]");
}

#[test]
fn an_element_that_is_looked_at_after_the_iteration_is_not_passed_over() {
    let blocks = [[seek_c(), vec![note(local(6))]].concat()];
    assert_eq!(seeks(&program(&blocks)), 0);
    check(&blocks, r#"[{"a": "b"}, {"a": "a"}]"#, r#"[{"a":"a"}]"#);
}

#[test]
fn what_elements_are_compared_with_is_looked_up_before_the_first() {
    let body = [
        dot(0, 1, 9),
        dot(9, 1, 10),
        dot(6, 1, 7),
        equal(local(7), local(10)),
        dot(6, 2, 8),
        note(local(8)),
    ];
    let blocks = [vec![dot(0, 3, 4), scan(4, 5, 6, &body)], vec![note(string(3))]];
    assert_eq!(seeks(&program(&blocks)), 1);
    let elements = r#""c": [{"a": 1, "b": 2}, {"a": 3, "b": 4}, {"a": 1, "b": 5}]"#;
    check(
        &blocks,
        &format!(r#"{{"a": {{"a": 1}}, {elements}}}"#),
        r#"[2,5,"c"]"#,
    );
    check(&blocks, &format!(r#"{{"a": {{}}, {elements}}}"#), r#"["c"]"#);
    check(&blocks, r#"{"a": {"a": 1}, "c": []}"#, r#"["c"]"#);
}

#[test]
fn a_lookup_of_an_iteration_that_had_no_elements_is_undefined_after_it() {
    let body = [dot(0, 1, 7), dot(7, 2, 8), note(local(8))];
    let blocks = [vec![dot(0, 3, 4), scan(4, 5, 6, &body), note(local(8))]];
    check(&blocks, r#"{"c": [], "a": {"b": 5}}"#, "[]");
    check(&blocks, r#"{"c": [1], "a": {"b": 5}}"#, "[5,5]");
}
