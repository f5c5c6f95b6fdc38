//! Every builtin that modules call their host for, called once through a module: it answers as in the plan, which is held to
//! OPA's own answers elsewhere.

use std::collections::BTreeSet;

use crate::{Engines, build, env, json};

/// Rego calls, by what they make of `input.x` and the like.
const CALLS: &[&str] = &[
    r#"base64url.encode_no_pad("a?>")"#,
    r#"crypto.hmac.equal("a", "a")"#,
    r#"crypto.hmac.md5("a", "k")"#,
    r#"crypto.hmac.sha1("a", "k")"#,
    r#"crypto.hmac.sha256("a", "k")"#,
    r#"crypto.hmac.sha512("a", "k")"#,
    r#"crypto.md5("a")"#,
    r#"crypto.sha1("a")"#,
    r#"crypto.sha256("a")"#,
    r#"glob.quote_meta("*.x")"#,
    r#"graph.reachable_paths({"a": ["b"], "b": ["c"], "c": []}, {"a"})"#,
    r#"graphql.is_valid("query { a }", "type Query { a: Int }")"#,
    r#"graphql.parse("query { a }", "type Query { a: Int }")"#,
    r#"graphql.parse_and_verify("query { a }", "type Query { a: Int }")"#,
    r#"graphql.parse_query("query { a }")"#,
    r#"graphql.parse_schema("type Query { a: Int }")"#,
    r#"graphql.schema_is_valid("type Query { a: Int }")"#,
    r#"hex.decode("616263")"#,
    r#"hex.encode("abc")"#,
    r#"indexof_n("abcabc", "b")"#,
    r#"io.jwt.decode(input.token)"#,
    r#"io.jwt.decode_verify(input.token, {"secret": "secret"})"#,
    r#"io.jwt.encode_sign({"alg": "HS256"}, {"a": 1}, {"kty": "oct", "k": "c2VjcmV0"})"#,
    r#"io.jwt.encode_sign_raw("{\"alg\":\"HS256\"}", "{\"a\":1}", "{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}")"#,
    r#"io.jwt.verify_hs256(input.token, "secret")"#,
    r#"io.jwt.verify_hs384(input.token, "secret")"#,
    r#"io.jwt.verify_hs512(input.token, "secret")"#,
    r#"json.marshal_with_options({"a": [1, "<"]}, {"indent": "  ", "pretty": true})"#,
    r#"json.match_schema({"a": 1}, {"properties": {"a": {"type": "string"}}})"#,
    r#"json.patch({"a": [1]}, [{"op": "add", "path": "/a/-", "value": 2}])"#,
    r#"json.verify_schema({"type": "object"})"#,
    r#"net.cidr_contains_matches("10.0.0.0/8", ["10.1.2.3", "11.0.0.0"])"#,
    r#"net.cidr_expand("10.0.0.0/30")"#,
    r#"net.cidr_is_valid("10.0.0.0/33")"#,
    r#"net.cidr_merge(["10.0.0.0/9", "10.128.0.0/9"])"#,
    r#"numbers.range_step(1, 10, 3)"#,
    r#"object.subset({"a": 1, "b": {"c": {1}}}, {"b": {"c": set()}})"#,
    r#"opa.runtime()"#,
    r#"providers.aws.sign_req({"url": "https://example.com/", "method": "GET", "headers": {}}, {"aws_access_key": "a", "aws_secret_access_key": "b", "aws_service": "s3", "aws_region": "us-east-1"}, 1)"#,
    r#"rand.intn("x", 100)"#,
    r#"regex.find_n("[a-c]+", "abcdab", -1)"#,
    r#"regex.globs_match("a.[0-9]+z", "a.*z")"#,
    r#"regex.replace("foobar", "o+", "0")"#,
    r#"regex.split("[0-9]+", "a1b22c")"#,
    r#"regex.template_match("urn:{.*}", "urn:x", "{", "}")"#,
    r#"semver.compare("1.2.3", "1.10.0")"#,
    r#"semver.is_valid("1.2")"#,
    r#"sprintf("%5d|%q|%v", [42, "a", {1, "x"}])"#,
    r#"strings.any_prefix_match("abc", ["b", "ab"])"#,
    r#"strings.any_suffix_match("abc", ["b", "bc"])"#,
    r#"strings.count("banana", "an")"#,
    r#"strings.render_template("{{.a}}", {"a": "b"})"#,
    r#"strings.split_n("a,b,c", ",", 2)"#,
    r#"time.add_date(0, 1, 2, 3)"#,
    r#"time.clock([1700000000000000000, "Europe/Berlin"])"#,
    r#"time.date(1700000000000000000)"#,
    r#"time.diff(0, 1700000000000000000)"#,
    r#"time.format([1700000000000000000, "UTC", "2006-01-02"])"#,
    r#"time.now_ns()"#,
    r#"time.parse_duration_ns("1h2m")"#,
    r#"time.parse_ns("2006-01-02", "2024-02-29")"#,
    r#"time.parse_rfc3339_ns("2024-02-29T01:02:03Z")"#,
    r#"time.weekday(1700000000000000000)"#,
    r#"units.parse("10K")"#,
    r#"units.parse_bytes("10KiB")"#,
    r#"uri.is_valid("http://a/b?c")"#,
    r#"uri.parse("http://a/b?c")"#,
    r#"urlquery.decode("a%20b")"#,
    r#"urlquery.decode_object("a=1&a=2")"#,
    r#"urlquery.encode("a b")"#,
    r#"urlquery.encode_object({"a": ["1", "2"]})"#,
    r#"uuid.parse("00000000-0000-4000-8000-000000000000")"#,
    r#"uuid.rfc4122("x")"#,
    r#"yaml.is_valid("a: b")"#,
    r#"yaml.marshal({"a": [1]})"#,
    r#"yaml.unmarshal("a: [1, x]")"#,
    // These have keys and certificates in their cases elsewhere: here that they are called, and say no.
    r#"crypto.parse_private_keys("x")"#,
    r#"crypto.x509.parse_and_verify_certificates("x")"#,
    r#"crypto.x509.parse_and_verify_certificates_with_options("x", {})"#,
    r#"crypto.x509.parse_certificate_request("x")"#,
    r#"crypto.x509.parse_certificates("x")"#,
    r#"crypto.x509.parse_keypair("x", "y")"#,
    r#"crypto.x509.parse_rsa_private_key("x")"#,
    r#"io.jwt.verify_eddsa(input.token, "x")"#,
    r#"io.jwt.verify_es256(input.token, "x")"#,
    r#"io.jwt.verify_es384(input.token, "x")"#,
    r#"io.jwt.verify_es512(input.token, "x")"#,
    r#"io.jwt.verify_ps256(input.token, "x")"#,
    r#"io.jwt.verify_ps384(input.token, "x")"#,
    r#"io.jwt.verify_ps512(input.token, "x")"#,
    r#"io.jwt.verify_rs256(input.token, "x")"#,
    r#"io.jwt.verify_rs384(input.token, "x")"#,
    r#"io.jwt.verify_rs512(input.token, "x")"#,
];

/// Those that Rego of OPA 1.0 doesn't know any more.
const OLD: &[&str] = &[
    r#"cast_array({1, 2})"#,
    r#"cast_boolean(true)"#,
    r#"cast_null(null)"#,
    r#"cast_object({"a": 1})"#,
    r#"cast_set([1, 1])"#,
    r#"cast_string("a")"#,
];

/// Those of ours that a module has within itself, and never asks for (`builtinsFunctions` of OPA's compiler to Wasm).
const WITHIN: &str = "abs all and any array.concat array.flatten array.reverse array.slice base64.decode base64.encode \
    base64.is_valid base64url.decode base64url.encode bits.and bits.lsh bits.negate bits.or bits.rsh bits.xor ceil concat contains \
    count div endswith equal floor format_int glob.match graph.reachable gt gte indexof internal.member_2 internal.member_3 \
    internal.template_string intersection is_array is_boolean is_null is_number is_object is_set is_string json.filter \
    json.is_valid json.marshal json.remove json.unmarshal lower lt lte max min minus mul neq net.cidr_contains \
    net.cidr_intersects net.cidr_overlap numbers.range object.filter object.get object.keys object.remove object.union \
    object.union_n or plus product re_match regex.find_all_string_submatch_n regex.is_valid regex.match rem replace round sort \
    split startswith strings.replace_n strings.reverse substring sum to_number trim trim_left trim_prefix trim_right trim_space \
    trim_suffix type_name union upper walk";

const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.rG92c7UZl1OK8c0ghZRhDEwsgR1YNOlhvDmu_dXqpqU";

#[test]
fn every_builtin_that_a_module_asks_for_answers() {
    let rules: Vec<String> = CALLS
        .iter()
        .enumerate()
        .map(|(n, call)| format!("r{n} := {call}\n"))
        .collect();
    let rego = format!(
        "package a\n\n{}\nprinted := 1 if print(\"x\", input)\n\nlenient := {{\"there\": true, \"x\": [x | x := hex.decode(input.odd)]}}\n",
        rules.concat()
    );
    let old = OLD.iter().enumerate().map(|(n, call)| format!("r{n} = {call}\n"));
    let old = format!("package old\n\n{}", old.collect::<String>());
    let mut paths: Vec<String> = (0..CALLS.len()).map(|n| format!("a/r{n}")).collect();
    paths.extend((0..OLD.len()).map(|n| format!("old/r{n}")));
    paths.extend(["a/printed".to_owned(), "a/lenient".to_owned()]);
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let engines = Engines::of(&build(
        &[
            ("a.rego", &rego),
            ("old.rego", &old),
            (".manifest", r#"{"file_rego_versions": {"/old.rego": 0}}"#),
        ],
        &paths,
    ));
    let input = json(&format!("{{\"token\": \"{TOKEN}\", \"odd\": \"zz\"}}"));
    let mut defined = 0;
    for (n, path) in paths.iter().enumerate() {
        let [plan, wasm] = engines.ask(path, Some(&input), &env());
        let what = CALLS.iter().chain(OLD).nth(n).unwrap_or(path);
        assert_eq!(plan, wasm, "{what}");
        defined += usize::from(plan.unwrap().is_some());
    }
    assert!(defined >= 85, "{defined} of {} are defined", paths.len());

    let asked: BTreeSet<&str> = engines.wasm.builtins().collect();
    let within: BTreeSet<&str> = WITHIN.split_whitespace().collect();
    let ours = postern_rego::builtin_names().chain(postern_policy::builtins::names());
    let never: Vec<&str> = ours
        .filter(|name| !within.contains(name) && !asked.contains(name))
        .collect();
    assert!(never.is_empty(), "never called: {never:?}");
}

#[test]
fn strict_errors_are_told_where_they_are_asked_for() {
    let rego = "package a\n\nx := {\"there\": [x | x := hex.decode(input.odd)]}\n";
    let engines = Engines::of(&build(&[("a.rego", rego)], &["a/x"]));
    let input = json(r#"{"odd": "zz"}"#);
    let [plan, wasm] = engines.ask("a/x", Some(&input), &env());
    assert_eq!((&plan, &wasm), (&Ok(Some(r#"{"there":[]}"#.to_owned())), &plan));
    let mut strict = env();
    strict.strict_builtin_errors = true;
    let [plan, wasm] = engines.ask("a/x", Some(&input), &strict);
    let (plan, wasm) = (plan.unwrap_err().to_string(), wasm.unwrap_err().to_string());
    assert!(
        plan.contains("hex.decode: ") && wasm.contains("hex.decode: "),
        "{plan}; {wasm}"
    );
}

#[test]
fn a_request_is_asked_for_and_its_answer_taken() {
    use postern_policy::http::{HttpAnswers, HttpResponse};
    use postern_policy::plan::Entry;
    use postern_policy::{Engine as _, EngineError, HttpSend, WasmEngine, WasmModule};

    let rego =
        "package a\n\nx := http.send({\"method\": \"GET\", \"url\": \"http://127.0.0.1/\"}).status_code\n";
    let built = build(&[("a.rego", rego)], &["a/x"]);
    let module = WasmModule::load(crate::module(&built.wasm), HttpSend::On).unwrap();
    let engine = WasmEngine::of("r", &module, &json("{}"), [Entry::of_plan("a/x")]).unwrap();
    let entrypoint = engine.entrypoint("a/x").unwrap();
    let mut env = env();
    env.http = HttpAnswers::up_to(1);
    let Err(EngineError::NeedsHttp(request)) = engine.evaluate(entrypoint, None, &env) else {
        panic!("it asks for a request")
    };
    let response = HttpResponse {
        status: "204 No Content".to_owned(),
        status_code: 204,
        headers: Vec::new(),
        body: Vec::new(),
    };
    env.http.add(*request, Ok(response));
    let answer = engine.evaluate(entrypoint, None, &env).unwrap();
    assert_eq!(answer.map(|value| value.to_json()).as_deref(), Some("204"));
}
