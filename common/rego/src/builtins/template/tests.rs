//! What OPA 1.22.2 makes of templates.

use proptest::prelude::*;

use super::super::tests::{check, halts, value};
use super::super::{BuiltinError, Context, lookup};
use crate::env::Env;
use crate::value::Value;

#[test]
fn templates_are_rendered_as_opa_renders_them() {
    check(&[
        (
            "strings.render_template",
            r#"["{{.a}}|{{.b.c}}|{{.d}}|{{.e}}", {"a": null, "d": {"x": [1, "s", null, true]}, "e": 0}]"#,
            r#""<undefined>|<undefined>|map[x:[1 s <nil> true]]|0""#,
        ),
        (
            "strings.render_template",
            r#"["{{if .a}}y{{else}}n{{end}}{{- range .l }} [{{.}}] {{- else}}none{{end}}{{with .w}}{{.}}{{$.a}}{{end}}", {"a": 0, "l": {"k": 1, "j": 2}, "w": "W"}]"#,
            r#""y [2] [1]W0""#,
        ),
        (
            "strings.render_template",
            r#"["{{range $i, $n := .l}}{{if $i}}, {{end}}{{$n.x}}{{end}}", {"l": [{"x": 1}, {"x": "b"}, {}]}]"#,
            r#""1, b, <undefined>""#,
        ),
        (
            "strings.render_template",
            r#"["{{range $k, $v := .m}}{{$k}}={{$v}};{{end}}", {"m": {"b": 1, "a": []}}]"#,
            r#""a=[];b=1;""#,
        ),
        (
            "strings.render_template",
            r#"["a {{- .x -}} b", {"x": " - "}]"#,
            r#""a - b""#,
        ),
        (
            "strings.render_template",
            r#"["{{$x := .a}}{{with $y := .b}}{{$x}}{{$y}}{{.}}{{else}}no {{$x}}{{end}}", {"a": 1, "b": "q"}]"#,
            r#""1qq""#,
        ),
        (
            "strings.render_template",
            r#"["{{if .n}}a{{else if .m}}b{{else}}c{{end}}", {"m": [0]}]"#,
            r#""b""#,
        ),
        (
            "strings.render_template",
            r#"["{{.}}", {"a": {"b": 1}}]"#,
            r#""map[a:map[b:1]]""#,
        ),
        (
            "strings.render_template",
            r#"["<no value>{{range .none}}x{{else}}empty{{end}}", {}]"#,
            r#""<undefined>empty""#,
        ),
        (
            "strings.render_template",
            r#"["{{with .a}}1{{else}}0{{end}}{{with .b}}1{{else}}0{{end}}{{with .c}}1{{else}}0{{end}}", {"a": false, "b": "", "c": [null]}]"#,
            r#""001""#,
        ),
        (
            "strings.render_template",
            r#"["{{range $v := .l}}{{$v}}{{$v.x}}{{end}}", {"l": [{"x": 1.5}]}]"#,
            r#""map[x:1.5]1.5""#,
        ),
    ]);
}

#[test]
fn what_has_no_text_is_undefined_and_what_isnt_told_exactly_is_refused() {
    for operands in [
        r#"["{{.a.b}}", {"a": null}]"#,
        r#"["{{.a.b}}", {"a": "x"}]"#,
        r#"["{{range $i,$v := .l}}{{$i.x}}{{end}}", {"l": [1]}]"#,
        r#"["x", {"a": {"set": [1]}}]"#,
    ] {
        let found = super::super::tests::call("strings.render_template", operands);
        assert!(
            matches!(found, Err(BuiltinError::Lenient(_))),
            "{operands}: {found:?}"
        );
    }
    for template in [
        "{{printf .a}}",
        "{{.a | len}}",
        "{{len .a}}",
        "{{\"x\"}}",
        "{{1}}",
        "{{define \"x\"}}{{end}}",
        "{{/* c */}}",
        "{{end}}",
        "{{if .a}}",
        "{{else}}",
        "{{",
        "{{}}",
        "{{$x}}",
        "{{$x = .a}}",
        "{{break}}",
        "{{range .a}}{{end}}",
        "{{-.a}}",
        "{{if .a}}{{else}}{{else}}{{end}}",
        "{{(.a)}}",
        "{{.a.}}",
        "{{..a}}",
        "{{.a b}}",
        "{{nil}}",
    ] {
        let operands = Value::from(vec![Value::from(template), value(r#"{"a": "text"}"#)]).to_json();
        assert!(halts("strings.render_template", &operands), "{template}");
    }
    let deep = format!("{}{}", "{{if .a}}".repeat(200), "{{end}}".repeat(200));
    assert!(halts("strings.render_template", &format!("[{deep:?}, {{}}]")));
}

proptest! {
    #[test]
    fn no_template_is_too_odd(words in prop::collection::vec(prop::sample::select(vec![
        "{{", "}}", "{{-", "-}}", " ", ".", ".a", "$", "$x", ":=", ",", "if", "else", "end", "range", "with", "text", "é", "\"",
    ]), 0..30)) {
        let env = Env::new(0, [0; 32]);
        let render = lookup("strings.render_template").expect("it is in the table");
        let operands = [Value::from(words.join("")), value(r#"{"a": [{"a": 1}, {"b": [2]}]}"#)];
        let _ = render(&mut Context::new(&env, 100_000, None), &operands);
    }
}
