//! What plans are said to depend on besides their documents, rule by rule. `plans/effects.plan.json` is what OPA 1.22.2 makes
//! of `plans/effects.rego` and `plans/offered.rego`.

use postern_rego::{BuiltinError, BuiltinFn, Effects, HostBuiltins, NoHost, Program, Value};

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
