//! A `plan.json` or a `plan.pb`: refused, or a program whose every entrypoint ends within its limits. No plan makes the
//! machine panic.

use postern_rego::{Env, NoHost, Program, Value};

const INPUT: &str = r#"{"attributes": {"user": "ada", "request": {"http": {"method": "GET", "path": "/orders/1"}}},
    "a": [1, "b", null], "x": 1.0}"#;
const DATA: &str =
    r#"{"bindings": {"ada": ["reader"]}, "roles": {"reader": [{"method": "GET", "prefix": "/orders"}]}}"#;

/// Loads `data` as a plan in JSON and evaluates all its entrypoints.
pub fn run(data: &[u8]) {
    if let Ok(program) = Program::load(data, &NoHost) {
        evaluate(&program);
    }
}

/// Loads `data` as a plan in protobuf and evaluates all its entrypoints.
pub fn run_protobuf(data: &[u8]) {
    if let Ok(program) = Program::load_protobuf(data, &NoHost) {
        evaluate(&program);
    }
}

fn evaluate(program: &Program) {
    let read = |text| Value::from_json_str(text).expect("JSON");
    let (input, base) = (read(INPUT), read(DATA));
    let mut env = Env::new(1_700_000_000_000_000_000, [7; 32]);
    env.limits.max_statements = 20_000;
    env.limits.max_depth = 50;
    env.limits.max_locals = 10_000;
    for name in program.entrypoints() {
        let entrypoint = program.entrypoint(name).expect("it was just named");
        let reads = program.reads(entrypoint);
        for input in [None, Some(&input)] {
            let whole = program.evaluate(entrypoint, input, &base, &env);
            let pruned = input.map(|input| reads.prune(input));
            let least = program.evaluate(entrypoint, pruned.as_ref(), &base, &env);
            // What isn't read isn't missed, unless the limits came first.
            if let (Ok(whole), Ok(least)) = (whole, least) {
                let text = |value: Option<Value>| value.map(|value| value.to_json());
                assert_eq!(text(whole), text(least), "{name} reads more than it says");
            }
        }
    }
}
