//! Which rules are visited: small policies in which a rule that OPA doesn't visit would fail, or print. Each is compiled
//! by OPA, and asked here and there; value, error and printed lines must be the same.

#[cfg(test)]
mod cases;
#[cfg(test)]
#[path = "../shared/folder.rs"]
mod folder;
#[cfg(test)]
mod opa;
#[cfg(test)]
#[path = "../shared/tools.rs"]
mod tools;

use postern_rego::{Env, EvalError, NoHost, Planted, Program, Value};

use cases::{Case, cases};
use opa::{Compiled, Outcome};

/// What the policies find in `data`.
const DATA: &str = r#"{"base": {"on": false, "level": 4},
    "members": {"one": {"ann": true}, "two": {"bob": true, "ann": true}}}"#;

#[test]
fn rules_are_visited_as_in_opa() {
    let cases = cases();
    let compiled = Compiled::new("visited", &cases, DATA);
    let program = Program::load(compiled.plan(), &NoHost).expect("a plan that loads");
    let mut wrong = Vec::new();
    let mut errors = 0;
    let mut count = 0;
    for case in &cases {
        for input in &case.inputs {
            let expected = compiled.eval(case, input);
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

/// A policy of a thousand rules costs what one of ten does: statements are what a limit counts.
#[test]
fn a_thousand_rules_cost_what_ten_do() {
    let cost = |rules: usize, planted: Planted| {
        let rule = |at: usize| {
            format!(
                "p if {{ input.method == \"GET\"; input.path == \"/a/{at}\"; startswith(input.user, \"u\") }}"
            )
        };
        let case = Case {
            title: String::new(),
            package: "many".to_owned(),
            rego: (0..rules).map(rule).collect::<Vec<_>>().join("\n"),
            inputs: Vec::new(),
        };
        let compiled = Compiled::new(&format!("many{rules}"), &[case], "{}");
        let program = Program::load_with(compiled.plan(), &NoHost, planted).expect("a plan that loads");
        let input = format!(
            r#"{{"method": "GET", "path": "/a/{}", "user": "una"}}"#,
            rules - 1
        );
        let input = Value::from_json_str(&input).expect("JSON");
        let entrypoint = program.entrypoint("many/p").expect("an entrypoint");
        // The least number of statements that is enough.
        let enough = |statements: u64| {
            let mut env = Env::new(0, [0; 32]);
            env.limits.max_statements = statements;
            let answer = program.evaluate(entrypoint, Some(&input), &Value::Null, &env);
            answer == Ok(Some(Value::from(true)))
        };
        (1..100_000)
            .find(|statements| enough(*statements))
            .expect("it ends")
    };
    let (ten, thousand) = (cost(10, Planted::default()), cost(1000, Planted::default()));
    assert!(thousand <= ten + 5, "10 rules cost {ten}, 1000 cost {thousand}");
    let naive = Planted {
        no_index: true,
        ..Planted::default()
    };
    let naive = cost(1000, naive);
    assert!(
        naive > 20 * thousand,
        "without an index 1000 cost {naive}, with it {thousand}"
    );
    println!("10 rules: {ten}, 1000 rules: {thousand}, without an index: {naive}");
}

/// What OPA refuses when a bundle is activated.
#[test]
fn a_rule_at_a_path_that_holds_data_is_refused() {
    let case = |rego: &str| Case {
        title: String::new(),
        package: "a.b".to_owned(),
        rego: rego.to_owned(),
        inputs: Vec::new(),
    };
    let compiled = Compiled::new("overlap", &[case("p if q\nq := 1\nr := 2")], "{}");
    let program = Program::load(compiled.plan(), &NoHost).expect("a plan that loads");
    for (data, expected) in [
        ("{}", None),
        (r#"{"a": {"b": {"c": 1}, "c": 1}, "c": 1}"#, None),
        (r#"{"a": {"b": {"p": {}}}}"#, Some("a/b/p")),
        (r#"{"a": {"b": {"q": null, "p": 1}}}"#, Some("a/b/p")),
        (r#"{"a": {"b": {"q": {"c": 1}}}}"#, Some("a/b/q")),
        (r#"{"a": 1}"#, Some("a/b/p")),
        (r#"{"a": {"b": []}}"#, Some("a/b/p")),
    ] {
        let refused = program.check_data(&Value::from_json_str(data).expect("JSON"));
        let expected = expected.map(|path| {
            format!("rego_compile_error: conflicting rule for data path {path} found: rename the rule, or leave the data out")
        });
        assert_eq!(refused.err().map(|error| error.to_string()), expected, "{data}");
    }
}

/// That the first test would see each of these.
#[test]
fn planted_mistakes_show() {
    let cases = cases();
    let compiled = Compiled::new("planted", &cases, DATA);
    let plan = compiled.plan();
    let right = Program::load(plan, &NoHost).expect("a plan that loads");
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
        let wrong = Program::load_with(plan, &NoHost, planted).expect("a plan that loads");
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
