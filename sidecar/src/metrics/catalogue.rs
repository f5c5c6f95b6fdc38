//! Every metric of this process, once: name, kind, labels, help. What is exported and what docs/metrics.md says both come
//! from here. Nothing is counted here.

use std::fmt::{self, Write};

use metrics::{describe_counter, describe_gauge};

/// A metric.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    #[cfg_attr(not(test), expect(dead_code, reason = "for the documentation"))]
    pub(crate) labels: &'static [&'static str],
    pub(crate) help: &'static str,
}

/// What Prometheus calls its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// `NAME = kind "name" [labels] "help";` for each: a constant with the name, and a line of [`ALL`].
macro_rules! catalogue {
    ($($constant:ident = $kind:ident $name:literal [$($label:literal),*] $help:literal;)+) => {
        $(#[doc = $help] pub(crate) const $constant: &str = $name;)+

        /// Every metric, in the order of the documentation.
        pub(crate) const ALL: &[Metric] = &[$(Metric {
            name: $name,
            kind: Kind::$kind,
            labels: &[$($label),*],
            help: $help,
        }),+];
    };
}

catalogue! {
    CHECKS = Counter "postern_checks_total" ["route", "outcome", "code"]
        "Checks decided. `outcome` is `allowed` (code `ok`), `denied`, or `error` where a policy failed and that was left to the proxy (`on_policy_error`); `code` is one of errors.md; `route` is empty where none matched.";
    CHECK_SECONDS = Histogram "postern_check_duration_seconds" []
        "Time from a check's decoded request to its decision, with what it waited for.";
    STAGE_SECONDS = Histogram "postern_check_stage_duration_seconds" ["stage"]
        "Time that each stage of a check took, of one check in sixteen.";
    VALIDATIONS = Counter "postern_token_validations_total" ["outcome", "code"]
        "Tokens that applications asked about over AuthEdgeService.";
    TOKENS = Gauge "postern_token_cache_entries" []
        "Verified tokens remembered.";
    TOKEN_BYTES = Gauge "postern_token_cache_bytes" []
        "About how much memory remembered tokens take.";
    TOKEN_HITS = Counter "postern_token_cache_hits_total" []
        "Tokens that were remembered when they came again.";
    TOKEN_MISSES = Counter "postern_token_cache_misses_total" []
        "Tokens that were verified because they were not remembered.";
    TOKEN_EVICTIONS = Counter "postern_token_cache_evictions_total" []
        "Verified tokens forgotten to make room for others.";
    POLICY_TOKENS = Gauge "postern_policy_token_cache_entries" []
        "Tokens whose `io.jwt.decode` or `io.jwt.decode_verify` is remembered.";
    POLICY_TOKEN_BYTES = Gauge "postern_policy_token_cache_bytes" []
        "About how much memory these take.";
    POLICY_TOKEN_HITS = Counter "postern_policy_token_cache_hits_total" []
        "Calls of `io.jwt.decode` and `io.jwt.decode_verify` that were answered from memory.";
    POLICY_TOKEN_MISSES = Counter "postern_policy_token_cache_misses_total" []
        "Calls of the same that were not.";
    DECISIONS = Gauge "postern_decision_cache_entries" []
        "Answers of the policy in force that are remembered.";
    DECISION_BYTES = Gauge "postern_decision_cache_bytes" []
        "How much of `policy.cache.mib` they take.";
    DECISION_HITS = Counter "postern_decision_cache_hits_total" []
        "Checks in which the policy's answer was remembered.";
    DECISION_MISSES = Counter "postern_decision_cache_misses_total" []
        "Checks in which the policy was evaluated because its answer was not remembered; those of a policy whose answers never are don't count.";
    SHADOW = Counter "postern_shadow_decisions_total" ["route", "outcome", "code"]
        "What the policy would have done on routes that ask it without acting on it, `policy: shadow`. `outcome` is `allowed` (code `ok`), `denied`, or `error` where its failing would be left to the proxy.";
    DPOP_PROOFS = Gauge "postern_dpop_proofs" []
        "DPoP proofs remembered, so that none counts twice.";
    JWKS_FETCHES = Counter "postern_jwks_fetches_total" ["issuer", "outcome"]
        "Fetches of an issuer's keys. `outcome` is `changed`, `unchanged` or `failed`.";
    KEYS = Gauge "postern_keys" ["issuer"]
        "Keys in force.";
    KEYS_AGE = Gauge "postern_keys_age_seconds" ["issuer"]
        "Time since an issuer's keys were last confirmed.";
    BUNDLE_PULLS = Counter "postern_bundle_pulls_total" ["bundle", "outcome"]
        "Pulls of the policy bundle. `outcome` is `activated`, `unchanged`, `refused` or `failed`.";
    BUNDLE_AGE = Gauge "postern_bundle_age_seconds" ["bundle"]
        "Time since the policy in force was activated.";
    BUNDLE_REFUSED = Gauge "postern_bundle_refused" ["bundle"]
        "1 while the newest bundle is one that was refused.";
    BUNDLE_SEQUENCE = Gauge "postern_bundle_sequence" ["bundle"]
        "Sequence of the bundle in force, by which its signer orders bundles; 0 where it has none.";
    CANDIDATE_COMPARED = Counter "postern_candidate_compared_total" ["outcome"]
        "Decisions that were compared with what the candidate policy would have made of them. `outcome` is `same`, `would_allow`, `would_deny`, `other` (both let it through, or refuse, otherwise), `error` (the candidate fails) or `unanswered` (it asks for a request, which isn't made).";
    CANDIDATE_DROPPED = Counter "postern_candidate_dropped_total" []
        "Decisions that were to be compared and weren't, since too many waited.";
    INTROSPECTIONS = Counter "postern_introspections_total" ["issuer", "outcome"]
        "Tokens that their issuer was to be asked about. `outcome` is `active` or `inactive` where it answered, `cached` where it had before, `stale` where what it had said had to do, `failed` where nothing was known.";
    BREAKER_STATE = Gauge "postern_breaker_state" ["downstream", "state"]
        "1 for the state that the circuit breaker of a downstream is in (`closed`, `open`, `half_open`), 0 for the others.";
    BREAKER_TRANSITIONS = Counter "postern_breaker_transitions_total" ["downstream", "to"]
        "Transitions of the circuit breaker of a downstream, by the state it came to.";
    OUTGOING_REFUSED = Counter "postern_outgoing_refused_total" ["downstream", "reason"]
        "Calls to a downstream that were not made. `reason` is `open` (the breaker), `full` (as many waited as may) or `deadline` (none ended in time).";
    CONTROL_PLANE = Gauge "postern_control_plane_connected" []
        "1 while the stream from the control plane is connected.";
    SYNC_MESSAGES = Counter "postern_sync_messages_total" ["kind"]
        "What the control plane told of its lists. `kind` is `snapshot` (a part of one), `delta` or `heartbeat`.";
    REVOCATIONS = Gauge "postern_revocations" []
        "Revocations known.";
    REVOCATIONS_AGE = Gauge "postern_revocations_age_seconds" []
        "Time since the control plane last said that what is known here of revocations and API keys is all there is.";
    API_KEYS = Gauge "postern_api_keys" []
        "API keys known.";
    CONFIG_RELOADS = Counter "postern_config_reloads_total" ["outcome"]
        "Times that the configuration file was read again. `outcome` is `applied` or `refused`.";
    CONFIG_REFUSED = Gauge "postern_config_refused" []
        "1 while the file's configuration is one that was refused, and another one is in force.";
    READY = Gauge "postern_ready" []
        "1 while this sidecar is ready.";
}

/// Tells the recorder what each metric means.
pub(super) fn describe() {
    for metric in ALL {
        match metric.kind {
            Kind::Counter => describe_counter!(metric.name, metric.help),
            Kind::Gauge => describe_gauge!(metric.name, metric.help),
            // Not the recorder's: see `write_head`.
            Kind::Histogram => {}
        }
    }
}

/// What stands before the samples of a histogram in Prometheus' text format.
///
/// # Errors
/// Those of `out`.
pub(super) fn write_head(out: &mut impl Write, name: &str) -> fmt::Result {
    if let Some(metric) = ALL.iter().find(|metric| metric.name == name) {
        writeln!(out, "# HELP {name} {}", metric.help)?;
    }
    writeln!(out, "# TYPE {name} histogram")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;
    use std::path::Path;

    use super::*;

    const HEAD: &str = "\
<!-- Generated from sidecar/src/metrics/catalogue.rs. To change it, change that and run
     UPDATE_DOCS=1 cargo test -p postern-sidecar --lib -->
# Metrics of the sidecar

In Prometheus' text format under `/metrics` of the admin listener. Times are seconds, sizes are bytes, and names never change
their meaning. Histograms come as `_bucket`, `_sum` and `_count`. Questions and the queries that answer them:

| question | query |
|---|---|
| what share of requests is denied, by route? | `sum by (route) (rate(postern_checks_total{outcome=\"denied\"}[5m])) / sum by (route) (rate(postern_checks_total[5m]))` |
| why? | `topk(5, sum by (route, code) (rate(postern_checks_total{outcome=\"denied\"}[5m])))` |
| which stage takes how long? | `sum by (stage) (rate(postern_check_stage_duration_seconds_sum[5m])) / sum by (stage) (rate(postern_check_stage_duration_seconds_count[5m]))` |
| how long does a decision take? | `histogram_quantile(0.99, sum by (le) (rate(postern_check_duration_seconds_bucket[5m])))` |
| how often is the policy's answer remembered? | `rate(postern_decision_cache_hits_total[5m]) / (rate(postern_decision_cache_hits_total[5m]) + rate(postern_decision_cache_misses_total[5m]))` |
| what would a policy in shadow refuse? | `sum by (route, code) (rate(postern_shadow_decisions_total{outcome=\"denied\"}[5m]))` |
| what would a candidate policy change? | `sum by (outcome) (rate(postern_candidate_compared_total{outcome!=\"same\"}[5m]))` |
| are keys getting old? | `max by (issuer) (postern_keys_age_seconds) > 600` |

| metric | type | labels | meaning |
|---|---|---|---|
";

    fn rendered() -> String {
        let mut page = HEAD.to_owned();
        for metric in ALL {
            let labels: Vec<_> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
            let kind = format!("{:?}", metric.kind).to_lowercase();
            let _ = writeln!(
                page,
                "| `{}` | {kind} | {} | {} |",
                metric.name,
                labels.join(", "),
                metric.help
            );
        }
        page
    }

    #[test]
    fn the_page_of_metrics_says_what_is_exported() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&page, rendered()).unwrap();
        }
        assert!(
            std::fs::read_to_string(&page).unwrap() == rendered(),
            "docs/metrics.md is out of date: UPDATE_DOCS=1 cargo test -p postern-sidecar --lib"
        );
    }

    /// <https://prometheus.io/docs/practices/naming/>
    #[test]
    fn names_follow_prometheus_rules() {
        let mut seen = BTreeSet::new();
        for Metric {
            name,
            kind,
            labels,
            help,
        } in ALL
        {
            assert!(seen.insert(name), "{name} twice");
            let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            assert!(name.starts_with("postern_") && plain(name), "{name}");
            assert!(labels.iter().all(|label| plain(label)), "{name}: {labels:?}");
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
            assert!(*kind != Kind::Histogram || name.ends_with("_seconds"), "{name}");
            assert!(
                help.ends_with('.') && !help.contains(['|', '\n']),
                "{name}: {help}"
            );
        }
    }
}
