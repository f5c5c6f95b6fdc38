//! What a decision is missing and can be had: an issuer's keys as they are now, an issuer's word on a token. Got under a
//! deadline of its own, then decided again with what there is by then. Only issuers configured for it ever cause one.

use postern_decide::{Need, RequestView, remember_introspection};

use crate::checker::{Checker, Settled};
use crate::clock;

impl Checker {
    /// Decides on one request; what is missing and can be had is got first. Waits at most as long as the issuer's own
    /// configuration says (`on_unknown_kid.wait_ms`, `introspection.timeout_ms`), and not at all where nothing is missing.
    pub(crate) async fn answer(&self, request: &RequestView<'_>) -> Settled {
        match self.check_unless_needy(request) {
            Ok(settled) => settled,
            Err(need) => {
                self.supply(&need).await;
                self.check(request)
            }
        }
    }

    /// Gets what is missing, or gives up; the next decision tells which.
    pub(crate) async fn supply(&self, need: &Need) {
        match need {
            // Late is as good as never: the token is refused with the keys at hand.
            Need::Keys { issuer, wait_ms } => self.wakes.wait_for_keys(issuer, *wait_ms).await,
            Need::Introspect { issuer, token } => self.word_of(issuer, token.expose()).await,
        }
    }

    /// Asks the issuer about the token, and keeps what it says for the decision.
    async fn word_of(&self, issuer: &str, token: &str) {
        let now = clock::now().seconds();
        let Ok(said) = self.introspector.ask(issuer, token, now).await else {
            // Logged where it failed; the decision refuses with `introspection_unavailable`.
            return;
        };
        let snapshot = self.published.load();
        let (response, for_seconds) = (&said.response, said.for_seconds);
        let judged =
            remember_introspection(&snapshot, &self.caches, issuer, token, response, for_seconds, now);
        if let Err(refusal) = judged {
            tracing::info!(
                issuer,
                code = refusal.code.as_str(),
                reason = refusal.reason.as_ref(),
                "what the issuer says of a token doesn't do"
            );
        }
    }
}
