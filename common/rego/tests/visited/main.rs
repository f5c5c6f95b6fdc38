//! Which rules are visited: small policies in which a rule that OPA doesn't visit would fail, or print. Each is compiled
//! by OPA, and asked here and there; value, error and printed lines must be the same.

#[cfg(test)]
mod cases;
#[cfg(test)]
mod opa;

use postern_rego::{Env, EvalError, NoHost, Planted, Program, Value};

use cases::{Case, cases};
use opa::{Folder, Outcome};

/// What the policies find in `data`.
const DATA: &str = r#"{"base": {"on": false, "level": 4},
    "members": {"one": {"ann": true}, "two": {"bob": true, "ann": true}}}"#;

#[test]
fn rules_are_visited_as_in_opa() {
    let cases = cases();
    let folder = Folder::new("visited", &cases, DATA);
    let program = Program::load(&folder.plan(), &NoHost).expect("a plan that loads");
    let mut wrong = Vec::new();
    let mut errors = 0;
    let mut count = 0;
    for case in &cases {
        for input in &case.inputs {
            let expected = folder.eval(case, input);
            let found = ask(&program, case, input);
            count += 1;
            errors += usize::from(expected.error.is_some());
            if found != expected {
                wrong.push(format!(
                    "{} with {input}\n    opa  {expected:?}\n    here {found:?}",
                    case.title
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    // Else the above would show nothing.
    assert!(errors > 30, "only {errors} of {count} are errors");
}

/// That the test above would see each of these.
#[test]
fn planted_mistakes_show() {
    let cases = cases();
    let folder = Folder::new("planted", &cases, DATA);
    let plan = folder.plan();
    let right = Program::load(&plan, &NoHost).expect("a plan that loads");
    let none = Planted::default();
    let mistakes = [
        (
            "no early exit",
            Planted {
                no_early_exit: true,
                ..none
            },
        ),
        (
            "no index",
            Planted {
                no_index: true,
                ..none
            },
        ),
        (
            "a wrong index",
            Planted {
                wrong_index: true,
                ..none
            },
        ),
        (
            "no asked key",
            Planted {
                no_asked_key: true,
                ..none
            },
        ),
        (
            "a memo kept through with",
            Planted {
                memo_through_with: true,
                ..none
            },
        ),
    ];
    for (what, planted) in mistakes {
        let wrong = Program::load_with(&plan, &NoHost, planted).expect("a plan that loads");
        let shows = cases.iter().any(|case| {
            let mut inputs = case.inputs.iter();
            inputs.any(|input| ask(&right, case, input) != ask(&wrong, case, input))
        });
        assert!(shows, "{what} doesn't show");
    }
}

#[cfg(test)]
fn ask(program: &Program, case: &Case, input: &str) -> Outcome {
    let entrypoint = program.entrypoint(&case.entrypoint()).expect("an entrypoint");
    let input = Value::from_json_str(input).expect("JSON");
    let data = Value::from_json_str(DATA).expect("JSON");
    let env = Env::new(0, [0; 32]);
    let mut printed = Vec::new();
    let mut print = |line: &str| printed.push(line.to_owned());
    let results = program.results_with_print(entrypoint, Some(&input), &data, &env, &mut print);
    let (value, error) = match results {
        Ok(results) => (
            results
                .nth(0)
                .and_then(|result| result.get("result"))
                .map(Value::to_json),
            None,
        ),
        Err(error) => (None, Some(kind(&error).to_owned())),
    };
    Outcome {
        value,
        error,
        printed,
    }
}

/// OPA's word for an error.
#[cfg(test)]
fn kind(error: &EvalError) -> &'static str {
    match error {
        EvalError::RuleConflict { .. }
        | EvalError::FunctionConflict { .. }
        | EvalError::KeyConflict { .. } => "eval_conflict_error",
        EvalError::Builtin { .. } => "eval_builtin_error",
        _ => "another",
    }
}
