use std::collections::BTreeMap;

use postern_decide::{Decision, DecisionCacheLimits, Now, PlantedMistakes, PolicyCache};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::kit::{Asked, Two, VALUES};
use crate::world::NOW;

/// Each policy, and what is said of its memory.
pub(crate) const POLICIES: &[(&str, &str)] = &[
    ("at_even_seconds", "on"),
    ("at_even_seconds_of_acme", "on"),
    ("by_absent_header", "on"),
    ("by_all_claims", "on"),
    ("by_all_headers", "off"),
    ("by_anyone", "on"),
    ("by_auth", "on"),
    ("by_body", "on"),
    ("by_canonical_path", "on"),
    ("by_chance", "where_stated"),
    ("by_chance_of_acme", "where_stated"),
    ("by_claim", "on"),
    ("by_claim_text", "on"),
    ("by_client", "on"),
    ("by_extension", "on"),
    ("by_header", "on"),
    ("by_header_or_none", "on"),
    ("by_host", "on"),
    ("by_id", "off"),
    ("by_labels", "on"),
    ("by_method", "on"),
    ("by_nested_claim", "on"),
    ("by_path", "on"),
    ("by_principal", "on"),
    ("by_query", "on"),
    ("by_roles", "on"),
    ("by_scope", "on"),
    ("by_scope_count", "on"),
    ("by_sni", "on"),
    ("by_source", "on"),
    ("by_subject", "on"),
    ("by_token", "on"),
    ("by_token_of", "on"),
    ("by_token_then", "on"),
    ("by_two_headers", "on"),
    ("by_whole_body", "on"),
    ("conflict", "on"),
    ("ill_formed", "on"),
    ("mocked", "off"),
    ("never", "on"),
    ("nothing_read", "on"),
    ("owner", "on"),
    ("rbac", "on"),
    ("stated", "on"),
];

/// A request, and how long after the one before it.
pub(crate) type Step = (Asked, i64);

/// Of a few values of everything, of which most stay as they were.
pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let pauses = [
        0,
        0,
        0,
        1,
        999_999_999,
        500_000_000,
        1_000_000_000,
        3_000_000_000,
        -1_000_000_000,
        -1,
        400_000_000_000,
    ];
    let first = prop::array::uniform11(0..1000_usize);
    let step = (
        0..VALUES.len() + 4,
        0..1000_usize,
        prop::sample::select(pauses.to_vec()),
    );
    (first, prop::collection::vec(step, 4..40)).prop_map(|(first, steps)| {
        let mut values: [usize; 11] = std::array::from_fn(|at| first[at] % VALUES[at]);
        let mut asked = Vec::with_capacity(steps.len());
        for (id, (at, value, pause)) in steps.into_iter().enumerate() {
            // Beyond: nothing changes.
            if let Some(count) = VALUES.get(at) {
                values[at] = value % count;
            }
            asked.push((Asked::of(values, id), pause));
        }
        asked
    })
}

fn told(decision: &Decision) -> String {
    let record = &decision.record;
    format!(
        "{:?} {:?} {:?} {:?}",
        decision.answer, record.code, record.reason, record.stage
    )
}

/// Decides on all of them both ways; how often something was remembered, or the first step that came out otherwise.
fn compare(two: &Two, steps: &[Step]) -> Result<usize, String> {
    let mut at = Now::at_second(NOW);
    let mut hits = 0;
    for (asked, pause) in steps {
        at.unix_ns += pause;
        let [remembered, evaluated] = two.ask(asked, at);
        hits += usize::from(remembered.record.policy_cache == PolicyCache::Hit);
        if told(&remembered) != told(&evaluated) {
            return Err(format!(
                "{asked:?} at {at:?}\n  {}\n  {}",
                told(&remembered),
                told(&evaluated)
            ));
        }
        // What is remembered is a decision like any other.
        let ids = [&remembered, &evaluated].map(|decision| decision.record.decision_id);
        if ids[0] != ids[1] {
            return Err(format!("{asked:?}: another id"));
        }
    }
    Ok(hits)
}

#[test]
fn property_16_a_cached_decision_is_what_evaluation_gives() {
    let mut hits = BTreeMap::<&str, usize>::new();
    let mut runner = TestRunner::new(Config::with_cases(1500));
    let policy = prop::sample::select(POLICIES);
    let hits_so_far = std::cell::RefCell::new(&mut hits);
    runner
        .run(&(policy, steps()), |((rule, _), steps)| {
            let two = Two::of(rule, DecisionCacheLimits::default(), &PlantedMistakes::default());
            let found = compare(&two, &steps).map_err(|why| TestCaseError::fail(format!("{rule}: {why}")))?;
            *hits_so_far.borrow_mut().entry(rule).or_insert(0) += found;
            Ok(())
        })
        .unwrap();
    for (rule, usage) in POLICIES {
        let hits = hits.get(rule).copied().unwrap_or_default();
        // Of some, no answer can be given again.
        let none = *usage != "on" || ["at_even_seconds", "never"].contains(rule);
        assert_eq!(hits == 0, none, "{rule}: {hits}");
    }
}

/// The same of the drop-in for opa-envoy-plugin, which asks with other documents and reads answers otherwise.
#[test]
fn property_16_a_cached_verdict_is_what_evaluation_gives() {
    let hits = std::cell::Cell::new(0);
    TestRunner::new(Config::with_cases(700))
        .run(
            &(prop::sample::select(POLICIES), steps()),
            |((rule, _), steps)| {
                let two = Two::of(rule, DecisionCacheLimits::default(), &PlantedMistakes::default());
                let mut at = Now::at_second(NOW);
                for (asked, pause) in &steps {
                    at.unix_ns += pause;
                    let [mut remembered, evaluated] = two.ask_as_opa_envoy(asked, at);
                    hits.set(hits.get() + usize::from(remembered.policy_cache == PolicyCache::Hit));
                    remembered.policy_cache = evaluated.policy_cache;
                    prop_assert_eq!(remembered, evaluated, "{}: {:?} at {:?}", rule, asked, at);
                }
                Ok(())
            },
        )
        .unwrap();
    assert!(hits.get() > 1000, "{}", hits.get());
}

#[test]
fn whether_a_policys_answers_are_remembered_is_told() {
    for (rule, usage) in POLICIES {
        let two = Two::of(rule, DecisionCacheLimits::default(), &PlantedMistakes::default());
        let found = two.policy().cache_use();
        assert_eq!(found.as_str(), *usage, "{rule}: {found:?}");
        assert_eq!(found.why().is_none(), *usage == "on", "{rule}");
        assert_eq!(two.policy().cache().is_none(), *usage == "off", "{rule}");
    }
    let why = |rule| {
        let two = Two::of(rule, DecisionCacheLimits::default(), &PlantedMistakes::default());
        two.policy().cache_use().why().unwrap_or_default().to_owned()
    };
    assert!(why("by_chance").contains("randomness"), "{}", why("by_chance"));
    assert!(why("by_id").contains("x-request-id"), "{}", why("by_id"));
    assert!(
        why("by_all_headers").contains("headers"),
        "{}",
        why("by_all_headers")
    );
}

/// The twin: the comparison sees what an analysis that is wrong would do.
#[test]
fn a_mistake_in_the_analysis_is_seen() {
    let forgotten = |what| PlantedMistakes {
        forgotten: Some(what),
        ..PlantedMistakes::default()
    };
    let no_effects = PlantedMistakes {
        no_effects: true,
        ..PlantedMistakes::default()
    };
    let no_time = PlantedMistakes {
        no_time: true,
        ..PlantedMistakes::default()
    };
    for (rule, mistakes) in [
        ("by_method", forgotten("attributes.request.http.method")),
        ("by_path", forgotten("parsed_path")),
        ("by_query", forgotten("parsed_query")),
        ("by_body", forgotten("parsed_body")),
        ("by_header", forgotten("x-tenant")),
        ("by_absent_header", forgotten("x-blocked")),
        ("by_all_headers", forgotten("headers")),
        ("by_subject", forgotten("postern.subject")),
        ("owner", forgotten("postern.subject")),
        ("owner", forgotten("x-tenant")),
        ("rbac", forgotten("postern.claims")),
        ("by_roles", forgotten("roles")),
        ("by_claim", forgotten("tenant")),
        ("by_claim_text", forgotten("postern.claims")),
        ("by_scope", forgotten("postern.scopes")),
        ("by_source", forgotten("attributes.source.address")),
        ("by_extension", forgotten("attributes.contextExtensions")),
        ("by_chance", no_effects.clone()),
        ("by_chance_of_acme", no_effects),
        ("at_even_seconds", no_time.clone()),
        ("at_even_seconds_of_acme", no_time.clone()),
        ("by_token", no_time.clone()),
        ("by_token_of", no_time),
    ] {
        let mut config = Config::with_cases(4000);
        config.failure_persistence = None;
        config.max_shrink_iters = 0;
        let found = TestRunner::new(config).run(&steps(), |steps| {
            let two = Two::of(rule, DecisionCacheLimits::default(), &mistakes);
            compare(&two, &steps).map_err(TestCaseError::fail)?;
            Ok(())
        });
        assert!(found.is_err(), "{rule} with {mistakes:?} went unseen");
    }
}
