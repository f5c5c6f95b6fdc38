//! Builtins over text: strings, formats, encodings, tokens.

use super::{call, check, check_failures, halts};

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
