use std::sync::Arc;

use postern_decide::{DecisionCache, DecisionCacheLimits, Now, PlantedMistakes, PolicyCache};

use crate::kit::{Asked, Two, active};
use crate::world::NOW;

fn limited(limits: DecisionCacheLimits) -> Two {
    Two::of("by_all_claims", limits, &PlantedMistakes::default())
}

fn ask_all(two: &Two) {
    for caller in 0..24 {
        let mut values = [0; 11];
        values[0] = caller;
        two.remembered(&Asked::of(values, caller), Now::at_second(NOW));
    }
}

#[test]
fn entries_and_bytes_stay_within_their_bounds() {
    let bytes = 1 << 20;
    for entries in [10, 15, 20, 1000] {
        let two = limited(DecisionCacheLimits {
            entries,
            bytes,
            ttl_seconds: 300,
        });
        ask_all(&two);
        let cache = two.policy().cache().unwrap();
        assert!(
            (5..=entries).contains(&cache.entries()),
            "{entries}: {}",
            cache.entries()
        );
        assert!(cache.bytes() <= bytes + entries as u64, "{}", cache.bytes());
    }
    // A hundred would be allowed, of which each takes half a KiB.
    let bytes = 6 << 10;
    let two = limited(DecisionCacheLimits {
        entries: 100,
        bytes,
        ttl_seconds: 300,
    });
    ask_all(&two);
    let cache = two.policy().cache().unwrap();
    assert!((2..=15).contains(&cache.entries()), "{}", cache.entries());
    assert!(cache.bytes() <= bytes, "{}", cache.bytes());
}

#[test]
fn none_are_remembered_where_none_may_be() {
    let two = limited(DecisionCacheLimits {
        entries: 0,
        ..DecisionCacheLimits::default()
    });
    assert!(two.policy().cache().is_none());
    assert_eq!(two.policy().cache_use().why(), Some("policy.cache.entries is 0"));
    let record = two.remembered(&Asked::of([0; 11], 0), Now::at_second(NOW)).record;
    assert_eq!(record.policy_cache, PolicyCache::Unused);
}

/// P17: revisions are others' words, and may be the same twice.
#[test]
fn property_17_another_policy_remembers_nothing_of_the_one_before() {
    let mut two = Two::of(
        "by_method",
        DecisionCacheLimits::default(),
        &PlantedMistakes::default(),
    );
    let asked = |id| Asked::of([0; 11], id);
    let now = Now::at_second(NOW);
    assert!(two.remembered(&asked(0), now).record.allowed);
    assert_eq!(
        two.remembered(&asked(1), now).record.policy_cache,
        PolicyCache::Hit
    );
    let next = active("by_extension").with_cache(DecisionCacheLimits::default(), [7; 16]);
    assert_eq!(next.revision(), two.policy().revision());
    two.remembering = two.remembering.with_policy(Arc::new(next));
    let record = two.remembered(&asked(2), now).record;
    assert!(!record.allowed && record.policy_cache == PolicyCache::Missed);
    assert_eq!(two.policy().cache().map(DecisionCache::entries), Some(1));
}

#[test]
fn callers_share_answers_only_of_policies_that_cannot_tell_them_apart() {
    let now = Now::at_second(NOW);
    let second = |rule: &str, callers: [usize; 2]| {
        let two = Two::of(rule, DecisionCacheLimits::default(), &PlantedMistakes::default());
        let [first, second] = callers.map(|caller| {
            let mut values = [0; 11];
            values[0] = caller;
            two.remembered(&Asked::of(values, caller), now)
                .record
                .policy_cache
        });
        assert_eq!(first, PolicyCache::Missed);
        second
    };
    // Alice and Bob, of the same tenant.
    assert_eq!(second("by_method", [0, 6]), PolicyCache::Hit);
    assert_eq!(second("by_claim", [0, 6]), PolicyCache::Hit);
    assert_eq!(second("by_subject", [0, 6]), PolicyCache::Missed);
    assert_eq!(second("rbac", [0, 6]), PolicyCache::Missed);
    // A token's issuer counts whatever the policy reads: nobody isn't somebody.
    assert_eq!(second("by_method", [0, 24]), PolicyCache::Missed);
}
