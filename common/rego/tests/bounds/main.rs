//! Policies that run on: each ends within its limits, whatever it does, and the process stays small.

#[cfg(test)]
mod bomb;
#[cfg(test)]
mod bombs;
#[cfg(test)]
mod input;
#[cfg(test)]
mod opa;
#[cfg(test)]
mod process;
#[cfg(test)]
mod strangers;
#[cfg(test)]
#[path = "../shared/tools.rs"]
mod tools;

use std::sync::LazyLock;

use bomb::Ends;
use opa::Plan;
use postern_rego::{NoHost, Program};

static PLAN: LazyLock<Plan> = LazyLock::new(|| {
    let names = bombs::all().map(|bomb| bomb.name).chain(["modest"]);
    Plan::of("bounds", bombs::module, names)
});

/// What the processes that the test below starts do; nothing where it is started as any test is.
#[test]
fn one() {
    process::one(bombs::all(), &PLAN, &NoHost, input::make);
}

#[test]
fn whatever_runs_on_ends_within_its_limits() {
    // Made once, for all processes.
    LazyLock::force(&PLAN);
    process::all(bombs::all());
}

#[test]
fn what_is_within_its_limits_answers() {
    let program = Program::load(&PLAN.read(), &NoHost).expect("the plan is loaded");
    let entrypoint = program.entrypoint("bomb/modest").expect("it is there");
    let input = input::make("modest");
    let result = program.evaluate(entrypoint, Some(&input), &input, &process::env(Ends::Work));
    assert_eq!(
        result.expect("an answer").and_then(|value| value.as_i64()),
        Some(1000)
    );
}
