//! What an upstream is told: who called, by nobody but Postern, and no more than the proxy lets through.

#[cfg(test)]
mod world;

use postern_telemetry::Code;
use serde_json::json;
use world::{Says, World, allowed, header};

#[test]
fn a_policy_adds_to_what_the_upstream_is_told_and_changes_nothing_of_who_called_in_any_spelling() {
    let world = World::with_policy(Says::This(json!({
        "allowed": true,
        "headers": {
            "x-postern-subject": "root", "x_postern_subject": "root", "X-Postern-Decision_Id": "mine",
            "x-postern-auth": "mtls", "x-postern-role": "reader", "x-request-id": "mine",
        },
    })));
    let decision = world.ask(&world.token(&json!({})), &[]);
    let set = &allowed(&decision).upstream_set;
    assert_eq!(header(set, "x-postern-subject"), Some("alice"));
    assert_eq!(header(set, "x-postern-auth"), Some("jwt"));
    assert_eq!(header(set, "x-postern-role"), Some("reader"));
    assert!(
        set.iter()
            .all(|header| !matches!(header.value(), "root" | "mine" | "mtls")),
        "{set:?}"
    );
    assert!(set.iter().all(|header| !header.name().contains('_')), "{set:?}");
}

#[test]
fn a_name_that_is_set_is_never_removed_and_every_other_spelling_is() {
    let world = World::allowing();
    let forged = [
        ("X-Postern-Subject", "root"),
        ("x-postern-subject", "root"),
        ("x_postern_subject", "root"),
        ("x-postern-peer", "spiffe://a/b"),
        ("x.postern.role", "root"),
    ];
    let decision = world.ask(&world.token(&json!({})), &forged);
    let allow = allowed(&decision);
    assert_eq!(
        allow.upstream_remove,
        ["x-postern-peer", "x.postern.role", "x_postern_subject"]
    );
    assert_eq!(header(&allow.upstream_set, "x-postern-subject"), Some("alice"));
    assert_eq!(header(&allow.upstream_set, "x-postern-peer"), None);
}

#[test]
fn more_headers_than_the_proxy_takes_are_refused_before_it_does() {
    let world = World::allowing();
    let token = world.token(&json!({}));
    let names: Vec<String> = (0..100).map(|index| format!("x-filler-{index}")).collect();
    // Authorization is there, and eight are set: subject, client, scope, route, auth, decision-id, request id and trace.
    let code = |fillers: usize, more: &[(&str, &str)]| {
        let mut headers: Vec<(&str, &str)> = names
            .iter()
            .take(fillers)
            .map(|name| (name.as_str(), "1"))
            .collect();
        headers.extend_from_slice(more);
        world.ask(&token, &headers).record.code
    };
    assert_eq!(code(91, &[]), None);
    assert_eq!(code(92, &[]), Some(Code::HeadersTooMany));
    let already_there = [("x-request-id", "abc"), ("x-postern-subject", "forged")];
    assert_eq!(code(91, &already_there), None, "what is overwritten adds nothing");
    let repeated = [("x-a", "1"), ("x-a", "2")];
    assert_eq!(
        code(90, &repeated),
        Some(Code::HeadersTooMany),
        "repeats count one by one"
    );
}
