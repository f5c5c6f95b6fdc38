//! What a decision is missing and can be had: an issuer's keys as they are now, an issuer's word on a token, the answer to
//! a request of the policy's. Got under a deadline of its own, then decided again with what there is by then. Only issuers
//! and routes configured for it ever cause one.

use std::time::Duration;

use postern_decide::opa_envoy::Verdict;
use postern_decide::{Need, RequestView, remember_introspection};

use crate::checker::{Checker, OpaCheck, Settled, Unfinished};
use crate::clock::{self, Moment};

/// A decision as opa-envoy-plugin makes it waits for nothing but the policy's requests.
#[derive(Debug)]
pub(crate) struct CannotGoOn;

impl Checker {
    /// Decides on one request; what is missing and can be had is got first. Waits at most as long as the issuer's own
    /// configuration says (`on_unknown_kid.wait_ms`, `introspection.timeout_ms`) and the policy's (`http_send.timeout_ms`), and not at all where nothing is missing.
    pub(crate) async fn answer(&self, request: &RequestView<'_>) -> Settled {
        match self.check_unless_needy(request, &mut Moment::read()) {
            Ok(settled) => settled,
            Err(unfinished) => self.answer_later(request, unfinished).await,
        }
    }

    /// Decides on a request that something is missing for. An issuer is asked once, and the policy has requests made as many
    /// as one decision may make, all of them within `policy.http_send.timeout_ms`.
    pub(crate) async fn answer_later(
        &self,
        request: &RequestView<'_>,
        mut unfinished: Box<Unfinished>,
    ) -> Settled {
        let mut issuer_asked = false;
        let mut until = None;
        loop {
            let Unfinished { need, begun } = *unfinished;
            let outcome = match need {
                Need::HttpSend(send) => {
                    let until = *until.get_or_insert_with(|| self.http_sender.deadline());
                    let answer = self.http_sender.send(send.request(), until).await;
                    self.go_on(request, &send.answered(answer), begun)
                }
                Need::Keys { .. } | Need::Introspect { .. } if issuer_asked => {
                    return self.check(request, begun);
                }
                Need::Keys { issuer, wait_ms } => {
                    issuer_asked = true;
                    // Late is as good as never: the token is refused with the keys at hand.
                    self.wakes.wait_for_keys(&issuer, wait_ms).await;
                    self.check_again(request, begun)
                }
                Need::Introspect { issuer, token } => {
                    issuer_asked = true;
                    self.word_of(&issuer, token.expose()).await;
                    self.check_again(request, begun)
                }
            };
            match outcome {
                Ok(settled) => return settled,
                Err(again) => unfinished = again,
            }
        }
    }

    /// Decides as opa-envoy-plugin does on a request that the policy has had others made for: `time_left` is how long
    /// the caller still waits.
    pub(crate) async fn answer_later_as_opa_envoy(
        &self,
        asked: OpaCheck<'_>,
        time_left: impl Fn() -> Option<Duration>,
        mut unfinished: Box<Unfinished>,
    ) -> Result<Verdict, CannotGoOn> {
        let mut until = None;
        loop {
            let Unfinished { need, begun } = *unfinished;
            let Need::HttpSend(send) = need else {
                return Err(CannotGoOn);
            };
            let until = *until.get_or_insert_with(|| self.http_sender.deadline_within(time_left()));
            let answer = self
                .http_sender
                .kept_or_sent(send.request(), send.now(), until)
                .await;
            let asked = OpaCheck {
                time_left: time_left(),
                ..asked
            };
            match self.go_on_as_opa_envoy(&asked, &send.answered(answer), begun) {
                Ok(verdict) => return Ok(verdict),
                Err(again) => unfinished = again,
            }
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
