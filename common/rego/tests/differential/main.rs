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
    let differing = found::again(Planted::default(), &mut tally);
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
    // Restricted, OPA does without its index and early exit; so does the machine then, and keys are not asked for.
    let planted = Planted {
        no_index: compare::restricted(),
        no_early_exit: compare::restricted(),
        no_asked_key: compare::restricted(),
        ..Planted::default()
    };
    run::run(number("DIFFERENTIAL_SEED").unwrap_or(1), size, planted).check();
}
