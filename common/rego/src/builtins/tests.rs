//! Builtins by family, with the examples of OPA's documentation and what OPA 1.22.2 answers at the edges.
//! `check("name", operands as Rego shows them in JSON, wanted)`; a set is written `{"set": […]}`.

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
fn strings_count_code_points_and_map_case_as_go_does() {
    check(&[
        ("contains", r#"["abc", "bc"]"#, "true"),
        ("startswith", r#"["abc", ""]"#, "true"),
        ("endswith", r#"["abc", "bc"]"#, "true"),
        ("indexof", r#"["éab", "b"]"#, "2"),
        ("indexof", r#"["abc", "x"]"#, "-1"),
        ("indexof_n", r#"["aaa", "aa"]"#, "[0, 1]"),
        ("substring", r#"["éabc", 1, 2]"#, "\"ab\""),
        ("substring", r#"["abc", 1, -1]"#, "\"bc\""),
        ("lower", r#"["İÀΣ"]"#, "\"iàσ\""),
        ("upper", r#"["straße"]"#, "\"STRAßE\""),
        ("split", r#"["a.b.c", "."]"#, r#"["a", "b", "c"]"#),
        ("split", r#"["ab", ""]"#, r#"["a", "b"]"#),
        ("strings.split_n", r#"["a.b.c", ".", -2]"#, r#"["b", "c"]"#),
        ("concat", r#"[",", ["a", "b"]]"#, "\"a,b\""),
        ("replace", r#"["abc", "", "-"]"#, "\"-a-b-c-\""),
        (
            "strings.replace_n",
            r#"[{"<": "&lt;", "<<": "x"}, "a<<b"]"#,
            "\"a&lt;&lt;b\"",
        ),
        ("trim", r#"["..a.b..", "."]"#, "\"a.b\""),
        ("trim_prefix", r#"["/api/v1", "/api"]"#, "\"/v1\""),
        ("trim_space", "[\"\\u00a0 a\\n\"]", "\"a\""),
        (
            "strings.any_prefix_match",
            r#"[["/a/b", "/c"], {"set": ["/c", "/d"]}]"#,
            "true",
        ),
        ("strings.any_suffix_match", r#"["x.example", [".test"]]"#, "false"),
        ("strings.count", r#"["cheese", "e"]"#, "3"),
        ("strings.reverse", r#"["aé"]"#, "\"éa\""),
        ("format_int", "[-15.9, 16]", "\"-f\""),
        ("to_number", r#"["1e2"]"#, "1e2"),
        ("to_number", r#"["007"]"#, "007"),
    ]);
    check_failures(&[
        ("indexof", r#"["a", ""]"#, "empty search character"),
        ("substring", r#"["a", -1, 1]"#, "negative offset"),
        (
            "to_number",
            r#"["x"]"#,
            "strconv.ParseFloat: parsing \"x\": invalid syntax",
        ),
        (
            "concat",
            r#"[",", ["a", 1]]"#,
            "operand 2 must be array of strings but got array containing number",
        ),
    ]);
    assert!(halts("replace", r#"["é", "", "x"]"#), "bytes pulled apart");
}

#[test]
fn text_is_formatted_as_gos_fmt_does_it() {
    check(&[
        (
            "sprintf",
            r#"["%s is %d, %v", ["a", 5, {"b": [1, "x"]}]]"#,
            r#""a is 5, {\"b\": [1, \"x\"]}""#,
        ),
        (
            "sprintf",
            r#"["%5d|%-5d|%05d|%+d", [42, 42, -42, 42]]"#,
            "\"   42|42   |-0042|+42\"",
        ),
        (
            "sprintf",
            r#"["%v %f %.2f %e %g", [0.1, 1.5, 2.345, 123.4, 1e21]]"#,
            "\"0.1 1.500000 2.35 1.234000e+02 1e+21\"",
        ),
        (
            "sprintf",
            r#"["%x %X %q %c %U", [255, "hi", "a\"b", 65, 233]]"#,
            r#""ff 6869 \"a\\\"b\" A U+00E9""#,
        ),
        ("sprintf", r#"["%[2]s %[1]s %%", ["a", "b"]]"#, "\"b a %\""),
        ("sprintf", r#"["%d %s", ["x"]]"#, "\"%!d(string=x) %!s(MISSING)\""),
        (
            "sprintf",
            r#"["", [1, true]]"#,
            "\"%!(EXTRA int64=1, string=true)\"",
        ),
        (
            "sprintf",
            r#"["%v", [18446744073709551616]]"#,
            "\"18446744073709551616\"",
        ),
        ("sprintf", r#"["%*d %", [4, 7]]"#, "\"   7 %!(NOVERB)\""),
        (
            "internal.template_string",
            r#"[["a ", {"set": [1]}, {"set": []}]]"#,
            "\"a 1<undefined>\"",
        ),
    ]);
    assert!(halts("sprintf", r#"["%x", [1.5]]"#), "hexadecimal floats");
    assert!(
        halts("internal.template_string", r#"[[{"set": [1, 2]}]]"#),
        "several values"
    );
}

#[test]
fn encodings_read_what_go_reads_and_refuse_what_it_refuses() {
    check(&[
        ("base64.encode", r#"["é"]"#, "\"w6k=\""),
        ("base64.decode", r#"["w6\nk="]"#, "\"é\""),
        ("base64.is_valid", r#"["w6k"]"#, "false"),
        ("base64url.decode", r#"["YQ"]"#, "\"a\""),
        ("base64url.encode", r#"["a"]"#, "\"YQ==\""),
        ("base64url.encode_no_pad", r#"["a"]"#, "\"YQ\""),
        ("hex.encode", r#"["az"]"#, "\"617a\""),
        ("hex.decode", r#"["617A"]"#, "\"az\""),
        (
            "json.marshal",
            r#"[{"b": "<a>", "a": {"set": [2, 1]}}]"#,
            r#""{\"a\":[1,2],\"b\":\"\\u003ca\\u003e\"}""#,
        ),
        (
            "json.marshal_with_options",
            r#"[[1, {}], {"indent": " "}]"#,
            r#""[\n 1,\n {}\n]""#,
        ),
        ("json.unmarshal", r#"["{\"a\": 1.0}"]"#, r#"{"a": 1.0}"#),
        ("json.is_valid", r#"["{]"]"#, "false"),
        ("urlquery.encode", r#"["a b&é"]"#, "\"a+b%26%C3%A9\""),
        ("urlquery.decode", r#"["a+b%26"]"#, "\"a b&\""),
        (
            "urlquery.encode_object",
            r#"[{"b": ["1", "2"], "a": "x y"}]"#,
            "\"a=x+y&b=1&b=2\"",
        ),
        (
            "urlquery.decode_object",
            r#"["b=1&a&b=2"]"#,
            r#"{"a": [""], "b": ["1", "2"]}"#,
        ),
    ]);
    check_failures(&[
        (
            "base64.decode",
            r#"["a b="]"#,
            "illegal base64 data at input byte 1",
        ),
        (
            "hex.decode",
            r#"["6g"]"#,
            "encoding/hex: invalid byte: U+0067 'g'",
        ),
        ("hex.decode", r#"["616"]"#, "encoding/hex: odd length hex string"),
        (
            "urlquery.decode_object",
            r#"["a;b"]"#,
            "invalid semicolon separator in query",
        ),
    ]);
    assert!(halts("base64.decode", r#"["/w=="]"#), "bytes that aren't text");
}

#[test]
fn a_token_is_taken_apart_and_nothing_is_verified() {
    // {"alg":"HS256"} . {"sub":"a"} . bytes ff 00
    check(&[(
        "io.jwt.decode",
        r#"["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0._wA"]"#,
        r#"[{"alg": "HS256"}, {"sub": "a"}, "ff00"]"#,
    )]);
    check_failures(&[
        (
            "io.jwt.decode",
            r#"["abc"]"#,
            "encoded JWT had no period separators",
        ),
        (
            "io.jwt.decode",
            r#"["a.b"]"#,
            "encoded JWT must have 3 sections, found 2",
        ),
        (
            "io.jwt.decode",
            r#"["eyJlbmMiOiJ4In0.eyJ9.x"]"#,
            "JWT is a JWE object, which is not supported",
        ),
    ]);
}

#[test]
fn a_token_within_a_token_is_unwrapped() {
    use base64::Engine as _;
    let part = |text: &str| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(text);
    let inner = format!("{}.{}.", part("{}"), part(r#"{"sub":"inner"}"#));
    let outer = format!("{}.{}.", part(r#"{"cty":"JWT"}"#), part(&format!("\"{inner}\"")));
    assert_eq!(
        call("io.jwt.decode", &format!("[\"{outer}\"]")).as_deref(),
        Ok(r#"[{}, {"sub": "inner"}, ""]"#)
    );
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
