//! A candidate beside the policy in force: equal to it, it never differs, whatever is remembered; another one differs exactly
//! where deciding with it would have come out otherwise.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use postern_decide::candidate::{Asked as Put, Comparison, Kind, NotComparable, compare};
use postern_decide::{Answer, Decision, DecisionCacheLimits, Now, PlantedMistakes};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::kit::{Asked, Two, active, entropy};
use crate::property::{POLICIES, steps};
use crate::world::NOW;

/// Nothing here takes any time.
fn stopped() -> Duration {
    Duration::ZERO
}

fn two(rule: &str) -> Two {
    Two::of(rule, DecisionCacheLimits::default(), &PlantedMistakes::default())
}

/// What came of comparing with the decision that was made, which may have been remembered.
fn compared(
    two: &Two,
    candidate: &str,
    asked: &Asked,
    at: Now,
) -> (Decision, Option<Result<Comparison, NotComparable>>) {
    let decision = two.remembered(asked, at);
    let put = Put::of(&decision.record, at, &entropy(asked.id), None);
    let comparison = put.map(|put| {
        asked.with(|request| compare(&two.remembering, &active(candidate), request, &put, stopped))
    });
    (decision, comparison)
}

#[test]
fn a_candidate_that_is_the_policy_in_force_never_differs() {
    let count = RefCell::new(0);
    TestRunner::new(Config::with_cases(400))
        .run(
            &(prop::sample::select(POLICIES), steps()),
            |((rule, _), steps)| {
                let two = two(rule);
                let mut at = Now::at_second(NOW);
                for (asked, pause) in &steps {
                    at.unix_ns += pause;
                    let (_, comparison) = compared(&two, rule, asked, at);
                    if let Some(comparison) = comparison {
                        let comparison = comparison.unwrap();
                        prop_assert_eq!(comparison.kind, None, "{}: {:?}", rule, comparison);
                        prop_assert_eq!(comparison.active, comparison.candidate);
                        *count.borrow_mut() += 1;
                    }
                }
                Ok(())
            },
        )
        .unwrap();
    assert!(*count.borrow() > 2000, "{count:?}");
}

/// What a proxy would be told, whatever the order of headers.
fn told(decision: &Decision) -> String {
    let sorted = |headers: &[postern_decide::Header]| {
        let mut headers: Vec<String> = headers.iter().map(|header| format!("{header:?}")).collect();
        headers.sort();
        headers
    };
    let code = decision.record.code;
    match &decision.answer {
        Answer::Allow(allow) => format!(
            "{:?} {:?} {:?} {:?} {:?} {:?}",
            sorted(&allow.upstream_set),
            allow.upstream_remove,
            sorted(&allow.response_set),
            allow.query_set,
            allow.query_remove,
            allow.metadata
        ),
        Answer::Deny(deny) => format!(
            "{} {code:?} {:?} {} {:?}",
            deny.status,
            sorted(&deny.headers),
            deny.body,
            deny.metadata
        ),
        Answer::Failed(failed) => format!("{:?}", failed.code),
    }
}

#[test]
fn another_candidate_differs_exactly_where_deciding_with_it_would() {
    let kinds = RefCell::new(BTreeMap::<Option<&str>, usize>::new());
    TestRunner::new(Config::with_cases(1500))
        .run(
            &(
                prop::sample::select(POLICIES),
                prop::sample::select(POLICIES),
                steps(),
            ),
            |((rule, _), (other, _), steps)| {
                let (one, alone) = (two(rule), two(other));
                let at = Now::at_second(NOW);
                for (asked, _) in steps.iter().take(6) {
                    let (_, comparison) = compared(&one, other, asked, at);
                    let Some(comparison) = comparison else { continue };
                    let comparison = comparison.unwrap();
                    let [_, active] = one.ask(asked, at);
                    let [_, candidate] = alone.ask(asked, at);
                    prop_assert_eq!(
                        comparison.kind.is_some(),
                        told(&active) != told(&candidate),
                        "{} and {}: {:?}",
                        rule,
                        other,
                        comparison
                    );
                    for (said, decision) in
                        [(&comparison.active, &active), (&comparison.candidate, &candidate)]
                    {
                        prop_assert_eq!(said.allowed, decision.record.allowed);
                        prop_assert_eq!(said.code, decision.record.code);
                    }
                    let expected = match (&active.record, &candidate.record) {
                        _ if comparison.kind.is_none() => None,
                        (active, candidate) if active.allowed && candidate.allowed => Some(Kind::Other),
                        (_, candidate) if candidate.allowed => Some(Kind::WouldAllow),
                        (_, candidate) if candidate.code != Some(postern_telemetry::Code::AccessDenied) => {
                            Some(Kind::Error)
                        }
                        (active, _) if active.allowed => Some(Kind::WouldDeny),
                        _ => Some(Kind::Other),
                    };
                    prop_assert_eq!(comparison.kind, expected);
                    prop_assert_eq!(comparison.differs.is_empty(), comparison.kind.is_none());
                    *kinds
                        .borrow_mut()
                        .entry(comparison.kind.map(Kind::as_str))
                        .or_default() += 1;
                }
                Ok(())
            },
        )
        .unwrap();
    let kinds = kinds.into_inner();
    for kind in [
        None,
        Some("would_allow"),
        Some("would_deny"),
        Some("other"),
        Some("error"),
    ] {
        assert!(kinds.get(&kind).is_some_and(|seen| *seen > 20), "{kinds:?}");
    }
}

#[test]
fn a_request_that_the_decision_did_not_make_is_not_made_for_a_candidate() {
    let mut two = two("by_method");
    let asked = Asked::of([0; 11], 1);
    let at = Now::at_second(NOW);
    // Where no policy may have requests made, a candidate that comes to one fails as it would.
    let (_, comparison) = compared(&two, "by_asking", &asked, at);
    let comparison = comparison.unwrap().unwrap();
    assert_eq!(comparison.kind, Some(Kind::Error), "{comparison:?}");
    let mut route = postern_decide::Route::named("asking");
    route.accept = postern_decide::Accept::Anonymous;
    route.http_send = true;
    two.remembering.routes = std::sync::Arc::new(postern_decide::Routes::catch_all(route));
    let (_, comparison) = compared(&two, "by_asking", &asked, at);
    assert_eq!(comparison.unwrap().unwrap_err(), NotComparable::Request);
}

#[test]
fn what_was_settled_before_policy_is_not_put_to_a_candidate() {
    let mut two = two("by_method");
    let route = postern_decide::Route::named("tokens");
    two.remembering.routes = std::sync::Arc::new(postern_decide::Routes::catch_all(route));
    // Without a token.
    let asked = Asked::of([24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 1);
    let (decision, comparison) = compared(&two, "nothing_read", &asked, Now::at_second(NOW));
    assert!(!decision.record.allowed && comparison.is_none());
}
