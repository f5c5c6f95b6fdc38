//! What of a configuration may be another while checks are answered by it, and what has to wait for a restart. Pure.

use postern_opa_config::{DecisionPath, Plan};

use crate::opa::configured;

/// The first key that can't be changed as `next` does it, and what to do; `None` where all can.
pub(super) fn refused(current: &Plan, next: &Plan) -> Option<String> {
    let (now, then) = (&current.config, &next.config);
    let refuse = |key: &str, what: &str| {
        Some(format!(
            "{key}: {what} while this process runs; restart it with the new configuration, or take the change back"
        ))
    };
    if now.ext_authz != then.ext_authz {
        return refuse("plugins.envoy_ext_authz_grpc", "can't be changed");
    }
    if now.inter_query_cache_bytes != then.inter_query_cache_bytes {
        return refuse(
            "caching.inter_query_builtin_cache.max_size_bytes",
            "can't be changed",
        );
    }
    if now.persistence_directory != then.persistence_directory {
        return refuse("persistence_directory", "can't be changed");
    }
    if let Some(name) = now.bundles.keys().find(|name| !then.bundles.contains_key(*name)) {
        return refuse(&format!("bundles.{name}"), "a bundle can't be taken out");
    }
    if now.decision_logs.is_some() && then.decision_logs.is_none() {
        return refuse("decision_logs", "can't be taken out");
    }
    if now.status.is_some() && then.status.is_none() {
        return refuse("status", "can't be taken out");
    }
    let asked = entrypoints(&configured::decisions(current));
    let logs = then.decision_logs.as_ref()?;
    [
        ("decision_logs.mask_decision", &logs.mask_decision),
        ("decision_logs.drop_decision", &logs.drop_decision),
    ]
    .into_iter()
    .find(|(_, path)| !asked.contains(&path.entrypoint()))
    .and_then(|(key, _)| refuse(key, "can't be changed"))
}

fn entrypoints(paths: &[DecisionPath]) -> Vec<String> {
    paths.iter().map(DecisionPath::entrypoint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opa::machine::Machine;

    const BOOT: &str = "--set=services.s.url=http://s";
    const FIRST: &str = r#"{"plugins": {"envoy_ext_authz_grpc": {"path": "a/allow"}}, "bundles": {"b": {"service": "s"}},
        "decision_logs": {"console": true}, "status": {"console": true}}"#;

    fn plan(json: &str) -> Plan {
        let args = ["--server", BOOT, "--set=discovery.resource=d"].map(str::to_owned);
        let boot = Plan::read(&args, &Machine).unwrap();
        let read = boot.discovered(json, &Machine).unwrap();
        boot.with(read)
    }

    fn refused_after_first(json: &str) -> Option<String> {
        refused(&plan(FIRST), &plan(json))
    }

    #[test]
    fn bundles_logs_and_status_may_come_and_be_others() {
        let other = FIRST
            .replace(
                r#""b": {"service": "s"}"#,
                r#""b": {"service": "t", "persist": true}, "c": {"service": "s"}"#,
            )
            .replace(
                r#""bundles""#,
                r#""services": {"t": {"url": "http://t"}}, "labels": {"a": "b"}, "bundles""#,
            )
            .replace(r#""decision_logs": {"#, r#""decision_logs": {"service": "s", "#)
            .replace(
                r#""status": {"#,
                r#""nd_builtin_cache": true, "status": {"service": "t", "#,
            );
        assert_eq!(refused_after_first(&other), None);
        assert_eq!(refused_after_first(FIRST), None);
    }

    #[test]
    fn what_only_a_restart_changes_is_refused_by_its_key() {
        let cases = [
            (
                r#""path": "a/allow""#,
                r#""path": "b/allow""#,
                "plugins.envoy_ext_authz_grpc: ",
            ),
            (
                r#""b": {"service": "s"}"#,
                r#""c": {"service": "s"}"#,
                "bundles.b: ",
            ),
            (r#""decision_logs""#, r#""unknown""#, "decision_logs: "),
            (r#""status""#, r#""unknown""#, "status: "),
            (
                r#""decision_logs": {"#,
                r#""decision_logs": {"mask_decision": "other/mask", "#,
                "decision_logs.mask_decision: ",
            ),
            (
                r#""bundles""#,
                r#""persistence_directory": "/elsewhere", "bundles""#,
                "persistence_directory: ",
            ),
            (
                r#""bundles""#,
                r#""caching": {"inter_query_builtin_cache": {"max_size_bytes": 5}}, "bundles""#,
                "caching.inter_query_builtin_cache.max_size_bytes: ",
            ),
        ];
        for (old, new, key) in cases {
            let refused = refused_after_first(&FIRST.replace(old, new)).unwrap();
            assert!(refused.starts_with(key), "{refused}");
        }
    }
}
