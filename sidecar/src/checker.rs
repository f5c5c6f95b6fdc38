//! Runs decisions: hands `decide` its snapshot, time and entropy, and does what it may not do itself (count, log, wake a
//! puller). Never waits, never decides.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use postern_decide::opa_envoy::Verdict;
use postern_decide::{
    Answer, Authenticated, Caches, Decision, Entropy, Need, Now, OpaEnvoySettings, Outcome, Record, Refusal,
    RequestView, Resumption, attempt_as_opa_envoy, decide, resume, settle, verify_token,
};
use postern_telemetry::{Code, CorrelationId, TRACEPARENT, TraceParent, X_REQUEST_ID};
use uuid::Uuid;

use crate::candidate::{Candidates, Made, Sampled};
use crate::clock::{self, Moment};
use crate::http_send::HttpSender;
use crate::introspect::Introspector;
use crate::opa::Observer;
use crate::published::Published;
use crate::random::Randomness;
use crate::refetch::Wakes;
use crate::report::{Laps, Reporter};

/// All that checks need, shared by the workers.
#[derive(Debug)]
pub(crate) struct Checker {
    pub(crate) published: Arc<Published>,
    pub(crate) caches: Arc<Caches>,
    pub(crate) randomness: Arc<Randomness>,
    pub(crate) wakes: Wakes,
    pub(crate) reporter: Arc<Reporter>,
    pub(crate) introspector: Arc<Introspector>,
    pub(crate) http_sender: HttpSender,
    /// What decisions would have been under another policy, where there is a candidate.
    pub(crate) candidates: Arc<Candidates>,
    /// Who is told of decisions made as opa-envoy-plugin makes them.
    pub(crate) opa: Option<Observer>,
}

/// A decision to be sent. What else there was to it has been told and kept.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) answer: Answer,
    pub(crate) decision_id: Uuid,
    pub(crate) correlation_id: CorrelationId,
    /// Why not, where it was denied.
    pub(crate) code: Option<Code>,
    /// What the candidate policy is to be asked, once the answer is made.
    pub(crate) sampled: Option<Box<Sampled>>,
}

/// A refusal that has been told and kept, of a request that was not decided on.
#[derive(Debug)]
pub(crate) struct Unread {
    pub(crate) correlation_id: CorrelationId,
    pub(crate) decision_id: Uuid,
}

/// A check that something is missing for, and what it is measured with: its waiting is part of what it took.
#[derive(Debug)]
pub(crate) struct Unfinished {
    pub(crate) need: Need,
    pub(crate) begun: Begun,
}

/// When a check began, and the stages that it has passed since.
#[derive(Debug)]
pub(crate) struct Begun {
    moment: Moment,
    laps: Laps,
}

/// A check to be decided as opa-envoy-plugin does.
#[derive(Clone, Copy)]
pub(crate) struct OpaCheck<'a> {
    pub(crate) request: &'a RequestView<'a>,
    pub(crate) settings: &'a OpaEnvoySettings,
    /// What is left of the time that the caller waits.
    pub(crate) time_left: Option<Duration>,
    /// The whole body that the request came in.
    pub(crate) body: &'a Bytes,
}

impl Checker {
    /// Decides now, with what is there, on a request whose check has `begun`; what would have to be waited for is refused.
    pub(crate) fn check(&self, request: &RequestView<'_>, begun: Begun) -> Settled {
        let Begun { mut moment, mut laps } = begun;
        let now = clock::now();
        let entropy = self.randomness.entropy();
        let snapshot = self.published.load();
        let decision = settle(&snapshot, &self.caches, request, now, &entropy, &mut laps);
        let made = Made {
            snapshot: &snapshot,
            now,
            entropy: &entropy,
            resumption: None,
        };
        self.report(*decision, request, &made, &mut moment, &laps)
    }

    /// Counts a check that was denied unread, since there were too many.
    pub(crate) fn count_overloaded(&self) {
        self.reporter.metrics.count_unread(Code::Overloaded);
    }

    /// Refuses a request that can't be decided on, whatever its caller may do: counted, logged and kept as decisions are.
    pub(crate) fn refuse(&self, request: &RequestView<'_>, code: Code, reason: String) -> Unread {
        let mut moment = Moment::read();
        let now = moment.now();
        let entropy = self.randomness.entropy();
        let headers = &request.http.headers;
        let correlation_id = CorrelationId::of(headers.value(X_REQUEST_ID), || entropy.correlation_id);
        let decision_id = uuid::Builder::from_random_bytes(entropy.decision_id).into_uuid();
        let trace = match headers.value(TRACEPARENT).and_then(TraceParent::parse) {
            Some(parent) => parent.child(entropy.span),
            None => TraceParent::generate(entropy.trace),
        };
        let record = Record {
            code: Some(code),
            reason: Some(reason.into()),
            ..Record::begin(decision_id, correlation_id.clone(), trace)
        };
        let laps = Laps::of_check(entropy.span[0]);
        self.reporter.decided(&record, request, now, moment.lap(), &laps);
        Unread {
            correlation_id,
            decision_id,
        }
    }

    /// Decides at `moment` on one request with what is there, unless something is missing that can be had: then nothing is
    /// decided yet. Afterwards it is the moment at which that was done.
    pub(crate) fn check_unless_needy(
        &self,
        request: &RequestView<'_>,
        moment: &mut Moment,
    ) -> Result<Settled, Box<Unfinished>> {
        let entropy = self.randomness.entropy();
        let laps = Laps::of_check(entropy.span[0]);
        self.attempt(request, moment.now(), &entropy, moment, laps)
    }

    /// Decides now on a request whose check has `begun`, as [`Self::check_unless_needy`] does.
    pub(crate) fn check_again(
        &self,
        request: &RequestView<'_>,
        begun: Begun,
    ) -> Result<Settled, Box<Unfinished>> {
        let Begun { mut moment, laps } = begun;
        let entropy = self.randomness.entropy();
        self.attempt(request, clock::now(), &entropy, &mut moment, laps)
    }

    /// Decides at `moment` on one request as opa-envoy-plugin does, unless the policy asks for a request: then nothing is
    /// decided yet. Afterwards it is the moment at which that was done.
    pub(crate) fn check_as_opa_envoy(
        &self,
        request: &RequestView<'_>,
        settings: &OpaEnvoySettings,
        time_left: Option<Duration>,
        body: &Bytes,
        moment: &mut Moment,
    ) -> Result<Verdict, Box<Unfinished>> {
        let entropy = self.randomness.entropy();
        let laps = Laps::of_check(entropy.span[0]);
        let asked = OpaCheck {
            request,
            settings,
            time_left,
            body,
        };
        self.attempt_as_opa_envoy(&asked, (moment.now(), &entropy), None, moment, laps)
    }

    /// Goes on with such a decision, which a request of the policy's interrupted.
    pub(crate) fn go_on_as_opa_envoy(
        &self,
        asked: &OpaCheck<'_>,
        resumption: &Resumption,
        begun: Begun,
    ) -> Result<Verdict, Box<Unfinished>> {
        let Begun { mut moment, laps } = begun;
        let begins = (resumption.now(), resumption.entropy());
        self.attempt_as_opa_envoy(asked, begins, Some(resumption), &mut moment, laps)
    }

    fn attempt_as_opa_envoy(
        &self,
        asked: &OpaCheck<'_>,
        (now, entropy): (Now, &Entropy),
        resumed: Option<&Resumption>,
        moment: &mut Moment,
        laps: Laps,
    ) -> Result<Verdict, Box<Unfinished>> {
        let OpaCheck {
            request,
            settings,
            time_left,
            body,
        } = *asked;
        let snapshot = self.published.load();
        let policy = snapshot.policy.as_deref();
        let attempted = attempt_as_opa_envoy(policy, request, settings, time_left, (now, entropy), resumed);
        let verdict = match attempted {
            Ok(verdict) => verdict,
            Err(send) => {
                let begun = Begun {
                    moment: *moment,
                    laps,
                };
                moment.lap();
                let need = Need::HttpSend(send);
                return Err(Box::new(Unfinished { need, begun }));
            }
        };
        let record = verdict.record(policy, request, entropy);
        let took = moment.lap();
        self.reporter.decided(&record, request, now, took, &laps);
        if let Some(observer) = &self.opa {
            observer.decided(
                body,
                &verdict,
                settings,
                snapshot.policy.as_ref(),
                (moment.now(), took),
                || {
                    resumed
                        .cloned()
                        .unwrap_or_else(|| Resumption::new(now, entropy.clone()))
                },
            );
        }
        Ok(verdict)
    }

    /// Goes on with a decision that a request of the policy's interrupted.
    pub(crate) fn go_on(
        &self,
        request: &RequestView<'_>,
        resumption: &Resumption,
        begun: Begun,
    ) -> Result<Settled, Box<Unfinished>> {
        let Begun { mut moment, mut laps } = begun;
        let snapshot = self.published.load();
        let outcome = resume(&snapshot, &self.caches, request, resumption, &mut laps);
        let made = Made {
            snapshot: &snapshot,
            now: resumption.now(),
            entropy: resumption.entropy(),
            resumption: Some(resumption),
        };
        self.ended(outcome, request, &made, &mut moment, laps)
    }

    fn attempt(
        &self,
        request: &RequestView<'_>,
        now: Now,
        entropy: &Entropy,
        moment: &mut Moment,
        mut laps: Laps,
    ) -> Result<Settled, Box<Unfinished>> {
        let snapshot = self.published.load();
        let outcome = decide(&snapshot, &self.caches, request, now, entropy, &mut laps);
        let made = Made {
            snapshot: &snapshot,
            now,
            entropy,
            resumption: None,
        };
        self.ended(outcome, request, &made, moment, laps)
    }

    fn ended(
        &self,
        outcome: Outcome,
        request: &RequestView<'_>,
        made: &Made<'_>,
        moment: &mut Moment,
        laps: Laps,
    ) -> Result<Settled, Box<Unfinished>> {
        match outcome {
            Outcome::Decided(decision) => Ok(self.report(*decision, request, made, moment, &laps)),
            Outcome::Needs(need) => {
                let begun = Begun {
                    moment: *moment,
                    laps,
                };
                moment.lap();
                Err(Box::new(Unfinished { need, begun }))
            }
        }
    }

    /// Verifies one token, for applications that ask.
    pub(crate) fn verify(
        &self,
        token: &str,
        correlation_id: &CorrelationId,
    ) -> Result<Authenticated, Refusal> {
        let snapshot = self.published.load();
        let verified = verify_token(&snapshot, &self.caches, token, clock::now().seconds());
        if let Err(refusal) = &verified {
            self.wake(refusal.refetch.as_deref());
        }
        self.reporter.validated(correlation_id, verified.as_ref());
        verified
    }

    fn report(
        &self,
        decision: Decision,
        request: &RequestView<'_>,
        made: &Made<'_>,
        moment: &mut Moment,
        laps: &Laps,
    ) -> Settled {
        let Decision {
            answer,
            refetch,
            record,
        } = decision;
        self.wake(refetch.as_deref());
        self.reporter
            .decided(&record, request, made.now, moment.lap(), laps);
        Settled {
            answer,
            sampled: self.candidates.sample(&record, made),
            decision_id: record.decision_id,
            correlation_id: record.correlation_id,
            code: record.code,
        }
    }

    fn wake(&self, issuer: Option<&str>) {
        if let Some(issuer) = issuer {
            self.wakes.unknown_key(issuer);
        }
    }
}
