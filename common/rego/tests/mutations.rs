//! Plans that somebody tampered with: refused when they are loaded, or bounded when they run, and never a panic.
//! `plans/rbac.plan.json` is what `opa build -t plan -e rbac/allow` of OPA 1.22.2 makes of `plans/rbac.rego`.

use postern_rego::{Env, NoHost, Program, Value};
use proptest::prelude::*;

const PLAN: &str = include_str!("plans/rbac.plan.json");
/// The plan of `plans/statements.rego`, which has every kind of statement.
const PROTOBUF: &[u8] = include_bytes!("plans/statements.plan.pb");
const INPUT: &str =
    r#"{"attributes": {"user": "ada", "request": {"http": {"method": "GET", "path": "/orders/1"}}}}"#;
const DATA: &str =
    r#"{"bindings": {"ada": ["reader"]}, "roles": {"reader": [{"method": "GET", "prefix": "/orders"}]}}"#;

/// Loads and runs a plan within narrow limits, if it can be loaded.
fn attempt(plan: &[u8]) -> Option<Value> {
    run(&Program::load(plan, &NoHost).ok()?, INPUT, DATA)
}

fn attempt_protobuf(plan: &[u8]) -> Option<Value> {
    let input = r#"{"x": 2, "y": "k2", "name": "one", "object": {"p": 2, "q": [3]}}"#;
    run(
        &Program::load_protobuf(plan, &NoHost).ok()?,
        input,
        r#"{"list": [1, 2]}"#,
    )
}

fn run(program: &Program, input: &str, data: &str) -> Option<Value> {
    let entrypoint = program.entrypoint(program.entrypoints().next()?)?;
    let (input, data) = (
        Value::from_json_str(input).ok()?,
        Value::from_json_str(data).ok()?,
    );
    let mut env = Env::new(0, [0; 32]);
    env.limits.max_statements = 20_000;
    env.limits.max_depth = 50;
    env.limits.max_memory = 256 * 1024;
    program.evaluate(entrypoint, Some(&input), &data, &env).ok()?
}

#[test]
fn the_plan_as_it_is_allows() {
    assert_eq!(attempt(PLAN.as_bytes()), Some(Value::Bool(true)));
}

#[test]
fn a_plan_in_protobuf_answers_as_opa_does() {
    let made = attempt_protobuf(PROTOBUF).map(|value| value.to_json());
    // What `opa eval` printed for the same input and data.
    let wanted = r#"{"array":[1,2.5,null,2],"comprehension":[1,2],"dynamic":1,"every":true,"function":"one of two","merged":{"a":{"b":1,"p":2,"q":[3]}},"not":true,"numbers":[123456789012345678901234567890,-1,1e3],"object":{"k":2,"k2":1},"partial_object":{"p":2,"q":[3]},"partial_set":[1,2],"set":[2,"b"],"shape":"neither","with":false}"#;
    assert_eq!(made.as_deref(), Some(wanted));
}

/// Where the numbers of the plan stand: its locals and indices.
fn numbers() -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut start = None;
    for (at, byte) in PLAN.bytes().enumerate() {
        match (byte.is_ascii_digit(), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                found.push(from..at);
                start = None;
            }
            _ => {}
        }
    }
    found
}

/// Where the names of statements stand, and some names to put there.
fn statements() -> Vec<(usize, &'static str)> {
    PLAN.match_indices("Stmt\"")
        .filter_map(|(end, _)| {
            let start = PLAN.get(..end)?.rfind('"')? + 1;
            Some((start, PLAN.get(start..end + 4)?))
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn changed_bytes_are_refused_or_bounded(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut plan = PLAN.as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(plan.len());
            plan[at] = byte;
        }
        attempt(&plan);
    }

    #[test]
    fn changed_locals_and_indices_are_refused_or_bounded(changes in prop::collection::vec((any::<prop::sample::Index>(), -2..40_i64), 1..6)) {
        let mut plan = PLAN.to_owned();
        let mut places: Vec<_> = changes.iter().map(|(at, number)| (at.get(&numbers()).clone(), *number)).collect();
        places.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
        places.dedup_by_key(|(range, _)| range.start);
        for (range, number) in places {
            plan.replace_range(range, &number.to_string());
        }
        attempt(plan.as_bytes());
    }

    #[test]
    fn exchanged_statements_are_refused_or_bounded(at in any::<prop::sample::Index>(), other in any::<prop::sample::Index>()) {
        let all = statements();
        let (start, name) = at.get(&all);
        let (_, replacement) = other.get(&all);
        let mut plan = PLAN.to_owned();
        plan.replace_range(*start..start + name.len(), replacement);
        attempt(plan.as_bytes());
    }

    #[test]
    fn a_plan_cut_off_is_refused(at in any::<prop::sample::Index>()) {
        let end = at.index(PLAN.trim_end().len());
        prop_assert_eq!(attempt(&PLAN.as_bytes()[..end]), None);
    }

    #[test]
    fn changed_bytes_of_protobuf_are_refused_or_bounded(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut plan = PROTOBUF.to_vec();
        for (at, byte) in changes {
            let at = at.index(plan.len());
            plan[at] = byte;
        }
        attempt_protobuf(&plan);
    }

    #[test]
    fn protobuf_cut_off_never_panics(at in any::<prop::sample::Index>()) {
        attempt_protobuf(&PROTOBUF[..at.index(PROTOBUF.len())]);
    }
}
