//! The decision as opa-envoy-plugin makes it (github.com/open-policy-agent/opa-envoy-plugin, `internal/internal.go`): the
//! policy decides, and nothing of ours is added to what it is asked, to what it says, or to what is said where it fails.
//! Held to the plugin itself, to the byte, by the cases in `e2e/golden`.
//!
//! | file | job |
//! |---|---|
//! | `input` | the document, or the 400 of a request that none can be made of |
//! | `result` | what the policy answered, read as the plugin reads it |
//! | `members` | the members of such an answer, each with the plugin's words about an ill-formed one |
//! | `verdict` | what comes of it |

mod input;
mod members;
mod result;
mod verdict;

use std::sync::Arc;
use std::time::Duration;

use postern_policy::http::HttpAnswers;
use postern_policy::input::{Bodies, GrpcMessages, InputDocument, InputError, InputReads};
use postern_policy::{Calls, Document, EngineError, Part, Span, TimeLimit, Value};
use uuid::Uuid;

use crate::correlation::Identifiers;
use crate::decision_cache::{Answered, Around, PolicyCache};
use crate::entropy::Entropy;
use crate::http_send::{HttpSend, Resumption};
use crate::now::Now;
use crate::snapshot::ActivePolicy;
use crate::view::RequestView;

use input::Verbatim;

pub use verdict::{Denied, Failure, GrpcCode, HttpAnswer, Reply, Response, Upstream, Verdict};

/// What the plugin's configuration says about answers.
#[derive(Debug, Clone, Default)]
pub struct OpaEnvoySettings {
    /// Whether everything is let through (`dry-run`); what would have been decided is logged.
    pub dry_run: bool,
    /// Whether bodies are left unparsed (`skip-request-body-parse`).
    pub skip_request_body_parse: bool,
    /// Whether a policy that comes to no decision denies (`on-policy-error: deny`, ours); else it is an error of gRPC's.
    pub denies_on_policy_error: bool,
    /// The largest answer, in bytes (`grpc-max-send-msg-size`); any, if there is none.
    pub max_sent_bytes: Option<usize>,
    /// How many different requests (`http.send`) one decision may make.
    pub http_requests: usize,
    /// The types of gRPC's messages (`proto-descriptor`).
    pub grpc: Option<Arc<dyn GrpcMessages + Send>>,
}

impl OpaEnvoySettings {
    fn bodies(&self) -> Bodies {
        if self.skip_request_body_parse {
            Bodies::Never
        } else {
            Bodies::Always
        }
    }

    fn grpc(&self) -> Option<&dyn GrpcMessages> {
        let messages = self.grpc.as_deref()?;
        Some(messages)
    }
}

/// Decides on one request, of which the view must be the verbatim one. Without a policy every decision is undefined. A policy
/// that comes to `http.send` fails.
pub fn decide_as_opa_envoy(
    policy: Option<&ActivePolicy>,
    request: &RequestView<'_>,
    settings: &OpaEnvoySettings,
    time_left: Option<Duration>,
    now: Now,
    entropy: &Entropy,
) -> Verdict {
    let moment = Asking {
        time_left,
        now,
        entropy,
        answers: HttpAnswers::default(),
        calls: None,
    };
    decided(policy, request, settings, &moment, &mut None)
}

/// As [`decide_as_opa_envoy`], of a policy that may have requests made (`http.send`): as many as the settings say, one after
/// the other. `resumed` is what it goes on with, of which time and randomness hold.
///
/// # Errors
/// The request that the policy asks for.
pub fn attempt_as_opa_envoy(
    policy: Option<&ActivePolicy>,
    request: &RequestView<'_>,
    settings: &OpaEnvoySettings,
    time_left: Option<Duration>,
    (now, entropy): (Now, &Entropy),
    resumed: Option<&Resumption>,
) -> Result<Verdict, Box<HttpSend>> {
    let moment = match resumed {
        Some(resumed) => Asking {
            time_left,
            now: resumed.now,
            entropy: &resumed.entropy,
            answers: resumed.answers.clone(),
            calls: None,
        },
        None => Asking {
            time_left,
            now,
            entropy,
            answers: HttpAnswers::up_to(settings.http_requests),
            calls: None,
        },
    };
    let mut wanted = None;
    let verdict = decided(policy, request, settings, &moment, &mut wanted);
    wanted.map_or(Ok(verdict), Err)
}

/// The calls of builtins that don't answer alike each time, of a decision that was made with this: it is made once more for
/// them, and comes to the same.
pub fn calls_of(
    policy: &ActivePolicy,
    request: &RequestView<'_>,
    settings: &OpaEnvoySettings,
    made_with: &Resumption,
) -> Value {
    let calls = Calls::default();
    let asking = Asking {
        time_left: None,
        now: made_with.now,
        entropy: &made_with.entropy,
        answers: made_with.answers.clone(),
        calls: Some(calls.clone()),
    };
    decided(Some(policy), request, settings, &asking, &mut None);
    calls.to_value()
}

/// What a policy is asked with besides its input.
struct Asking<'a> {
    time_left: Option<Duration>,
    now: Now,
    entropy: &'a Entropy,
    answers: HttpAnswers,
    /// Where calls of builtins are told of.
    calls: Option<Calls>,
}

impl Asking<'_> {
    fn so_far(&self) -> Resumption {
        Resumption {
            now: self.now,
            entropy: self.entropy.clone(),
            answers: self.answers.clone(),
            spent_proof: None,
            spent_time: Duration::ZERO,
        }
    }
}

/// `wanted` is set to the request that the policy asks for, where it came to one; there is no verdict then.
fn decided(
    policy: Option<&ActivePolicy>,
    request: &RequestView<'_>,
    settings: &OpaEnvoySettings,
    asking: &Asking<'_>,
    wanted: &mut Option<Box<HttpSend>>,
) -> Verdict {
    let decision_id = uuid::Builder::from_random_bytes(asking.entropy.decision_id).into_uuid();
    let reads = match policy {
        Some(policy) => policy.engine().reads(policy.entrypoint()),
        None => InputReads::nothing(),
    };
    let mut cache = PolicyCache::default();
    let ask = |input: &InputDocument<'_, Verbatim<'_>>| match policy {
        Some(policy) => answer(policy, input, asking, &mut cache, wanted),
        None => Ok(None),
    };
    let mut verdict = match input::with_document(reads, request, settings.bodies(), settings.grpc(), ask) {
        Err(error) => Verdict::unreadable(decision_id, &error.as_opa_envoy()),
        Ok(Err(failure)) => Verdict::failed(decision_id, failure),
        Ok(Ok(None)) => Verdict::failed(decision_id, Failure::undefined()),
        Ok(Ok(Some(result))) => judge(decision_id, result, settings),
    };
    verdict.policy_cache = cache;
    if settings.denies_on_policy_error {
        verdict = verdict.denying(&Identifiers::of(&request.http.headers, asking.entropy));
    }
    verdict
}

/// What the policy answered to the same question before, where that still holds, or says now.
fn answer(
    policy: &ActivePolicy,
    input: &InputDocument<'_, Verbatim<'_>>,
    asking: &Asking<'_>,
    cache: &mut PolicyCache,
    wanted: &mut Option<Box<HttpSend>>,
) -> Result<Option<Value>, Failure> {
    let Some(memory) = policy.cache().filter(|_| asking.calls.is_none()) else {
        return Ok(evaluate(policy, input, asking, wanted)?.0);
    };
    if asking.time_left.is_some_and(|left| left.is_zero()) {
        return Err(Failure::out_of_time());
    }
    let key = memory.key(&Around::default(), input);
    if let Some(kept) = memory.find(&key, asking.now)
        && let Answered::Raw(answer) = kept.answer()
    {
        *cache = PolicyCache::Hit;
        return Ok(answer.clone());
    }
    *cache = PolicyCache::Missed;
    let (answer, span) = evaluate(policy, input, asking, wanted)?;
    memory.remember(key, Answered::Raw(answer.clone()), span, asking.now);
    Ok(answer)
}

/// The whole document that [`decide_as_opa_envoy`] asks with, of which policy may have looked at a part: for the log.
///
/// # Errors
/// When none can be made of the request.
pub fn whole_input(request: &RequestView<'_>, settings: &OpaEnvoySettings) -> Result<Value, InputError> {
    let whole = |input: &InputDocument<'_, Verbatim<'_>>| input.value(Part::WHOLE).clone();
    let everything = InputReads::everything();
    input::with_document(everything, request, settings.bodies(), settings.grpc(), whole)
}

fn evaluate(
    policy: &ActivePolicy,
    input: &dyn Document,
    asking: &Asking<'_>,
    wanted: &mut Option<Box<HttpSend>>,
) -> Result<(Option<Value>, Span), Failure> {
    let mut env = policy.env(asking.now, asking.entropy.policy_seed);
    if let Some(left) = asking.time_left {
        // What the caller waits for is an end, too.
        env.time_limit = env.time_limit.map(|limit: TimeLimit| limit.at_most(left));
        if left.is_zero() {
            return Err(Failure::out_of_time());
        }
    }
    env.http.clone_from(&asking.answers);
    env.calls.clone_from(&asking.calls);
    let answered = policy.engine().evaluate_dated(policy.entrypoint(), input, &env);
    answered.map_err(|error| match error {
        EngineError::Evaluation(stopped) | EngineError::Limit(stopped) => Failure::of_evaluation(stopped),
        EngineError::NeedsHttp(request) => {
            let told = EngineError::NeedsHttp(request.clone());
            *wanted = Some(Box::new(HttpSend::new(request, asking.so_far())));
            Failure::of_engine(&told)
        }
        other => Failure::of_engine(&other),
    })
}

fn judge(decision_id: Uuid, result: Value, settings: &OpaEnvoySettings) -> Verdict {
    match result::response(&result) {
        Err(problem) => Verdict::failed(decision_id, Failure::of_result(problem)).with_result(result),
        Ok(response) => Verdict::decided(decision_id, response, result, settings.dry_run),
    }
}
