//! Builtins by family, with the examples of OPA's documentation and what OPA 1.22.2 answers at the edges.
//! `check("name", operands as Rego shows them in JSON, wanted)`; a set is written `{"set": […]}`.

mod text;

use super::{BuiltinError, Context, display, lookup};
use crate::env::Env;
use crate::error::Limit;
use crate::value::{Array, Object, Set, Value};

pub(super) fn value(json: &str) -> Value {
    fn sets(value: &Value) -> Value {
        match value {
            Value::Array(array) => Value::from(array.iter().map(sets).collect::<Array>()),
            Value::Object(object) => match object.get_str("set") {
                Some(Value::Array(members)) if object.len() == 1 => {
                    Value::from(members.iter().map(sets).collect::<Set>())
                }
                _ => Value::from(
                    object
                        .iter()
                        .map(|(key, value)| (key.clone(), sets(value)))
                        .collect::<Object>(),
                ),
            },
            scalar => scalar.clone(),
        }
    }
    sets(&Value::from_json_str(json).unwrap_or_else(|error| panic!("{json}: {error}")))
}

/// The result as Rego writes it, `undefined`, or the error.
pub(super) fn call(name: &str, operands: &str) -> Result<String, BuiltinError> {
    let operands: Vec<Value> = value(operands)
        .as_array()
        .expect("operands")
        .iter()
        .cloned()
        .collect();
    let env = Env::new(1_700_000_000_000_000_001, [0; 32]);
    let function = lookup(name).unwrap_or_else(|| panic!("no builtin {name}"));
    let result = function(&mut Context::new(&env, 1_000_000, None), &operands)?;
    let mut text = String::new();
    match result {
        Some(value) => display::write(&value, &mut text),
        None => text.push_str("undefined"),
    }
    Ok(text)
}

pub(super) fn check(cases: &[(&str, &str, &str)]) {
    for (name, operands, wanted) in cases {
        assert_eq!(call(name, operands).as_deref(), Ok(*wanted), "{name}{operands}");
    }
}

pub(super) fn check_failures(cases: &[(&str, &str, &str)]) {
    for (name, operands, wanted) in cases {
        assert_eq!(
            call(name, operands),
            Err(BuiltinError::Lenient((*wanted).to_owned())),
            "{name}{operands}"
        );
    }
}

pub(super) fn halts(name: &str, operands: &str) -> bool {
    matches!(
        call(name, operands),
        Err(BuiltinError::Halt(_) | BuiltinError::Exhausted(_))
    )
}

#[test]
fn comparison_orders_values_of_any_kinds() {
    check(&[
        ("equal", "[1, 1.0]", "true"),
        ("neq", r#"["1", 1]"#, "true"),
        ("lt", r#"[null, false]"#, "true"),
        ("lte", r#"[{"set": []}, {}]"#, "false"),
        ("gt", r#"["a", 100]"#, "true"),
        ("gte", "[[1, 2], [1]]", "true"),
    ]);
}

#[test]
fn arithmetic_is_exact_on_integers_and_minus_works_on_sets() {
    check(&[
        ("plus", "[9223372036854775807, 1]", "9223372036854775808"),
        ("minus", r#"[{"set": [1, 2, 3]}, {"set": [2]}]"#, "{1, 3}"),
        ("mul", "[0.1, 3]", "0.3"),
        ("div", "[1, 3]", "0.33333333333333333334"),
        ("rem", "[-7, 3]", "-1"),
        ("round", "[2.5]", "3"),
        ("ceil", "[-1.5]", "-1"),
        ("floor", "[-1.5]", "-2"),
        ("abs", "[-7.5]", "7.5"),
        ("bits.lsh", "[1, 70]", "1180591620717411303424"),
        ("bits.rsh", "[-5, 1]", "-3"),
        ("bits.negate", "[5]", "-6"),
        ("bits.xor", "[42, 3]", "41"),
    ]);
    check_failures(&[
        ("div", "[1, 0]", "divide by zero"),
        ("plus", r#"["1", 1]"#, "operand 1 must be number but got string"),
        (
            "minus",
            r#"[{"set": []}, 1]"#,
            "operand 2 must be set but got number",
        ),
        (
            "bits.and",
            "[1.5, 1]",
            "operand 1 must be integer number but got floating-point number",
        ),
    ]);
    assert!(halts("bits.lsh", "[1, 99999999999]"));
}

#[test]
fn aggregates_take_arrays_and_sets() {
    check(&[
        ("count", r#"["日本é"]"#, "3"),
        ("count", r#"[{"a": 1}]"#, "1"),
        ("sum", "[[1, 0.5, 2]]", "3.5"),
        ("product", "[[0.1, 3]]", "0.30000000000000004"),
        ("max", r#"[[1, "a", null]]"#, "\"a\""),
        ("max", "[[]]", "undefined"),
        ("min", r#"[{"set": [3, 2]}]"#, "2"),
        ("sort", "[[3, 1, 2]]", "[1, 2, 3]"),
        ("internal.member_2", r#"["x", {"a": "x"}]"#, "true"),
        ("internal.member_3", r#"["a", "x", {"a": "x"}]"#, "true"),
        ("internal.member_3", r#"[0, "x", ["y"]]"#, "false"),
        ("any", "[[false, true]]", "true"),
        ("all", "[[]]", "true"),
    ]);
    check_failures(&[
        (
            "count",
            "[1]",
            "operand 1 must be one of {array, object, set, string} but got number",
        ),
        (
            "sum",
            r#"[["a"]]"#,
            "operand 1 must be array of numbers but got array containing string",
        ),
    ]);
}

#[test]
fn collections_are_taken_apart_and_put_together() {
    check(&[
        ("array.concat", "[[1], [2]]", "[1, 2]"),
        ("array.flatten", "[[1, [2, [3]]]]", "[1, 2, [3]]"),
        ("array.slice", "[[1, 2, 3], -1, 2]", "[1, 2]"),
        ("array.reverse", "[[1, 2]]", "[2, 1]"),
        ("and", r#"[{"set": [1, 2]}, {"set": [2, 3]}]"#, "{2}"),
        ("or", r#"[{"set": [1]}, {"set": [2]}]"#, "{1, 2}"),
        ("union", r#"[{"set": [{"set": [1]}, {"set": [2]}]}]"#, "{1, 2}"),
        (
            "intersection",
            r#"[{"set": [{"set": [1, 2]}, {"set": [2]}]}]"#,
            "{2}",
        ),
        ("object.get", r#"[{"a": {"b": [7]}}, ["a", "b", 0], null]"#, "7"),
        ("object.get", r#"[{"a": null}, "b", "default"]"#, "\"default\""),
        ("object.keys", r#"[{"a": 1, "b": 2}]"#, r#"{"a", "b"}"#),
        (
            "object.union",
            r#"[{"a": {"b": 1}}, {"a": {"c": 2}}]"#,
            r#"{"a": {"b": 1, "c": 2}}"#,
        ),
        (
            "object.union_n",
            r#"[[{"a": {"b": 2}}, {"a": 4}, {"a": {"c": 3}}]]"#,
            r#"{"a": {"c": 3}}"#,
        ),
        ("object.remove", r#"[{"a": 1, "b": 2}, ["a"]]"#, r#"{"b": 2}"#),
        ("object.filter", r#"[{"a": 1, "b": 2}, {"a": 0}]"#, r#"{"a": 1}"#),
        (
            "object.subset",
            r#"[{"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}]"#,
            "true",
        ),
        ("object.subset", r#"[[1, 2, 3], {"set": [1, 3]}]"#, "true"),
        (
            "json.filter",
            r#"[{"a": {"b": 1, "c": 2}}, ["a/b"]]"#,
            r#"{"a": {"b": 1}}"#,
        ),
        (
            "json.remove",
            r#"[{"a": [{"b": 1, "c": 2}]}, ["/a/0/c"]]"#,
            r#"{"a": [{"b": 1}]}"#,
        ),
        (
            "graph.reachable",
            r#"[{"a": ["b"], "b": ["a"], "c": []}, ["a", "x"]]"#,
            r#"{"a", "b"}"#,
        ),
    ]);
}

#[test]
fn kinds_are_told_and_casts_fail_on_others() {
    check(&[
        ("type_name", r#"[{"set": []}]"#, "\"set\""),
        ("is_number", r#"["1"]"#, "false"),
        ("is_null", "[null]", "true"),
        ("cast_set", "[[1, 1]]", "{1}"),
        ("time.now_ns", "[]", "1700000000000000001"),
        ("numbers.range", "[3, 1]", "[3, 2, 1]"),
        ("numbers.range_step", "[0, 10, 4]", "[0, 4, 8]"),
    ]);
    check_failures(&[("cast_string", "[1]", "operand 1 must be string but got number")]);
    assert!(halts("numbers.range", "[0, 99999999999999999999]"));
}

#[test]
fn print_prints_a_line_for_each_combination_and_nothing_without_a_sink() {
    let env = Env::new(0, [0; 32]);
    let operands = [value(r#"["x", {"set": [1, 2]}, {"set": []}]"#)];
    let print = lookup("internal.print").expect("print");
    let mut lines = Vec::new();
    let mut sink = |line: &str| lines.push(line.to_owned());
    print(&mut Context::new(&env, 1000, Some(&mut sink)), &operands).expect("it prints");
    assert_eq!(lines, ["x 1 <undefined>", "x 2 <undefined>"]);
    assert!(print(&mut Context::new(&env, 0, None), &operands).is_ok());
}

#[test]
fn what_a_builtin_costs_is_taken_from_the_statements_that_are_left() {
    let env = Env::new(0, [0; 32]);
    let mut context = Context::new(&env, 10, None);
    let operands = [Value::from("x".repeat(10_000))];
    let upper = lookup("upper").expect("upper");
    assert_eq!(
        upper(&mut context, &operands),
        Err(BuiltinError::Exhausted(Limit::Statements))
    );
}

#[test]
fn computing_with_huge_numbers_uses_the_statements_up() {
    let huge = "7".repeat(35_000);
    assert!(halts("mul", &format!("[{huge}, {huge}]")));
    assert!(halts("sum", &format!("[[{huge}, {huge}, {huge}, {huge}]]")));
    assert!(halts("plus", &format!("[{}, 1]", "7".repeat(50_000))));
}

#[test]
fn no_builtin_minds_what_it_is_given() {
    let env = Env::new(0, [0; 32]);
    let values = [
        value("null"),
        value("-1.5"),
        value("\"é\""),
        value("[[]]"),
        value(r#"{"a": {"set": [1]}}"#),
        value(r#"{"set": ["a"]}"#),
    ];
    for name in super::names() {
        let function = lookup(name).expect("it is in the table");
        for a in &values {
            for b in &values {
                for c in &values {
                    let operands = [a.clone(), b.clone(), c.clone()];
                    for count in 0..=3 {
                        let _ = function(&mut Context::new(&env, 1000, None), &operands[..count]);
                    }
                }
            }
        }
    }
}
