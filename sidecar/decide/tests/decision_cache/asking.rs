use postern_decide::{
    DecisionCacheLimits, Need, Now, Outcome, PlantedMistakes, PolicyCache, Record, Routes, decide, resume,
};
use postern_policy::http::HttpResponse;

use crate::kit::{Asked, Two, entropy};
use crate::world::NOW;

/// A sidecar whose route lets the policy ask, or not.
fn two(rule: &str, http_send: bool) -> Two {
    let mut two = Two::of(rule, DecisionCacheLimits::default(), &PlantedMistakes::default());
    asks(&mut two, http_send);
    two
}

fn asks(two: &mut Two, http_send: bool) {
    let (_, route) = two.remembering.routes.iter().next().unwrap();
    let mut route = route.as_ref().clone();
    route.http_send = http_send;
    two.remembering.routes = std::sync::Arc::new(Routes::catch_all(route));
}

/// Decides on a GET, `seconds` from now, and answers what the policy asks with 200; whether it asked.
fn ask(two: &Two, id: usize, seconds: i64) -> (Record, bool) {
    let now = Now::at_second(NOW.plus_seconds(seconds));
    Asked::of([0; 11], id).with(|request| {
        let request = postern_decide::RequestView {
            may_wait: true,
            ..request.clone()
        };
        let (snapshot, caches) = (&two.remembering, &two.caches);
        match decide(snapshot, caches, &request, now, &entropy(id), &mut ()) {
            Outcome::Decided(decision) => (decision.record, false),
            Outcome::Needs(Need::HttpSend(send)) => {
                let answer = HttpResponse {
                    status: "200 OK".to_owned(),
                    status_code: 200,
                    headers: Vec::new(),
                    body: Vec::new(),
                };
                let resumption = send.answered(Ok(answer));
                match resume(snapshot, caches, &request, &resumption, &mut ()) {
                    Outcome::Decided(decision) => (decision.record, true),
                    Outcome::Needs(need) => panic!("{need:?}"),
                }
            }
            Outcome::Needs(need) => panic!("{need:?}"),
        }
    })
}

#[test]
fn what_was_asked_elsewhere_is_kept_for_as_long_as_the_answer_says() {
    let two = two("by_asking_stated", true);
    for (id, seconds, cache, asked) in [
        (1, 0, PolicyCache::Missed, true),
        (2, 5, PolicyCache::Hit, false),
        (3, 6, PolicyCache::Missed, true),
    ] {
        let (record, did_ask) = ask(&two, id, seconds);
        assert!(record.allowed, "{record:?}");
        assert_eq!((record.policy_cache, did_ask), (cache, asked), "{seconds}");
    }
}

#[test]
fn what_was_asked_elsewhere_is_asked_each_time_where_the_answer_says_nothing() {
    let two = two("by_asking", true);
    assert_eq!(two.policy().cache_use().as_str(), "where_stated");
    for id in 0..3 {
        let (record, asked) = ask(&two, id, 0);
        assert!(
            record.allowed && asked && record.policy_cache == PolicyCache::Missed,
            "{record:?}"
        );
    }
}

#[test]
fn a_route_that_may_not_ask_is_not_given_what_was_asked_for_another() {
    let mut two = two("by_asking_stated", true);
    assert!(ask(&two, 1, 0).0.allowed);
    asks(&mut two, false);
    let (record, _) = ask(&two, 2, 0);
    assert!(
        !record.allowed && record.policy_cache == PolicyCache::Missed,
        "{record:?}"
    );
}
