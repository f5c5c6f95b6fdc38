//! The plan engine over bundles that OPA built: what it answers, and what it refuses to load.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod support;

use std::fs;

use postern_policy::alone::smoke_check_all;
use postern_policy::http::{HttpAnswers, HttpFailure, HttpResponse};
use postern_policy::{
    Bundle, BundleBuilder, Engine, EngineError, Env, HttpSend, Limits, PlanEngine, Value, Verification,
};

fn env() -> Env {
    Env::new(0, [0; 32])
}

/// What OPA builds from these files with these entrypoints.
fn opa_bundle(files: &[(&str, &str)], entrypoints: &[&str]) -> Bundle {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join("policy").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let mut arguments = vec![
        "build",
        "-t",
        "plan",
        "--revision",
        "r1",
        "-o",
        "out.tar.gz",
        "-b",
        "policy",
    ];
    for entrypoint in entrypoints {
        arguments.extend(["-e", entrypoint]);
    }
    support::run_well(folder.path(), &arguments);
    let archive = fs::read(folder.path().join("out.tar.gz")).unwrap();
    Bundle::read(&archive, &Verification::Unsigned, &Limits::default()).unwrap()
}

fn unsigned(builder: BundleBuilder) -> Bundle {
    Bundle::read(
        &builder.build().unwrap(),
        &Verification::Unsigned,
        &Limits::default(),
    )
    .unwrap()
}

#[test]
fn a_bundle_of_opas_is_asked_with_its_data() {
    let rego = "package a\n\nallow if input.role in data.roles.allowed\n\nlimit := data.limit\n";
    let data = r#"{"limit": 1.50, "roles": {"allowed": ["admin"]}}"#;
    let engine = PlanEngine::from_bundle(&opa_bundle(
        &[("a.rego", rego), ("data.json", data)],
        &["a/limit", "/a/allow"],
    ))
    .unwrap();
    assert_eq!(engine.revision(), "r1");
    let ask = |path: &str, input: &str| {
        let input = Value::from_json_str(input).unwrap();
        let result = engine
            .evaluate(engine.require(path).unwrap(), Some(&input), &env())
            .unwrap();
        result.map(|value| value.to_json())
    };
    assert_eq!(ask("a/allow", r#"{"role": "admin"}"#).as_deref(), Some("true"));
    assert_eq!(ask("data.a.allow", r#"{"role": "clerk"}"#), None);
    assert_eq!(ask("/data/a/limit", "{}").as_deref(), Some("1.50"));
}

#[test]
fn no_input_is_not_an_input_of_null() {
    let rego = "package a\n\nx := \"null\" if input == null\n\nx := \"none\" if not input\n";
    let engine = PlanEngine::from_bundle(&opa_bundle(&[("a.rego", rego)], &["a/x"])).unwrap();
    let entrypoint = engine.require("a/x").unwrap();
    for (input, expected) in [(None, "none"), (Some(&Value::Null), "null")] {
        let result = engine.evaluate(entrypoint, input, &env()).unwrap();
        assert_eq!(result, Some(Value::from(expected)));
    }
}

#[test]
fn an_unknown_entrypoint_lists_those_there_are() {
    let engine =
        PlanEngine::from_bundle(&opa_bundle(&[("a.rego", "package a\n\nx := 1\n")], &["a/x"])).unwrap();
    assert!(engine.entrypoint("a/y").is_none());
    let error = engine.require("a/y").unwrap_err().to_string();
    assert_eq!(error, "the policy has no entrypoint `a/y`; it has: a/x");
}

#[test]
fn rego_without_a_plan_names_the_command_that_makes_one() {
    let bundle = unsigned(
        BundleBuilder::new("r")
            .file("a.rego", "package a")
            .file("b.rego", "package b"),
    );
    let error = PlanEngine::from_bundle(&bundle).map(|_| ()).unwrap_err();
    assert_eq!(
        error,
        EngineError::PlanMissing {
            first: "a.rego".to_owned(),
            count: 2
        }
    );
    let empty = unsigned(BundleBuilder::new("r"));
    assert_eq!(
        PlanEngine::from_bundle(&empty).map(|_| ()).unwrap_err(),
        EngineError::NoPolicy
    );
}

#[test]
fn a_plan_that_cannot_run_is_refused_when_loaded() {
    for plan in [
        "",
        "{}",
        "[]",
        r#"{"static":{},"plans":{"plans":[]},"funcs":{"funcs":[]}}"#,
    ] {
        let error = PlanEngine::from_bundle(&unsigned(BundleBuilder::new("r").plan(plan)))
            .map(|_| ())
            .unwrap_err();
        assert!(matches!(error, EngineError::Load(_)), "{plan}: {error}");
    }
    // A builtin that the machine hasn't is refused by name.
    let rego = "package a\n\nx := net.lookup_ip_addr(input.name)\n";
    let error = PlanEngine::from_bundle(&opa_bundle(&[("a.rego", rego)], &["a/x"]))
        .map(|_| ())
        .unwrap_err();
    assert!(error.to_string().contains("net.lookup_ip_addr"), "{error}");
}

#[test]
fn a_policy_is_told_opas_version_and_nothing_of_the_process() {
    let engine = PlanEngine::from_bundle(&opa_bundle(
        &[("a.rego", "package a\n\nx := opa.runtime()\n")],
        &["a/x"],
    ))
    .unwrap();
    let told = engine.evaluate(engine.require("a/x").unwrap(), None, &env());
    let version = String::from_utf8(support::run_well(std::path::Path::new("."), &["version"])).unwrap();
    let version = version
        .lines()
        .find_map(|line| line.strip_prefix("Version: "))
        .unwrap();
    assert_eq!(
        told.unwrap().unwrap().to_json(),
        format!(r#"{{"commit":"","env":{{}},"version":"{version}"}}"#)
    );
    // A host that says something of itself is believed.
    let mut env = env();
    env.runtime = Some(Value::from("host"));
    let told = engine.evaluate(engine.require("a/x").unwrap(), None, &env);
    assert_eq!(told.unwrap().unwrap().as_str(), Some("host"));
}

#[test]
fn a_policy_that_calls_http_send_loads_only_where_that_is_on_and_asks_for_each_request_once() {
    let rego = r#"package a

get(path) := http.send({"method": "get", "url": sprintf("https://h.example%s", [path])})

x := [get("/a").raw_body, get("/b").raw_body, get("/a").status_code, rand.intn("x", 1000000)]

quiet := http.send({"method": "get", "url": "https://h.example/", "raise_error": false}).error.code
"#;
    let bundle = opa_bundle(&[("a.rego", rego)], &["a/x", "a/quiet"]);
    let off = PlanEngine::from_bundle(&bundle).map(|_| ()).unwrap_err();
    assert_eq!(off, EngineError::HttpSendOff);
    assert!(off.to_string().contains("`policy.http_send.hosts`"), "{off}");

    let engine = PlanEngine::from_bundle_with(&bundle, HttpSend::On).unwrap();
    smoke_check_all(&engine, &env()).unwrap();
    let entrypoint = engine.require("a/x").unwrap();
    let mut env = env();
    // An evaluation that nobody allows a request is told so, and isn't undefined.
    let refused = engine.evaluate(entrypoint, None, &env).unwrap_err();
    assert!(
        refused.to_string().contains("no request may be made here"),
        "{refused}"
    );
    env.http = HttpAnswers::up_to(2);
    for path in ["/a", "/b"] {
        let EngineError::NeedsHttp(request) = engine.evaluate(entrypoint, None, &env).unwrap_err() else {
            panic!("no request for {path}");
        };
        assert_eq!(request.url, format!("https://h.example{path}"));
        let body = path.as_bytes().to_vec();
        let (status, headers) = ("200 OK".to_owned(), Vec::new());
        env.http.add(
            *request,
            Ok(HttpResponse {
                status,
                status_code: 200,
                headers,
                body,
            }),
        );
    }
    let answer = engine.evaluate(entrypoint, None, &env).unwrap().unwrap();
    let answer = answer.as_array().unwrap();
    let texts: Vec<_> = answer.iter().filter_map(Value::as_str).collect();
    assert_eq!((texts, answer.len()), (vec!["/a", "/b"], 4));

    let entrypoint = engine.require("a/quiet").unwrap();
    env.http = HttpAnswers::up_to(1);
    let EngineError::NeedsHttp(request) = engine.evaluate(entrypoint, None, &env).unwrap_err() else {
        panic!("no request");
    };
    env.http
        .add(*request, Err(HttpFailure::Network("no connection".to_owned())));
    let answer = engine.evaluate(entrypoint, None, &env).unwrap().unwrap();
    assert_eq!(answer.as_str(), Some("eval_http_send_network_error"));
}

#[test]
fn a_conflict_shows_in_the_smoke_check() {
    let rego = "package a\n\nx := 1 if not input.y\n\nx := 2 if not input.z\n";
    let engine = PlanEngine::from_bundle(&opa_bundle(&[("a.rego", rego)], &["a/x"])).unwrap();
    let entrypoint = engine.require("a/x").unwrap();
    let error = engine.smoke_check(entrypoint, &env()).unwrap_err().to_string();
    assert!(error.contains("conflict"), "{error}");
    let error = smoke_check_all(&engine, &env()).unwrap_err().to_string();
    assert!(error.contains("`a/x`") && error.contains("conflict"), "{error}");
}
