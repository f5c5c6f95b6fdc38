//! What plans are said to depend on besides their documents, rule by rule. `plans/effects.plan.json` is what OPA 1.22.2 makes
//! of `plans/effects.rego` and `plans/offered.rego`.

use postern_rego::{BuiltinError, BuiltinFn, Effects, Env, HostBuiltins, NoHost, Program, Span, Value};

const PLAN: &str = include_str!("plans/effects.plan.json");

/// `None` where the plan doesn't load or has no such rule.
fn effects(host: &dyn HostBuiltins, rule: &str) -> Option<Effects> {
    let program = Program::load(PLAN.as_bytes(), host).ok()?;
    let entrypoint = program.entrypoint(&format!("effects/{rule}"))?;
    Some(program.effects(entrypoint))
}

#[test]
fn what_each_rule_depends_on_is_known() {
    let none = Effects::NONE;
    let clock = Effects { clock: true, ..none };
    let randomness = Effects {
        randomness: true,
        ..none
    };
    let host = Effects { host: true, ..none };
    for (rule, expected) in [
        ("nothing", none),
        ("clock", clock),
        ("host", host),
        ("through_a_rule", clock),
        ("by_a_function", randomness),
        ("negated", clock),
        ("in_a_comprehension", clock),
        ("dynamic", clock.and(host)),
        ("mocked", none),
        ("a_builtin_by_another", randomness),
        ("a_function_by_a_builtin", randomness),
        ("both", clock.and(randomness)),
    ] {
        assert_eq!(effects(&NoHost, rule), Some(expected), "{rule}");
    }
}

/// A host's builtin that says nothing of itself.
struct Silent;

impl HostBuiltins for Silent {
    fn builtin(&self, name: &str) -> Option<BuiltinFn> {
        let unknown: BuiltinFn = |_, _| -> Result<Option<Value>, BuiltinError> { Ok(Some(Value::from(1))) };
        (name == "count").then_some(unknown)
    }
}

#[test]
fn a_hosts_builtin_that_says_nothing_of_itself_may_depend_on_everything() {
    assert_eq!(effects(&Silent, "nothing"), Some(Effects::ALL));
    assert_eq!(effects(&Silent, "mocked"), Some(Effects::NONE));
}

/// When else the rule would have had the same answer, as far as the clock has a part in it.
fn span(rule: &str, input: &str) -> Option<Span> {
    let program = Program::load(PLAN.as_bytes(), &NoHost).ok()?;
    let entrypoint = program.entrypoint(&format!("effects/{rule}"))?;
    let input = Value::from_json_str(input).ok()?;
    let env = Env::new(7, [0; 32]);
    let dated = program.evaluate_dated(entrypoint, Some(&input), &Value::Null, &env);
    Some(dated.ok()?.1)
}

#[test]
fn an_evaluation_that_looked_at_the_clock_is_of_that_instant_and_another_of_all() {
    let instant = Span::instant(7);
    for (rule, input, expected) in [
        ("nothing", r#"{"x":[1,2]}"#, Span::ALWAYS),
        ("clock", "{}", instant),
        ("through_a_rule", "{}", instant),
        ("negated", "{}", instant),
        ("both", "{}", instant),
        ("in_a_comprehension", r#"{"xs":[1]}"#, instant),
        // It isn't come to.
        ("in_a_comprehension", r#"{"xs":[]}"#, Span::ALWAYS),
        ("mocked", "{}", Span::ALWAYS),
        ("host", "{}", Span::ALWAYS),
        ("by_a_function", "{}", Span::ALWAYS),
    ] {
        assert_eq!(span(rule, input), Some(expected), "{rule} {input}");
    }
}
