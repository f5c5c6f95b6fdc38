//! A route that leaves a failing policy to the proxy: nothing is decided there, and everything else is refused as ever.

#[cfg(test)]
mod world;

use postern_decide::Answer;
use postern_decide::routes::{OnPolicyError, PolicyMode};
use postern_telemetry::Code;
use serde_json::json;
use world::{Says, World, denied};

#[cfg(test)]
fn leaving(policy: Says) -> World {
    World::with_policy(policy).where_route(|route| route.on_policy_error = OnPolicyError::Error)
}

#[test]
fn a_policy_that_fails_is_left_to_the_proxy_where_the_route_says_so() {
    for (policy, word) in [
        (Says::Failure, "rules conflict"),
        (Says::This(json!({ "allowed": "yes" })), "`allowed`"),
        (
            Says::This(json!({ "allowed": true, "headers": { ":path": "/" } })),
            "`headers`",
        ),
    ] {
        let world = leaving(policy);
        let decision = world.ask(&world.token(&json!({})), &[]);
        let Answer::Failed(failed) = &decision.answer else {
            panic!("{decision:?}")
        };
        assert_eq!((failed.code, failed.deny.status), (Code::PolicyError, 500));
        assert!(failed.message.contains(word), "{}", failed.message);
        assert!(!failed.deny.body.contains(word), "only operators are told");
        assert_eq!(decision.record.outcome(), "error");
        assert!(!decision.record.allowed && decision.record.left_to_proxy);
    }
}

#[test]
fn a_policy_that_is_not_there_is_left_to_the_proxy_too() {
    let mut world = leaving(Says::Undefined);
    world.snapshot.policy = None;
    let decision = world.ask(&world.token(&json!({})), &[]);
    let Answer::Failed(failed) = &decision.answer else {
        panic!("{decision:?}")
    };
    assert_eq!((failed.code, failed.deny.status), (Code::PolicyUnavailable, 503));
}

#[test]
fn what_is_no_failure_of_the_policy_is_refused_whatever_the_route_says() {
    let undefined = leaving(Says::Undefined);
    let decision = undefined.ask(&undefined.token(&json!({})), &[]);
    assert_eq!(denied(&decision).status, 403);
    let world = leaving(Says::Failure);
    let decision = world.ask("nonsense", &[]);
    assert_eq!(
        (denied(&decision).status, decision.record.outcome()),
        (401, "denied")
    );
}

#[test]
fn without_the_key_a_failing_policy_denies() {
    let world = World::with_policy(Says::Failure);
    let decision = world.ask(&world.token(&json!({})), &[]);
    assert_eq!(denied(&decision).status, 500);
    assert_eq!(
        (decision.record.outcome(), decision.record.left_to_proxy),
        ("denied", false)
    );
}

#[test]
fn shadow_tells_that_it_would_have_been_left_to_the_proxy() {
    let world = leaving(Says::Failure).where_route(|route| {
        route.policy = PolicyMode::Shadow;
        route.on_policy_error = OnPolicyError::Error;
    });
    let decision = world.ask(&world.token(&json!({})), &[]);
    assert!(decision.record.allowed && !decision.record.left_to_proxy);
    assert!(decision.record.shadow.unwrap().left_to_proxy);
}
