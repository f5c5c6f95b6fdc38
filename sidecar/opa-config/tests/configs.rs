//! Configurations as people write them, and wrong ones: what is taken, what is named at start, and what is said of the rest.

mod support;

use std::collections::BTreeSet;

use postern_opa_config::{Fate, KEYS};

#[test]
fn what_people_write_is_taken_and_what_has_no_effect_is_named() {
    for case in support::cases("accepted") {
        let plan = match case.run() {
            Ok(plan) => plan,
            Err(error) => panic!("{}: {error}", case.name),
        };
        let named: Vec<&str> = plan
            .not_honoured
            .iter()
            .map(|notice| notice.key.as_str())
            .collect();
        assert_eq!(named.join(", "), case.directive("notices"), "{}", case.name);
    }
}

#[test]
fn what_is_wrong_is_refused_with_its_place_and_what_to_do() {
    let cases = support::cases("refused");
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let said = match case.run() {
                Ok(_) => "taken".to_owned(),
                Err(error) => error.to_string(),
            };
            (said != case.directive("want")).then(|| format!("{}\n# want: {said}", case.name))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_refusal_in_the_table_has_a_case_that_meets_it() {
    let met: BTreeSet<String> = support::cases("refused")
        .iter()
        .map(|case| case.directive("want").to_owned())
        .collect();
    for key in KEYS {
        let Fate::Refused(fix) = key.fate else {
            continue;
        };
        let last = key.path.rsplit('.').next().unwrap_or_default();
        let is_met = met.iter().any(|said| said.contains(last) && said.ends_with(fix));
        assert!(
            is_met,
            "{} is refused in the table, and no case shows it",
            key.path
        );
    }
}
