//! One line for each decision, of those that the operator wants lines of. Never holds a token, a header or a query.

use postern_decide::{Authenticated, PolicyCache, Record, Refusal, RequestView, Shadow, outcome};
use postern_telemetry::{Code, CorrelationId};
use serde::Deserialize;

/// Which decisions are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogDecisions {
    /// Every one.
    All,
    /// Refusals.
    #[default]
    Denied,
    /// None; metrics count them all the same.
    None,
}

/// Writes the lines.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DecisionLog(pub(crate) LogDecisions);

impl DecisionLog {
    /// Logs one decision, if it is one to log.
    pub(crate) fn write(self, record: &Record, request: &RequestView<'_>) {
        // What a policy in shadow would have refused is to be seen by who looks for refusals.
        let would_deny = record.shadow.as_ref().is_some_and(|shadow| shadow.code.is_some());
        if !self.wants(record.allowed && !would_deny) {
            return;
        }
        tracing::info!(
            target: "postern::decision",
            correlation_id = record.correlation_id.as_str(),
            trace_id = record.trace_id(),
            decision_id = %record.decision_id,
            outcome = record.outcome(),
            code = record.code.map(Code::as_str),
            reason = record.reason.as_deref(),
            subject = record.caller.subject().map(AsRef::<str>::as_ref),
            client_id = record.caller.client_id().map(AsRef::<str>::as_ref),
            issuer = record.caller.issuer().map(AsRef::<str>::as_ref),
            peer = record.peer.as_ref().map(|peer| peer.as_str()),
            policy_revision = record.policy_revision.as_deref(),
            policy_cached = record.policy_cache == PolicyCache::Hit,
            shadow = record.shadow.as_deref().map(shadow_words),
            shadow_code = record.shadow.as_deref().and_then(|shadow| shadow.code).map(Code::as_str),
            shadow_reason = record.shadow.as_deref().and_then(|shadow| shadow.reason.as_deref()),
            token_cached = record.token_cached,
            method = request.http.method,
            host = request.http.host,
            path = without_query(request.http.path),
            "decision"
        );
        // A refusal is business as usual; a policy that fails is a fault of whoever wrote it, and hides among refusals.
        if matches!(record.code, Some(Code::PolicyError | Code::PolicyTimeout)) {
            tracing::warn!(
                target: "postern::decision",
                correlation_id = record.correlation_id.as_str(),
                policy_revision = record.policy_revision.as_deref(),
                reason = record.reason.as_deref(),
                left_to_proxy = record.left_to_proxy,
                "the policy itself fails; requests that meet this are denied, or left to the proxy where that is configured"
            );
        }
    }

    /// Logs what came of a token that an application asked about, if it is one to log.
    pub(crate) fn write_validation(
        self,
        correlation_id: &CorrelationId,
        verified: Result<&Authenticated, &Refusal>,
    ) {
        if !self.wants(verified.is_ok()) {
            return;
        }
        let refusal = verified.err();
        let caller = verified.ok().map(|authenticated| &authenticated.caller);
        tracing::info!(
            target: "postern::decision",
            correlation_id = correlation_id.as_str(),
            outcome = if verified.is_ok() { "valid" } else { "refused" },
            code = refusal.map(|refusal| refusal.code.as_str()),
            reason = refusal.map(|refusal| refusal.reason.as_ref()),
            subject = caller.and_then(|caller| caller.subject()).map(AsRef::as_ref),
            client_id = caller.and_then(|caller| caller.client_id()).map(AsRef::as_ref),
            issuer = caller.map(|caller| caller.issuer().as_ref()),
            "token validation"
        );
    }

    fn wants(self, allowed: bool) -> bool {
        match self.0 {
            LogDecisions::All => true,
            LogDecisions::Denied => !allowed,
            LogDecisions::None => false,
        }
    }
}

/// What a policy would have done.
pub(crate) fn shadow_words(shadow: &Shadow) -> &'static str {
    match outcome(shadow.code.is_none(), shadow.left_to_proxy) {
        "allowed" => "would allow",
        "error" => "would fail",
        _ => "would deny",
    }
}

/// The path without its query, where people put secrets.
pub(crate) fn without_query(target: &str) -> &str {
    target.split_once(['?', '#']).map_or(target, |(path, _)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_never_reaches_the_log() {
        assert_eq!(without_query("/orders?access_token=secret"), "/orders");
        assert_eq!(without_query("/orders#x"), "/orders");
        assert_eq!(without_query("/orders"), "/orders");
    }
}
