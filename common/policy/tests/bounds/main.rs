//! Policies that run on in the builtins that need cryptography: each ends within its limits, whatever it is given, and the
//! process stays small.

#[cfg(test)]
#[path = "../../../rego/tests/bounds/bomb.rs"]
mod bomb;
#[cfg(test)]
mod bombs;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod input;
#[cfg(test)]
#[path = "../../../rego/tests/bounds/opa.rs"]
mod opa;
#[cfg(test)]
#[path = "../../../rego/tests/bounds/process.rs"]
mod process;
#[cfg(test)]
#[path = "../../../rego/tests/shared/tools.rs"]
mod tools;

use std::sync::LazyLock;

use bomb::Ends;
use opa::Plan;
use postern_policy::builtins::Host;
use postern_rego::{Program, Value};

static PLAN: LazyLock<Plan> = LazyLock::new(|| {
    let names = bombs::BOMBS.iter().chain(bombs::MODEST);
    Plan::of("bounds_of_builtins", bombs::module, names.map(|bomb| bomb.name))
});

/// What the processes that the test below starts do; nothing where it is started as any test is.
#[test]
fn one() {
    process::one(bombs::BOMBS, &PLAN, &Host, input::make);
}

#[test]
fn whatever_runs_on_ends_within_its_limits() {
    // Made once, for all processes.
    LazyLock::force(&PLAN);
    process::all(bombs::BOMBS);
}

/// What the bombs are made of does what it is for, so that they don't end for want of it.
#[test]
fn what_is_within_its_limits_answers() {
    let program = Program::load(&PLAN.read(), &Host).expect("the plan is loaded");
    for modest in bombs::MODEST {
        let name = modest.name;
        let entrypoint = program.entrypoint(&format!("bomb/{name}")).expect("it is there");
        let input = input::make(name);
        let result = program.evaluate(entrypoint, Some(&input), &input, &process::env(Ends::Work));
        assert_eq!(result.expect(name), Some(Value::from(true)), "{name}");
    }
}
