//! The builtins of this crate and OPA's own, asked the same: one run of `opa eval` for all. What is defined must be
//! equal; what isn't must be undefined on both sides; what this crate refuses is counted, and may not become more.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod cases;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs;

use postern_policy::builtins::Host;
use postern_rego::{BuiltinError, Context, Env, HostBuiltins as _, Value, builtin_names};

/// Operands by builtin.
pub(crate) type Cases = BTreeMap<&'static str, Vec<Vec<Value>>>;

/// What a builtin answers, or why it doesn't.
pub(crate) fn ask(name: &str, operands: &[Value]) -> Result<Option<Value>, BuiltinError> {
    let env = Env::new(1_767_225_600_000_000_000, [0; 32]);
    let function = Host.builtin(name).expect("a builtin of this crate");
    function(&mut Context::new(&env, u64::MAX, None), operands)
}

/// One object: for each builtin, its answers by the number of the case.
fn query(cases: &Cases) -> String {
    let parts = cases.iter().map(|(name, cases)| {
        let operands: Vec<String> = (0..cases[0].len())
            .map(|at| format!("input[{name:?}][i][{at}]"))
            .collect();
        format!(
            "{name:?}: {{i: r | some i; r := {name}({})}}",
            operands.join(", ")
        )
    });
    format!("{{{}}}", parts.collect::<Vec<_>>().join(", "))
}

fn opas_answers(cases: &Cases) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let list = |cases: &Vec<Vec<Value>>| {
        Value::from(
            cases
                .iter()
                .map(|case| Value::from(case.clone()))
                .collect::<Vec<_>>(),
        )
    };
    let input = Value::object_from(cases.iter().map(|(name, cases)| (*name, list(cases))));
    fs::write(folder.path().join("input.json"), input.to_json()).unwrap();
    let query = query(cases);
    let answer = support::run_well(folder.path(), &["eval", "-f", "json", "-i", "input.json", &query]);
    let answer = Value::from_json_slice(&answer).unwrap();
    let results = answer
        .get("result")
        .and_then(Value::as_array)
        .and_then(|results| results.get(0));
    let expressions = results
        .and_then(|result| result.get("expressions"))
        .and_then(Value::as_array);
    expressions
        .and_then(|all| all.get(0))
        .and_then(|first| first.get("value"))
        .expect("a value")
        .clone()
}

#[test]
fn every_builtin_answers_as_opa_does_or_refuses() {
    let cases = cases::all();
    let opas = opas_answers(&cases);
    let (mut wrong, mut asked, mut defined, mut refused) = (Vec::new(), 0, 0, Vec::new());
    for (name, cases) in &cases {
        for (at, operands) in cases.iter().enumerate() {
            asked += 1;
            let theirs = opas.get(name).and_then(|answers| answers.get(&at.to_string()));
            let ours = match ask(name, operands) {
                Ok(answer) => answer.map(|answer| Value::from_json_str(&answer.to_json()).unwrap()),
                Err(BuiltinError::Lenient(_)) => None,
                Err(error) => {
                    refused.push(format!("{name} {at}: {error}"));
                    continue;
                }
            };
            defined += usize::from(ours.is_some());
            if ours.as_ref() != theirs {
                let shown = |value: Option<&Value>| value.map_or("undefined".to_owned(), Value::to_json);
                let operands = Value::from(operands.clone()).to_json();
                wrong.push(format!(
                    "{name} {at}\n  operands {operands:.1500}\n  opa      {:.4000}\n  ours     {:.4000}",
                    shown(theirs),
                    shown(ours.as_ref())
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {asked}:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(12)].join("\n")
    );
    // Else the above would show nothing.
    assert!(defined > 500, "only {defined} of {asked} are defined");
    assert!(
        refused.len() < asked / 20,
        "{} of {asked} refused:\n{}",
        refused.len(),
        refused.join("\n")
    );
}

#[test]
fn this_crate_has_what_it_is_held_to() {
    let cases = cases::all();
    for name in postern_policy::builtins::names() {
        // These answer otherwise each time, or are made sure of by what they sign.
        let is_random = name.starts_with("io.jwt.encode_sign");
        assert!(is_random || cases.contains_key(name), "{name} is held to nothing");
    }
    assert!(builtin_names().count() > 0);
}
