//! OPA's own cases, each with the plan that OPA makes of it, run on this machine: none may come out wrong, and
//! docs/rego.md says what became of them (`UPDATE_DOCS=1` rewrites it). Never passes over a kit that isn't there.

#[cfg(test)]
mod case;
#[cfg(test)]
mod document;
#[cfg(test)]
mod export;
#[cfg(test)]
mod parted;
#[cfg(test)]
mod pruned;

use case::{Case, Outcome};

#[test]
fn no_case_of_opas_kit_comes_out_wrong() {
    let mut tally = document::Tally::default();
    let mut wrong = Vec::new();
    for case in export::cases() {
        let case = Case::new(&case);
        let outcome = case.run();
        if let Outcome::Wrong(what) = &outcome {
            wrong.push(format!(
                "{} ({}, {})\n    {what}",
                case.note,
                case.file,
                case.builtins.join(" ")
            ));
        }
        tally.count(&case, &outcome);
    }
    assert!(
        wrong.is_empty(),
        "{} of OPA's cases come out wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    document::check(&tally);
}
