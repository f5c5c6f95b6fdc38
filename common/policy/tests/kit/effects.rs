//! What a plan's answer is said to depend on, held to what it does: each of OPA's cases is asked at two times, with two
//! seeds and on two hosts, and may answer differently only where that is said of it.

use postern_rego::{Effects, Env, EvalError, Program, Set, Value};

use crate::case::{Case, entrypoint};
use crate::export;

/// A name, whether effects have it, and how surroundings are made that differ in it.
type Other = (&'static str, fn(Effects) -> bool, fn(&mut Env));

/// Surroundings that differ in one thing.
const OTHERS: [Other; 4] = [
    ("clock", |effects| effects.clock, |env| env.now_ns = 1),
    ("clock", |effects| effects.clock, |env| env.now_ns = i64::MAX - 1),
    (
        "randomness",
        |effects| effects.randomness,
        |env| env.seed = [9; 32],
    ),
    (
        "host",
        |effects| effects.host,
        |env| env.runtime = Value::from_json_str(r#"{"env": {"A": "b"}}"#).ok(),
    ),
];

/// The cases that answer differently where `claimed` says they don't, and those that do where it says they may.
fn differing(claimed: impl Fn(Effects) -> Effects) -> (Vec<String>, usize) {
    let (mut wrong, mut said) = (Vec::new(), 0);
    for case in &export::cases() {
        let case = Case::new(case);
        let Some(program) = case.program() else { continue };
        let effects = claimed(program.effects(entrypoint(&program)));
        for (what, is_said, change) in OTHERS {
            let mut env = case.env();
            let before = answer(&case, &program, &env);
            change(&mut env);
            let differs = answer(&case, &program, &env) != before;
            if differs && !is_said(effects) {
                wrong.push(format!("{} ({}) depends on the {what}", case.note, case.file));
            }
            said += usize::from(differs && is_said(effects));
        }
    }
    (wrong, said)
}

fn answer(case: &Case<'_>, program: &Program, env: &Env) -> Result<Set, EvalError> {
    program.results(entrypoint(program), case.input().as_ref(), &case.data(), env)
}

#[test]
fn an_answer_depends_on_nothing_that_isnt_said_of_it() {
    let (wrong, said) = differing(|effects| effects);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Else the above would show nothing: the kit has few such cases, since they can't be wanted exactly.
    assert!(said >= 3, "only {said} answers differ at all");
    let (missed, _) = differing(|_| Effects::NONE);
    assert_eq!(missed.len(), said);
}

#[test]
fn most_cases_depend_on_nothing() {
    let cases = export::cases();
    let programs = cases.iter().filter_map(|case| Case::new(case).program());
    let (mut none, mut all) = (0, 0);
    for program in programs {
        let effects = program.effects(entrypoint(&program));
        none += usize::from(effects.is_none());
        all += usize::from(effects == Effects::ALL);
    }
    assert!(
        none > 2000 && all == 0,
        "{none} depend on nothing, {all} on everything"
    );
}
