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

use postern_policy::input::{Bodies, GrpcMessages, InputDocument, InputError, InputReads};
use postern_policy::{Document, EngineError, Part, Span, TimeLimit, Value};
use uuid::Uuid;

use crate::decision_cache::{Answered, Around, PolicyCache};
use crate::entropy::Entropy;
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

/// Decides on one request, of which the view must be the verbatim one. Without a policy every decision is undefined.
pub fn decide_as_opa_envoy(
    policy: Option<&ActivePolicy>,
    request: &RequestView<'_>,
    settings: &OpaEnvoySettings,
    time_left: Option<Duration>,
    now: Now,
    entropy: &Entropy,
) -> Verdict {
    let decision_id = uuid::Builder::from_random_bytes(entropy.decision_id).into_uuid();
    let reads = match policy {
        Some(policy) => policy.engine().reads(policy.entrypoint()),
        None => InputReads::nothing(),
    };
    let mut cache = PolicyCache::default();
    let ask = |input: &InputDocument<'_, Verbatim<'_>>| match policy {
        Some(policy) => answer(policy, input, time_left, now, entropy, &mut cache),
        None => Ok(None),
    };
    let mut verdict = match input::with_document(reads, request, settings.bodies(), settings.grpc(), ask) {
        Err(error) => Verdict::unreadable(decision_id, &error.as_opa_envoy()),
        Ok(Err(failure)) => Verdict::failed(decision_id, failure),
        Ok(Ok(None)) => Verdict::failed(decision_id, Failure::undefined()),
        Ok(Ok(Some(result))) => judge(decision_id, result, settings),
    };
    verdict.policy_cache = cache;
    verdict
}

/// What the policy answered to the same question before, where that still holds, or says now.
fn answer(
    policy: &ActivePolicy,
    input: &InputDocument<'_, Verbatim<'_>>,
    time_left: Option<Duration>,
    now: Now,
    entropy: &Entropy,
    cache: &mut PolicyCache,
) -> Result<Option<Value>, Failure> {
    let Some(memory) = policy.cache() else {
        return Ok(evaluate(policy, input, time_left, now, entropy)?.0);
    };
    if time_left.is_some_and(|left| left.is_zero()) {
        return Err(Failure::out_of_time());
    }
    let key = memory.key(&Around::default(), input);
    if let Some(kept) = memory.find(&key, now)
        && let Answered::Raw(answer) = kept.answer()
    {
        *cache = PolicyCache::Hit;
        return Ok(answer.clone());
    }
    *cache = PolicyCache::Missed;
    let (answer, span) = evaluate(policy, input, time_left, now, entropy)?;
    memory.remember(key, Answered::Raw(answer.clone()), span, now);
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
    time_left: Option<Duration>,
    now: Now,
    entropy: &Entropy,
) -> Result<(Option<Value>, Span), Failure> {
    let mut env = policy.env(now, entropy.policy_seed);
    if let Some(left) = time_left {
        // What the caller waits for is an end, too.
        env.time_limit = env.time_limit.map(|limit: TimeLimit| limit.at_most(left));
        if left.is_zero() {
            return Err(Failure::out_of_time());
        }
    }
    let answered = policy.engine().evaluate_dated(policy.entrypoint(), input, &env);
    answered.map_err(|error| match error {
        EngineError::Evaluation(stopped) | EngineError::Limit(stopped) => Failure::of_evaluation(stopped),
        other => Failure::of_engine(&other),
    })
}

fn judge(decision_id: Uuid, result: Value, settings: &OpaEnvoySettings) -> Verdict {
    match result::response(&result) {
        Err(problem) => Verdict::failed(decision_id, Failure::of_result(problem)).with_result(result),
        Ok(response) => Verdict::decided(decision_id, response, result, settings.dry_run),
    }
}
