//! What a decision is missing and can be had: an issuer's keys as they are now, an issuer's word on a token. Got under a
//! deadline of its own, then decided again with what there is by then. Only issuers configured for it ever cause one.

use std::time::Duration;

use postern_decide::{Decision, Need, RequestView, remember_introspection};

use crate::checker::Checker;
use crate::clock;

impl Checker {
    /// Decides on one request; what is missing and can be had is got first. Waits at most as long as the issuer's own
    /// configuration says (`on_unknown_kid.wait_ms`, `introspection.timeout_ms`), and not at all where nothing is missing.
    pub(crate) async fn answer(&self, request: &RequestView<'_>) -> Decision {
        match self.check_unless_needy(request) {
            Ok(decision) => decision,
            Err(need) => {
                self.supply(&need).await;
                self.check(request)
            }
        }
    }

    /// Gets what is missing, or gives up; the next decision tells which.
    pub(crate) async fn supply(&self, need: &Need) {
        match need {
            Need::Keys { issuer, wait_ms } => {
                let wait = Duration::from_millis(u64::from(*wait_ms));
                // Late is as good as never: the token is refused with the keys at hand.
                let _ = tokio::time::timeout(wait, self.fresh_keys(issuer)).await;
            }
            Need::Introspect { issuer, token } => self.word_of(issuer, token.expose()).await,
        }
    }

    /// Waits until the issuer's keys have been fetched, or confirmed, after this was called.
    async fn fresh_keys(&self, issuer: &str) {
        let keys_of = || self.published.load().issuers.get(issuer).cloned();
        let before = keys_of();
        loop {
            let mut changed = std::pin::pin!(self.published.issuers_changed());
            // From here on no change is missed.
            changed.as_mut().enable();
            let same = match (&before, &keys_of()) {
                (Some(before), Some(now)) => std::sync::Arc::ptr_eq(before, now),
                _ => return,
            };
            if !same {
                return;
            }
            self.wake(Some(issuer));
            changed.await;
        }
    }

    /// Asks the issuer about the token, and keeps what it says for the decision.
    async fn word_of(&self, issuer: &str, token: &str) {
        let now = clock::now().seconds();
        let Ok(said) = self.introspector.ask(issuer, token, now).await else {
            // Logged where it failed; the decision refuses with `introspection_unavailable`.
            return;
        };
        let issuers = self.published.load().issuers.clone();
        let (response, for_seconds) = (&said.response, said.for_seconds);
        let judged =
            remember_introspection(&issuers, &self.caches, issuer, token, response, for_seconds, now);
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
