use postern_decide::{DecisionCacheLimits, Now, PlantedMistakes, PolicyCache};

use crate::kit::{Asked, Two};
use crate::world::{NOW, allowed, header};

fn two(rule: &str) -> Two {
    Two::of(rule, DecisionCacheLimits::default(), &PlantedMistakes::default())
}

fn after(ns: i64) -> Now {
    let mut now = Now::at_second(NOW);
    now.unix_ns += ns;
    now
}

/// When the same is asked again after so long, in milliseconds.
fn again(rule: &str, milliseconds: i64) -> PolicyCache {
    let two = two(rule);
    let first = two.remembered(&Asked::of([0; 11], 1), after(0));
    assert_eq!(first.record.policy_cache, PolicyCache::Missed, "{rule}");
    let second = two.remembered(&Asked::of([0; 11], 2), after(milliseconds * 1_000_000));
    second.record.policy_cache
}

#[test]
fn an_answer_that_says_for_how_long_is_kept_as_long() {
    assert_eq!(again("stated", 5_000), PolicyCache::Hit);
    assert_eq!(again("stated", 5_001), PolicyCache::Missed);
    assert_eq!(again("never", 0), PolicyCache::Missed);
    // A clock that was set back.
    assert_eq!(again("stated", -1), PolicyCache::Missed);
}

#[test]
fn an_answer_that_does_not_say_is_kept_as_long_as_is_configured() {
    assert_eq!(again("by_method", 300_000), PolicyCache::Hit);
    assert_eq!(again("by_method", 300_001), PolicyCache::Missed);
}

#[test]
fn what_hangs_on_the_time_is_kept_where_it_says_so() {
    let two = two("stated_second");
    let at = |id, milliseconds: i64| {
        let decision = two.remembered(&Asked::of([0; 11], id), after(milliseconds * 1_000_000));
        header(&allowed(&decision).upstream_set, "x-at").map(str::to_owned)
    };
    let first = at(1, 0);
    assert_eq!(at(2, 4_999), first);
    assert_ne!(at(3, 5_001), first);
}

/// Token 1 is good until three seconds from now.
#[test]
fn a_token_that_the_policy_verified_is_good_until_it_expires() {
    let two = two("by_token");
    let values = [24, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0];
    let ask = |id, milliseconds: i64| {
        let record = two
            .remembered(&Asked::of(values, id), after(milliseconds * 1_000_000))
            .record;
        (record.allowed, record.policy_cache)
    };
    assert_eq!(ask(1, 0), (true, PolicyCache::Missed));
    assert_eq!(ask(2, 2_999), (true, PolicyCache::Hit));
    assert_eq!(ask(3, 3_000), (false, PolicyCache::Missed));
    assert_eq!(ask(4, 3_001), (false, PolicyCache::Missed));
    assert_eq!(ask(5, 300_000), (false, PolicyCache::Hit));
}

#[test]
fn errors_and_ill_formed_answers_are_not_kept() {
    for (rule, caller) in [("conflict", 0), ("ill_formed", 0)] {
        let two = two(rule);
        for id in 0..3 {
            let values = [caller, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            let record = two.remembered(&Asked::of(values, id), after(0)).record;
            assert!(
                !record.allowed && record.policy_cache == PolicyCache::Missed,
                "{rule}: {record:?}"
            );
        }
        assert_eq!(
            two.policy().cache().map(postern_decide::DecisionCache::entries),
            Some(0),
            "{rule}"
        );
    }
}
