//! The demo's policy as it is shipped: its committed plan is what OPA makes of its Rego (`UPDATE_PLAN=1` makes it
//! again), and run by our engine it decides as its author means it, with the input that our own builder makes.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use postern_policy::input::{PosternParts, RequestParts, document};
use postern_policy::{Engine, Env, PlanEngine, PlanFile, PolicyResult, RefusalCode, Value};

const ENTRYPOINT: &str = "orders/authz/decision";

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cli/demo/policy")
}

fn compile() -> Vec<u8> {
    let out = tempfile::tempdir().unwrap();
    let archive = out.path().join("bundle.tar.gz");
    let arguments = [
        "build",
        "-t",
        "plan",
        "-e",
        ENTRYPOINT,
        "--ignore",
        "*_test.rego",
        "--ignore",
        "plan.json",
        "-b",
        ".",
        "-o",
    ];
    let mut arguments: Vec<&str> = arguments.to_vec();
    arguments.push(archive.to_str().unwrap());
    support::run_well(&demo(), &arguments);
    let archive = fs::read(archive).unwrap();
    let bundle = postern_policy::Bundle::read(
        &archive,
        &postern_policy::Verification::Unsigned,
        &Default::default(),
    )
    .unwrap();
    bundle.plan().unwrap().bytes().to_vec()
}

fn engine() -> PlanEngine {
    let plan = fs::read(demo().join("plan.json")).unwrap();
    PlanEngine::new(
        "demo",
        PlanFile::Json(&plan),
        Value::object_from::<&str, Value, _>([]),
    )
    .unwrap()
}

fn decide(method: &str, path: &str, scopes: &[&str]) -> PolicyResult {
    let engine = engine();
    let request = RequestParts {
        method,
        path,
        ..RequestParts::default()
    };
    let canonical = path.split('?').next().unwrap();
    let scopes: Vec<Box<str>> = scopes.iter().map(|scope| (*scope).into()).collect();
    let postern = PosternParts {
        scopes: &scopes,
        path: canonical,
        ..PosternParts::default()
    };
    let entrypoint = engine.require(ENTRYPOINT).unwrap();
    let input = document(engine.reads(entrypoint), &request, &[][..], Some(&postern)).unwrap();
    let result = engine
        .evaluate(entrypoint, Some(&input), &Env::new(0, [0; 32]))
        .unwrap();
    PolicyResult::from_value(result.as_ref()).unwrap()
}

#[test]
fn the_committed_plan_is_what_opa_makes_of_the_rego() {
    let made = compile();
    let path = demo().join("plan.json");
    if std::env::var_os("UPDATE_PLAN").is_some() {
        fs::write(&path, &made).unwrap();
    }
    assert!(
        fs::read(&path).unwrap() == made,
        "cli/demo/policy/plan.json is not what opa makes of orders.rego; run: \
         UPDATE_PLAN=1 cargo test -p postern-policy --test demo_policy"
    );
}

#[test]
fn the_rego_passes_its_own_tests() {
    support::run_well(&demo(), &["test", "orders.rego", "orders_test.rego"]);
    support::run_well(&demo(), &["check", "--strict", "orders.rego", "orders_test.rego"]);
    let unformatted = support::run_well(&demo(), &["fmt", "-l", "orders.rego", "orders_test.rego"]);
    assert!(
        unformatted.is_empty(),
        "run `opa fmt -w` on: {}",
        String::from_utf8_lossy(&unformatted)
    );
}

#[test]
fn readers_read_and_writers_write() {
    for (method, path, scopes) in [
        ("GET", "/orders", &["orders:read"][..]),
        ("HEAD", "/orders/42?full=1", &["orders:read"]),
        ("POST", "/orders", &["orders:read", "orders:write"]),
        ("DELETE", "/orders/42", &["orders:write"]),
    ] {
        assert!(
            decide(method, path, scopes).is_allowed(),
            "{method} {path} {scopes:?}"
        );
    }
}

#[test]
fn a_missing_scope_is_named() {
    let cases = [
        ("POST", &["orders:read"][..], "orders:write"),
        ("GET", &["orders:write"], "orders:read"),
    ];
    for (method, scopes, required) in cases {
        let PolicyResult::Deny(deny) = decide(method, "/orders", scopes) else {
            panic!("{method} was allowed")
        };
        assert_eq!(deny.http_status, Some(403));
        assert_eq!(deny.refusal.code, RefusalCode::InsufficientScope);
        assert_eq!(deny.refusal.required_scope.as_deref(), Some(required));
    }
}

#[test]
fn other_paths_are_refused() {
    for path in ["/", "/ordersx", "/admin"] {
        let PolicyResult::Deny(deny) = decide("GET", path, &["orders:read", "orders:write"]) else {
            panic!("{path} was allowed")
        };
        assert_eq!(deny.refusal.code, RefusalCode::AccessDenied);
    }
}
