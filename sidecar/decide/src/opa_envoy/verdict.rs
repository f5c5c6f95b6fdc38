//! What comes of a check: an answer for Envoy, or an error of gRPC's, and what the decision log is told.

use std::borrow::Cow;
use std::sync::Arc;

use postern_policy::{Object, Stopped, Value};
use postern_telemetry::Code;
use uuid::Uuid;

use crate::answer::Record;
use crate::correlation::Identifiers;
use crate::decision_cache::PolicyCache;
use crate::entropy::Entropy;
use crate::header::Header;
use crate::refusal;
use crate::snapshot::ActivePolicy;
use crate::stage::Stage;
use crate::view::RequestView;

/// How a check ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Names the decision.
    pub decision_id: Uuid,
    /// What Envoy is told.
    pub reply: Reply,
    /// Whether the policy let the request through, dry run or not.
    pub allowed: bool,
    /// What the policy answered, for the log.
    pub result: Option<Value>,
    /// Why there is no decision, for the log and the metrics.
    pub failure: Option<Failure>,
    /// Whether there is an input to be logged: not for a request of which none could be made.
    pub has_input: bool,
    /// Whether the policy's answer was remembered.
    pub policy_cache: PolicyCache,
}

/// What Envoy is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// A `CheckResponse`.
    Response(Response),
    /// No `CheckResponse`: Envoy's `status_on_error` and `failure_mode_allow` decide.
    Error {
        /// The code.
        code: GrpcCode,
        /// The message.
        message: String,
    },
}

/// The codes that errors have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrpcCode {
    /// Whatever went wrong.
    Unknown,
    /// The caller's deadline has passed.
    DeadlineExceeded,
}

/// `envoy.service.auth.v3.CheckResponse`, but for the decision's id, which is always in its metadata where there is any.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Response {
    /// `status.code`: 0 or 7.
    pub status: u8,
    /// `status.message`.
    pub message: String,
    /// `http_response`.
    pub http: Option<HttpAnswer>,
    /// `dynamic_metadata`, an object; the decision's id comes beside it. `None` leaves both out.
    pub metadata: Option<Value>,
}

/// `http_response`.
#[derive(Debug, Clone, PartialEq)]
pub enum HttpAnswer {
    /// `ok_response`.
    Ok(Upstream),
    /// `denied_response`.
    Denied(Denied),
}

/// `ok_response`. Names and values go out as the policy wrote them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Upstream {
    /// `headers`.
    pub headers: Vec<(String, String)>,
    /// `headers_to_remove`.
    pub headers_to_remove: Vec<String>,
    /// `response_headers_to_add`.
    pub response_headers_to_add: Vec<(String, String)>,
    /// `query_parameters_to_set`.
    pub query_parameters_to_set: Vec<(String, String)>,
    /// `query_parameters_to_remove`.
    pub query_parameters_to_remove: Vec<String>,
}

/// `denied_response`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Denied {
    /// `status.code`.
    pub status: u16,
    /// `headers`.
    pub headers: Vec<(String, String)>,
    /// `body`.
    pub body: String,
}

/// Why there is no decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What `error_counter` counts it under: OPA's code for errors of evaluation, the plugin's for all else.
    pub reason: Cow<'static, str>,
    /// The message, as callers see it.
    pub message: String,
    /// The code that callers see.
    pub code: GrpcCode,
    /// OPA's code and message apart, where it is an error of evaluation: the log tells it so.
    pub evaluation: Option<Box<Stopped>>,
}

impl Failure {
    /// The policy had nothing to say.
    pub(super) fn undefined() -> Self {
        Self::unknown("envoyauth_eval_error", "undefined decision".to_owned())
    }

    /// The evaluation failed.
    pub(super) fn of_evaluation(stopped: Stopped) -> Self {
        Self {
            evaluation: Some(Box::new(stopped.clone())),
            ..Self::unknown(stopped.code, stopped.opa)
        }
    }

    /// The evaluation could not be had.
    pub(super) fn of_engine(error: &dyn std::error::Error) -> Self {
        Self::unknown("envoyauth_eval_error", error.to_string())
    }

    /// The policy's answer can't be read.
    pub(super) fn of_result(problem: String) -> Self {
        Self::unknown("envoyauth_result_error", problem)
    }

    /// The caller waits no longer.
    pub(super) fn out_of_time() -> Self {
        Self {
            code: GrpcCode::DeadlineExceeded,
            ..Self::unknown(
                TIMEOUT,
                "check request timed out before query execution: context deadline exceeded".to_owned(),
            )
        }
    }

    /// Whether policy wasn't asked, since its caller waited no longer.
    #[must_use]
    pub fn is_too_late(&self) -> bool {
        self.reason == TIMEOUT
    }

    fn our_code(&self) -> Code {
        match self.reason.as_ref() {
            REQUEST_PARSE => Code::InvalidRequest,
            TIMEOUT | "eval_cancel_error" => Code::PolicyTimeout,
            _ => Code::PolicyError,
        }
    }

    fn unknown(reason: &'static str, message: String) -> Self {
        Self {
            reason: Cow::Borrowed(reason),
            message,
            code: GrpcCode::Unknown,
            evaluation: None,
        }
    }
}

impl Verdict {
    /// What our own log, metrics and explanations are told.
    pub fn record(
        &self,
        policy: Option<&ActivePolicy>,
        request: &RequestView<'_>,
        entropy: &Entropy,
    ) -> Record {
        let Identifiers {
            correlation_id,
            trace_parent,
            ..
        } = Identifiers::of(&request.http.headers, entropy);
        let mut record = Record::begin(self.decision_id, correlation_id, trace_parent);
        record.allowed = self.allowed;
        record.left_to_proxy = matches!(self.reply, Reply::Error { .. });
        record.policy_cache = self.policy_cache;
        record.policy_revision = policy.map(|policy| Arc::clone(policy.revision()));
        record.stage = match (&self.failure, self.allowed) {
            (Some(_), _) | (None, false) => Stage::Policy,
            (None, true) => Stage::Answer,
        };
        if let Some(failure) = &self.failure {
            record.code = Some(failure.our_code());
            record.reason = Some(Cow::Owned(failure.message.clone()));
        } else if !self.allowed {
            record.code = Some(Code::AccessDenied);
            record.reason = Some(Cow::Borrowed("the policy refused"));
        }
        record
    }

    /// A request of which no input can be made: denied with 400, without metadata.
    pub(super) fn unreadable(decision_id: Uuid, problem: &str) -> Self {
        let body = format!("{REQUEST_PARSE}: {problem}");
        let response = Response {
            status: PERMISSION_DENIED,
            message: body.clone(),
            http: Some(HttpAnswer::Denied(Denied {
                status: 400,
                headers: Vec::new(),
                body,
            })),
            metadata: None,
        };
        Self {
            decision_id,
            reply: Reply::Response(response),
            allowed: false,
            result: None,
            failure: Some(Failure::unknown(REQUEST_PARSE, problem.to_owned())),
            has_input: false,
            policy_cache: PolicyCache::default(),
        }
    }

    /// No decision.
    pub(super) fn failed(decision_id: Uuid, failure: Failure) -> Self {
        Self {
            decision_id,
            reply: Reply::Error {
                code: failure.code,
                message: failure.message.clone(),
            },
            allowed: false,
            result: None,
            failure: Some(failure),
            has_input: true,
            policy_cache: PolicyCache::default(),
        }
    }

    /// The same, with a denial in the place of an error: 500 and a problem document. A dry run lets through what policy
    /// denied; here it came to nothing, and so this stays, as the error would have.
    pub(super) fn denying(self, identifiers: &Identifiers) -> Self {
        let (Reply::Error { .. }, Some(failure)) = (&self.reply, &self.failure) else {
            return self;
        };
        let deny = refusal::plain(failure.our_code(), identifiers);
        let headers = deny.headers.into_iter().map(Header::into_parts);
        let response = Response {
            status: PERMISSION_DENIED,
            message: failure.message.clone(),
            http: Some(HttpAnswer::Denied(Denied {
                status: deny.status,
                headers: headers.collect(),
                body: deny.body,
            })),
            metadata: Some(Value::Object(Object::default())),
        };
        Self {
            reply: Reply::Response(response),
            ..self
        }
    }

    /// The same, of a policy that answered this.
    pub(super) fn with_result(self, result: Value) -> Self {
        Self {
            result: Some(result),
            ..self
        }
    }

    /// A decision. A dry run lets through what was denied, with the metadata that came with the denial.
    pub(super) fn decided(decision_id: Uuid, response: Response, result: Value, dry_run: bool) -> Self {
        let allowed = response.status == 0;
        let response = if dry_run && !allowed {
            Response {
                status: 0,
                message: String::new(),
                http: Some(HttpAnswer::Ok(Upstream::default())),
                metadata: response.metadata,
            }
        } else {
            response
        };
        Self {
            decision_id,
            reply: Reply::Response(response),
            allowed,
            result: Some(result),
            failure: None,
            has_input: true,
            policy_cache: PolicyCache::default(),
        }
    }
}

/// The plugin's codes (`internal/errors.go`).
const REQUEST_PARSE: &str = "request_parse_error";
const TIMEOUT: &str = "check_request_timeout";

/// `google.rpc.Code.PERMISSION_DENIED`.
pub(super) const PERMISSION_DENIED: u8 = 7;
