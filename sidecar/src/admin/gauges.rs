//! Gauges that are read off the state when Prometheus asks, so that ages are those of the moment.

use metrics::{counter, gauge};
use postern_decide::{ActivePolicy, Caches, DecisionCache};

use crate::candidate::Candidates;
use crate::clock;
use crate::metrics::{
    API_KEYS, BUNDLE_AGE, BUNDLE_REFUSED, BUNDLE_SEQUENCE, CANDIDATE_COMPARED, CANDIDATE_DROPPED,
    CONTROL_PLANE, DECISION_BYTES, DECISIONS, DPOP_PROOFS, KEYS, KEYS_AGE, POLICY_TOKEN_BYTES,
    POLICY_TOKEN_HITS, POLICY_TOKEN_MISSES, POLICY_TOKENS, READY, REVOCATIONS, REVOCATIONS_AGE, TOKEN_BYTES,
    TOKEN_EVICTIONS, TOKENS,
};
use crate::status::State;

/// Sets what was counted of the candidate policy.
pub(super) fn set_candidate(candidates: &Candidates) {
    for (outcome, count) in candidates.compared() {
        counter!(CANDIDATE_COMPARED, "outcome" => outcome).absolute(count);
    }
    counter!(CANDIDATE_DROPPED).absolute(candidates.dropped());
}

/// Sets them all.
#[expect(
    clippy::cast_precision_loss,
    reason = "gauges are doubles; these numbers are no larger than 2^53"
)]
pub(super) fn set(state: &State, caches: &Caches, policy: Option<&ActivePolicy>) {
    let now = clock::now().seconds().0;
    let age = |since: i64| now.saturating_sub(since).max(0) as f64;
    let flag = |set: bool| if set { 1.0 } else { 0.0 };
    for issuer in &state.issuers {
        gauge!(KEYS, "issuer" => issuer.issuer.clone()).set(issuer.keys as f64);
        if let Some(fetched_at) = issuer.fetched_at {
            gauge!(KEYS_AGE, "issuer" => issuer.issuer.clone()).set(age(fetched_at));
        }
    }
    for bundle in state.bundle.iter().chain(&state.candidate) {
        if let Some(activated_at) = bundle.activated_at {
            gauge!(BUNDLE_AGE, "bundle" => bundle.name.clone()).set(age(activated_at));
        }
        gauge!(BUNDLE_REFUSED, "bundle" => bundle.name.clone()).set(flag(bundle.refused));
        gauge!(BUNDLE_SEQUENCE, "bundle" => bundle.name.clone()).set(bundle.sequence.unwrap_or(0) as f64);
    }
    if let Some(control_plane) = &state.control_plane {
        gauge!(CONTROL_PLANE).set(flag(control_plane.connected));
        gauge!(REVOCATIONS).set(control_plane.revocations as f64);
        gauge!(API_KEYS).set(control_plane.api_keys as f64);
        if let Some(heard_at) = control_plane.heard_at {
            gauge!(REVOCATIONS_AGE).set(age(heard_at));
        }
    }
    gauge!(READY).set(flag(state.not_ready().is_empty()));
    gauge!(TOKENS).set(caches.token_count() as f64);
    gauge!(TOKEN_BYTES).set(caches.token_bytes() as f64);
    counter!(TOKEN_EVICTIONS).absolute(caches.token_evictions());
    let decisions = policy.and_then(ActivePolicy::cache);
    gauge!(DECISIONS).set(decisions.map_or(0, DecisionCache::entries) as f64);
    gauge!(DECISION_BYTES).set(decisions.map_or(0, DecisionCache::bytes) as f64);
    let policy = postern_policy::builtins::cache_counts();
    gauge!(POLICY_TOKENS).set(policy.entries as f64);
    gauge!(POLICY_TOKEN_BYTES).set(policy.bytes as f64);
    counter!(POLICY_TOKEN_HITS).absolute(policy.hits);
    counter!(POLICY_TOKEN_MISSES).absolute(policy.misses);
    gauge!(DPOP_PROOFS).set(caches.proof_count() as f64);
}
