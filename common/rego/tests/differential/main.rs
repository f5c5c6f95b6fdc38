//! Random policies, put to OPA itself and to this machine: value, undefined, kind of error and printed lines are the same.
//!
//! DIFFERENTIAL_SEED explores the policies from that seed on, DIFFERENTIAL_DECISIONS says how many decisions are compared.
//! `scripts/differential.sh` compares a million.

#[cfg(test)]
mod answer;
#[cfg(test)]
mod bodies;
#[cfg(test)]
mod compare;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod found;
#[cfg(test)]
mod generate;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod random;
#[cfg(test)]
mod run;
#[cfg(test)]
mod shrink;
#[cfg(test)]
mod syntax;
#[cfg(test)]
mod terms;
#[cfg(test)]
#[path = "../shared/tools.rs"]
mod tools;

use answer::Mistake;
use postern_rego::Planted;

/// A number from the environment.
#[cfg(test)]
fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")),
    )
}

#[test]
fn what_differed_once_differs_no_more() {
    let mut tally = compare::Tally::default();
    let differing = found::again(&mut tally);
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    assert!(tally.decisions > 0, "nothing was asked");
}

#[test]
fn decisions_of_random_policies_are_opas() {
    let decisions = number("DIFFERENTIAL_DECISIONS").unwrap_or(10_000);
    let size = run::Size {
        decisions: usize::try_from(decisions).expect("not that many"),
        inputs: 4,
    };
    run::run(number("DIFFERENTIAL_SEED").unwrap_or(1), size, Mistake::None).check();
}

/// That the test above sees mistakes: each of these differs from OPA soon.
#[test]
fn every_planted_mistake_is_found() {
    let none = Planted::default();
    let mistakes = [
        (
            "early exit dropped",
            planted(Planted {
                no_early_exit: true,
                ..none
            }),
        ),
        (
            "no index",
            planted(Planted {
                no_index: true,
                ..none
            }),
        ),
        (
            "index wrong",
            planted(Planted {
                wrong_index: true,
                ..none
            }),
        ),
        (
            "whole objects for a key",
            planted(Planted {
                no_asked_key: true,
                ..none
            }),
        ),
        (
            "memo kept through with",
            planted(Planted {
                memo_through_with: true,
                ..none
            }),
        ),
        ("-0 is not 0", Mistake::MinusZero),
        ("sets in the order of their text", Mistake::SetOrder),
    ];
    for (what, mistake) in mistakes {
        let decisions = run::decisions_until_found(1, 60_000, mistake);
        println!("{what}: found after {decisions:?} decisions");
        assert!(decisions.is_some(), "{what} isn't found in 60,000 decisions");
    }
}

#[cfg(test)]
fn planted(mistakes: Planted) -> Mistake {
    Mistake::Machine(mistakes)
}
