//! What a configuration that was discovered becomes beside the one that was there.

use super::support::{Machine, read};

#[test]
fn what_discovery_may_not_change_is_refused_in_opas_words() {
    let boot = "services: {a: {url: 'https://a'}, b: {url: 'https://b'}}\nkeys: {k: {key: one}}\n\
                discovery: {resource: d, service: a}";
    let plan = read(boot).expect("a plan");
    let refused = |json: &str| {
        let error = plan.discovered(json, &Machine::default());
        error.expect_err(json).to_string()
    };
    for services in [
        r#"{"a": {"url": "https://elsewhere"}}"#,
        r#"[{"name": "a", "url": "https://elsewhere"}]"#,
    ] {
        let error = refused(&format!(r#"{{"services": {services}}}"#));
        assert!(
            error.starts_with("discovery:1: services.a: updates to the discovery service are not allowed; "),
            "{error}"
        );
    }
    let error = refused(r#"{"keys": {"k": {"key": "another"}}}"#);
    assert!(
        error.contains("keys.k: updates to keys specified in the boot configuration are not allowed"),
        "{error}"
    );
    // The same is no update, and another service may be told of again: what is configured here goes over it.
    let json = r#"{"services": {"a": {"url": "https://a"}, "b": {"url": "https://c"}}, "keys": {"k": {"key": "one"}, "l": {"key": "two"}},
                   "discovery": {"resource": "elsewhere"}, "bundles": {"m": {"service": "b"}}}"#;
    let found = plan
        .discovered(json, &Machine::default())
        .expect("a configuration");
    assert_eq!(found.config.services["b"].url, "https://b");
    assert_eq!(found.config.keys.len(), 2);
    assert_eq!(found.config.discovery, plan.config.discovery);
    assert_eq!(found.overridden, ["services.b.url"]);
    let next = plan.with(found);
    assert!(!next.has_same_service(&plan, "a"), "its keys are others");
    assert!(next.config.bundles.contains_key("m"));
}

#[test]
fn keys_that_are_gone_over_are_named() {
    let boot = "services: {a: {url: 'https://a'}}\ndiscovery: {resource: d}\nlabels: {x: here, z: here}\n\
                default_decision: /a/b\nstatus: {console: true}";
    let plan = read(boot).expect("a plan");
    let json = r#"{"labels": {"x": "there", "y": "there", "z": "here"}, "status": null, "decision_logs": {"console": true}}"#;
    let found = plan
        .discovered(json, &Machine::default())
        .expect("a configuration");
    assert_eq!(found.overridden, ["default_decision", "labels.x", "status"]);
    assert!(found.config.status.is_some() && found.config.decision_logs.is_some());
    assert!(found.config.labels["y"] == "there" && found.config.labels["x"] == "here");
}
