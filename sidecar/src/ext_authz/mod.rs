//! Envoy's `envoy.service.auth.v3.Authorization` over the decision: bytes in, bytes out, nothing of its own.

pub(crate) mod grpc;
mod opa_envoy;
pub(crate) mod wire;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use postern_decide::{Answer, Deny, Header, OpaEnvoySettings, RequestView};
use postern_telemetry::{Code, CorrelationId, Error, PROBLEM_JSON, Problem, X_REQUEST_ID};
use tonic::Status;

use crate::candidate::Again;
use crate::checker::{Checker, Settled, Unfinished};
use crate::clock::{Moment, Stopwatch};

/// The path of `Authorization.Check`.
pub(crate) const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// The service.
#[derive(Debug, Clone)]
pub(crate) struct ExtAuthz {
    checker: Arc<Checker>,
    dialect: Dialect,
}

/// Whose way of deciding and answering it is.
#[derive(Debug, Clone)]
pub(crate) enum Dialect {
    /// Our own: routes, credentials, policy.
    Postern,
    /// OPA-Envoy's: policy alone.
    OpaEnvoy(OpaEnvoySettings),
}

/// A check: its message, and how much time its caller gives it.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// The whole body of the request.
    pub(crate) body: Bytes,
    /// What was left of the caller's deadline when it came; kept only where the dialect honours it.
    pub(crate) deadline: Option<(Stopwatch, Duration)>,
}

/// What is sent back.
#[derive(Debug)]
pub(crate) enum Reply {
    /// A message, in its gRPC frame.
    Message(Bytes),
    /// No message. Envoy denies with `status_on_error`.
    Refusal(Box<Status>),
    /// Nothing yet: something is missing that can be had ([`ExtAuthz::answer_later`]).
    Later(Box<Unfinished>),
}

impl ExtAuthz {
    /// Answers through `checker`.
    pub(crate) fn new(checker: Arc<Checker>, dialect: Dialect) -> Self {
        Self { checker, dialect }
    }

    /// What is left of the deadline of a request with these headers, where it is honoured.
    pub(crate) fn deadline(&self, headers: &HeaderMap) -> Option<(Stopwatch, Duration)> {
        match self.dialect {
            // What is decided in microseconds is decided before anybody's deadline.
            Dialect::Postern => None,
            Dialect::OpaEnvoy(_) => Some((Stopwatch::start(), grpc::timeout(headers)?)),
        }
    }

    /// Answers at `moment` the request whose whole body this is. Afterwards it is the moment at which that was done.
    pub(crate) fn answer(&self, question: &Question, moment: &mut Moment) -> Reply {
        let message = match grpc::message(&question.body) {
            Ok(message) => message,
            Err(status) => return Reply::Refusal(Box::new(status)),
        };
        if let Dialect::OpaEnvoy(settings) = &self.dialect {
            return opa_envoy::answer(&self.checker, settings, question, message, moment);
        }
        match wire::view(message) {
            Ok(mut view) => {
                view.may_wait = true;
                let rest = wire::RestOf(message);
                view.rest = Some(&rest);
                let settled = self.checker.check_unless_needy(&view, moment);
                wire::done_with(view);
                match settled {
                    Ok(settled) => self.made(settled, &question.body),
                    Err(unfinished) => Reply::Later(unfinished),
                }
            }
            // Without a request there is nothing to answer.
            Err(error) => self.no_request(&error),
        }
    }

    /// Answers the request that something was missing for, once that has been got, or it is time to answer without.
    pub(crate) async fn answer_later(&self, question: &Question, unfinished: Box<Unfinished>) -> Reply {
        let message = match grpc::message(&question.body) {
            Ok(message) => message,
            Err(status) => return Reply::Refusal(Box::new(status)),
        };
        if let Dialect::OpaEnvoy(settings) = &self.dialect {
            return opa_envoy::answer_later(&self.checker, settings, question, message, unfinished).await;
        }
        match wire::view(message) {
            Ok(mut view) => {
                view.may_wait = true;
                let rest = wire::RestOf(message);
                view.rest = Some(&rest);
                let settled = self.checker.answer_later(&view, unfinished).await;
                self.made(settled, &question.body)
            }
            Err(error) => self.no_request(&error),
        }
    }

    /// The answer to the request with this body; afterwards, the candidate policy may be asked, too.
    fn made(&self, mut settled: Settled, body: &Bytes) -> Reply {
        let reply = match &settled.answer {
            Answer::Failed(failed) => Reply::Refusal(Box::new(grpc::policy_failed(failed))),
            Answer::Allow(allow) => Reply::Message(wire::allowed(allow, &settled.decision_id)),
            Answer::Deny(deny) => {
                let code = settled.code.unwrap_or(Code::Internal);
                Reply::Message(wire::denied(deny, code, &settled.decision_id))
            }
        };
        if let Some(sampled) = settled.sampled.take() {
            // A copy, which keeps no more of a connection's memory than itself.
            let body = Bytes::copy_from_slice(body);
            self.checker.candidates.look(sampled, CheckAgain(body));
        }
        reply
    }

    /// Refuses a check unread, since there are too many: denies it (503, RFC 9110 §15.6.4), or leaves it to Envoy.
    pub(crate) fn overloaded(&self) -> Reply {
        self.checker.count_overloaded();
        match self.dialect {
            Dialect::Postern => Reply::Message(self.unavailable()),
            Dialect::OpaEnvoy(_) => Reply::Refusal(Box::new(grpc::too_many())),
        }
    }

    fn unavailable(&self) -> Bytes {
        let entropy = self.checker.randomness.entropy();
        let decision_id = uuid::Builder::from_random_bytes(entropy.decision_id).into_uuid();
        let correlation_id = CorrelationId::from_bytes(entropy.correlation_id);
        let error = Error::new(Code::Overloaded, Code::Overloaded.title());
        let problem = Problem::new(&error, &correlation_id).with("decision_id", decision_id.to_string());
        let retry_after = error.retry_after_seconds().unwrap_or(1).to_string();
        let headers = [
            ("content-type", PROBLEM_JSON),
            ("cache-control", "no-store"),
            ("retry-after", &retry_after),
            (X_REQUEST_ID, correlation_id.as_str()),
        ];
        let deny = Deny {
            status: problem.status(),
            headers: headers
                .into_iter()
                .filter_map(|(name, value)| Header::new(name, value).ok())
                .collect(),
            body: problem.to_json(),
            metadata: None,
        };
        wire::denied(&deny, Code::Overloaded, &decision_id)
    }

    fn no_request(&self, error: &dyn std::error::Error) -> Reply {
        let error = Error::new(Code::InvalidRequest, error.to_string());
        Reply::Refusal(Box::new(error.to_status(&self.correlation_id())))
    }

    fn correlation_id(&self) -> CorrelationId {
        CorrelationId::from_bytes(self.checker.randomness.entropy().correlation_id)
    }
}

/// The body of a check that was read before.
struct CheckAgain(Bytes);

impl Again for CheckAgain {
    fn bytes(&self) -> usize {
        self.0.len()
    }

    fn with(&self, look: &mut dyn FnMut(&RequestView<'_>)) {
        let Ok(message) = grpc::message(&self.0) else {
            return;
        };
        let Ok(mut view) = wire::view(message) else {
            return;
        };
        let rest = wire::RestOf(message);
        view.rest = Some(&rest);
        look(&view);
    }
}

/// How a `CheckRequest` is read here and how `prost` reads it, where these differ.
#[cfg(feature = "fuzzing")]
pub(crate) fn difference_from_prost(bytes: &[u8]) -> Option<String> {
    wire::difference(bytes)
}
