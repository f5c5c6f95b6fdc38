//! A route that asks policy without acting on it: the answer is as if policy were off, and what it would have done is told.

#[cfg(test)]
mod world;

use postern_decide::routes::PolicyMode;
use postern_decide::{Answer, Decision};
use postern_telemetry::Code;
use serde_json::json;
use world::{Says, World, denied};

/// The answer to the same request with policy off.
#[cfg(test)]
fn off(token: &str, world: &World) -> Decision {
    let mut route = postern_decide::Route::named("default");
    route.policy = PolicyMode::Off;
    let mut snapshot = world.snapshot.clone();
    snapshot.routes = std::sync::Arc::new(postern_decide::Routes::catch_all(route));
    let authorization = format!("Bearer {token}");
    *postern_decide::settle(
        &snapshot,
        &world.caches,
        &world::request(&[("authorization", &authorization)]),
        postern_decide::Now::at_second(world::NOW),
        &world::entropy(),
        &mut (),
    )
}

#[cfg(test)]
fn in_shadow(policy: Says) -> World {
    World::with_policy(policy).where_route(|route| route.policy = PolicyMode::Shadow)
}

#[test]
fn what_a_policy_would_do_is_told_and_the_answer_is_as_if_there_were_none() {
    for (policy, code, reason) in [
        (Says::This(json!(true)), None, None),
        (
            Says::This(json!({ "allowed": true, "headers": { "x-of-policy": "1" } })),
            None,
            None,
        ),
        (
            Says::This(json!(false)),
            Some(Code::AccessDenied),
            Some("the policy refused"),
        ),
        (
            Says::This(
                json!({ "allowed": false, "http_status": 302, "postern": { "code": "insufficient_scope", "reason": "no" } }),
            ),
            Some(Code::InsufficientScope),
            Some("no"),
        ),
        (Says::Undefined, Some(Code::AccessDenied), Some("undefined")),
        (Says::Failure, Some(Code::PolicyError), Some("rules conflict")),
        (
            Says::This(json!({ "allowed": "yes" })),
            Some(Code::PolicyError),
            Some("`allowed`"),
        ),
        (
            Says::This(json!({ "allowed": true, "headers": { ":path": "/" } })),
            Some(Code::PolicyError),
            Some("`headers`"),
        ),
    ] {
        let world = in_shadow(policy);
        let token = world.token(&json!({}));
        let decision = world.ask(&token, &[]);
        let shadow = decision.record.shadow.as_deref().unwrap();
        assert_eq!(shadow.code, code, "{shadow:?}");
        match (&shadow.reason, reason) {
            (None, None) => {}
            (Some(said), Some(word)) => assert!(said.contains(word), "{said}"),
            other => panic!("{other:?}"),
        }
        let without = off(&token, &world);
        assert_eq!(format!("{:?}", decision.answer), format!("{:?}", without.answer));
        assert!(matches!(decision.answer, Answer::Allow(_)) && decision.record.allowed);
        assert_eq!((decision.record.code, without.record.shadow), (None, None));
        assert_eq!(decision.record.policy_revision.as_deref(), Some("r1"));
    }
}

#[test]
fn a_policy_that_is_not_there_would_deny_and_holds_nobody_up() {
    let mut world = in_shadow(Says::Undefined);
    world.snapshot.policy = None;
    let decision = world.ask(&world.token(&json!({})), &[]);
    assert!(decision.record.allowed);
    assert_eq!(
        decision.record.shadow.unwrap().code,
        Some(Code::PolicyUnavailable)
    );
}

#[test]
fn all_other_rules_hold_in_shadow() {
    let world = in_shadow(Says::This(json!(true)));
    let decision = world.ask("nonsense", &[]);
    assert_eq!(denied(&decision).status, 401);
    assert_eq!(decision.record.shadow, None);
    let world = world.where_route(|route| {
        route.policy = PolicyMode::Shadow;
        route.required_scopes = std::sync::Arc::from([Box::from("orders:admin")]);
    });
    let decision = world.ask(&world.token(&json!({})), &[]);
    assert_eq!(decision.record.code, Some(Code::InsufficientScope));
}
