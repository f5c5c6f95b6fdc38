//! The builtins that read text, asked the same as OPA: a module of many calls is run by `opa eval`, and its plan here.
//! The answers must be the same, undefined included. Never passes over an `opa` that isn't there.

#[cfg(test)]
mod calls;
#[cfg(test)]
mod opa;
#[cfg(test)]
mod random;
#[cfg(test)]
#[path = "../shared/tools.rs"]
mod tools;

use calls::{FIXED, Kind};
use opa::compare;

#[test]
fn what_is_at_the_edges_is_answered_as_opa_answers_it() {
    let calls: Vec<String> = FIXED.iter().map(ToString::to_string).collect();
    compare("edges", &calls, 0.5).unwrap_or_else(|mistakes| panic!("{mistakes}"));
}

#[test]
fn random_patterns_and_texts_are_answered_as_opa_answers_them() {
    // Of each kind, how many calls, and what part of them must have an answer, so that the test shows something.
    let kinds = [
        (Kind::Regex, 1500, 0.5),
        (Kind::Glob, 800, 0.7),
        (Kind::Globs, 400, 0.2),
        (Kind::Cidr, 800, 0.4),
        (Kind::Units, 600, 0.2),
        (Kind::Semver, 300, 0.4),
        (Kind::Uri, 500, 0.4),
        (Kind::Time, 1500, 0.3),
        (Kind::Yaml, 800, 0.2),
    ];
    let seed = std::env::var("POSTERN_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    // All kinds are asked before any mistake is told.
    let mut mistakes = Vec::new();
    for (kind, count, defined) in kinds {
        let mut random = random::Random::new(seed.unwrap_or(1));
        let calls: Vec<String> = (0..count).map(|_| calls::call(kind, &mut random)).collect();
        mistakes.extend(compare(&format!("{kind:?}"), &calls, defined).err());
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}
