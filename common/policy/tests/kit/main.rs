//! OPA's own cases, each with the plan that OPA makes of it, run on this machine: none may come out wrong, and
//! docs/rego.md says what became of them (`UPDATE_DOCS=1` rewrites it). Never passes over a kit that isn't there.

#[cfg(test)]
mod absent;
#[cfg(test)]
mod case;
#[cfg(test)]
mod document;
#[cfg(test)]
mod effects;
#[cfg(test)]
mod export;
#[cfg(test)]
mod parted;
#[cfg(test)]
mod pruned;
#[cfg(test)]
#[path = "../../../rego/tests/shared/tools.rs"]
mod tools;

use case::{Built, Case};
use document::Tally;

#[test]
fn no_case_of_opas_kit_comes_out_wrong() {
    let cases = export::cases();
    let mut wrong = Vec::new();
    let mut queries = Tally::default();
    for case in &cases {
        queries.run(&Case::new(case), &mut wrong);
    }
    let [plain, optimized] = [0, 1].map(|level| {
        let mut tally = Tally::default();
        for case in &cases {
            match Case::built(case, level) {
                Some(Built::Case(case)) => tally.run(&case, &mut wrong),
                Some(Built::Not(why)) => tally.not_built(why),
                None => tally.no_entrypoint(),
            }
        }
        tally
    });
    assert!(
        wrong.is_empty(),
        "{} of OPA's cases come out wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    document::check(&queries, &plain, &optimized);
}
