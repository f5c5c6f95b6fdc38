//! Asks the policy, and turns what it says into an answer that can be sent. Fails closed: undefined, an error, an
//! ill-formed result and a header that can't be sent all deny (R1.4, R10.5).

use std::borrow::Cow;
use std::fmt::Display;
use std::time::Duration;

use postern_policy::http::HttpAnswers;
use postern_policy::{DenyOrigin, Document, EngineError, PolicyResult, RefusalCode, Span, TimeLimit, Value};
use postern_telemetry::{Code, X_REQUEST_ID};

use crate::answer::{Allow, Answer, Deny, Need};
use crate::caller::Caller;
use crate::challenge;
use crate::correlation::Identifiers;
use crate::decision_cache::{Answered, Around, PolicyCache};
use crate::dpop::ProofId;
use crate::entropy::Entropy;
use crate::header::Header;
use crate::http_send::{HttpSend, MAX_HTTP_REQUESTS, Resumption};
use crate::input;
use crate::now::Now;
use crate::refusal::{self, About, Refusal, Wanted, Words};
use crate::routes::Route;
use crate::settings::Settings;
use crate::snapshot::ActivePolicy;
use crate::upstream;
use crate::view::RequestView;

/// What the policy is asked about.
pub(crate) struct Question<'a> {
    pub(crate) request: &'a RequestView<'a>,
    pub(crate) caller: &'a Caller,
    pub(crate) route: &'a Route,
    /// The path in canonical form.
    pub(crate) path: &'a str,
    pub(crate) identifiers: &'a Identifiers,
    pub(crate) settings: &'a Settings,
    /// For the `DPoP-Nonce` header of the answer.
    pub(crate) fresh_nonce: Option<&'a str>,
    /// The DPoP proof that this check has used up.
    pub(crate) spent_proof: Option<ProofId>,
    /// What earlier runs of this check got for the policy.
    pub(crate) answers: Option<&'a HttpAnswers>,
    /// How long they evaluated.
    pub(crate) spent_time: Duration,
}

impl<'a> Question<'a> {
    fn about(&self) -> About<'a> {
        About {
            settings: self.settings,
            identifiers: self.identifiers,
            headers: &self.request.http.headers,
            route: Some(self.route),
        }
    }
}

/// What came of asking: an answer for the proxy, and what the log is told of a refusal.
pub(crate) struct Judgement {
    pub(crate) answer: Answer,
    pub(crate) refused: Option<(Code, Cow<'static, str>)>,
}

/// The answer of a route that asks no policy.
///
/// # Errors
/// When the proxy would refuse our headers.
pub(crate) fn unasked(question: &Question<'_>) -> Result<Judgement, Refusal> {
    allowed(&postern_policy::Allow::default(), question)
}

/// Asks the policy in force: what it answered to the same question before, where that still holds, or by evaluating it.
/// `cache` is told which.
///
/// # Errors
/// `policy_unavailable` without one, `invalid_request` where policy can't be asked about such a request, `policy_error` where it fails or answers what can't be acted
/// on, `policy_timeout` where it is stopped at a limit.
pub(crate) fn judge(
    policy: Option<&ActivePolicy>,
    question: &Question<'_>,
    now: Now,
    entropy: &Entropy,
    cache: &mut PolicyCache,
) -> Result<Judgement, Refusal> {
    let Some(policy) = policy else {
        return Err(Refusal::new(
            Code::PolicyUnavailable,
            "no policy has been activated yet",
        ));
    };
    let reads = policy.engine().reads(policy.entrypoint());
    input::with_document(reads, question, |input| {
        let Some(memory) = policy.cache() else {
            let (result, _) = evaluate(policy, question, input, now, entropy)?;
            return judgement(&result, question);
        };
        let around = Around {
            route: &question.route.name,
            issuer: question.caller.identity.issuer().map_or("", |issuer| issuer),
            http_send: question.route.http_send,
        };
        let key = memory.key(&around, input);
        if let Some(kept) = memory.find(&key, now)
            && let Answered::Read(result) = kept.answer()
        {
            *cache = PolicyCache::Hit;
            return judgement(result, question);
        }
        *cache = PolicyCache::Missed;
        let (result, span) = evaluate(policy, question, input, now, entropy)?;
        let judged = judgement(&result, question);
        memory.remember(key, Answered::Read(result), span, now);
        judged
    })
    .map_err(|error| Refusal::new(Code::InvalidRequest, error.to_string()))?
}

/// What the policy says now, and at which other instants it would say the same, as far as the clock has a part in it.
fn evaluate(
    policy: &ActivePolicy,
    question: &Question<'_>,
    input: &dyn Document,
    now: Now,
    entropy: &Entropy,
) -> Result<(PolicyResult, Span), Refusal> {
    let mut env = policy.limits().env(now, entropy.policy_seed);
    let mut began = None;
    if question.route.http_send {
        let none = || HttpAnswers::up_to(MAX_HTTP_REQUESTS);
        env.http = question.answers.cloned().unwrap_or_else(none);
        // All evaluations of a decision share its time, waiting not counted.
        if let Some(limit) = env.time_limit {
            let left = limit.less(question.spent_time);
            env.time_limit = Some(left.ok_or_else(|| out_of_time(limit))?);
            began = Some(limit.now());
        }
    }
    let (result, span) = policy
        .engine()
        .evaluate_dated(policy.entrypoint(), input, &env)
        .map_err(|error| {
            let ended = env.time_limit.map(TimeLimit::now);
            let took = ended.zip(began).map(|(ended, began)| ended.saturating_sub(began));
            let so_far = Resumption {
                now,
                entropy: entropy.clone(),
                answers: env.http.clone(),
                spent_proof: question.spent_proof,
                spent_time: question.spent_time.saturating_add(took.unwrap_or_default()),
            };
            failed(error, so_far)
        })?;
    let result = PolicyResult::from_value(result.as_ref())
        .map_err(|error| Refusal::new(Code::PolicyError, error.to_string()))?;
    Ok((result, span))
}

/// The answer that a policy's result is.
///
/// # Errors
/// When it can't be sent.
pub(crate) fn judgement(result: &PolicyResult, question: &Question<'_>) -> Result<Judgement, Refusal> {
    match result {
        PolicyResult::Allow(allow) => allowed(allow, question),
        PolicyResult::Deny(deny) => denied(deny, question),
    }
}

fn out_of_time(limit: TimeLimit) -> Refusal {
    let most = limit.max();
    Refusal::new(
        Code::PolicyTimeout,
        format!("evaluation stopped: the evaluations between the policy's requests took {most:?} together"),
    )
}

/// The refusal where evaluation failed.
pub(crate) fn refused(error: &EngineError) -> Refusal {
    let code = match error {
        EngineError::Limit(_) => Code::PolicyTimeout,
        _ => Code::PolicyError,
    };
    Refusal::new(code, error.to_string())
}

/// Where the policy asks for a request, what the decision goes on with is told, too.
fn failed(error: EngineError, so_far: Resumption) -> Refusal {
    let refusal = refused(&error);
    match error {
        EngineError::NeedsHttp(request) => {
            refusal.needing(Need::HttpSend(Box::new(HttpSend::new(request, so_far))))
        }
        _ => refusal,
    }
}

fn allowed(allow: &postern_policy::Allow, question: &Question<'_>) -> Result<Judgement, Refusal> {
    let changes = upstream::changes(
        question.caller,
        question.route,
        &question.request.http.headers,
        sendable(&allow.headers)?,
        removable(&allow.request_headers_to_remove)?,
        question.settings,
        question.identifiers,
    )
    .map_err(|error| Refusal::new(Code::HeadersTooMany, error.to_string()))?;
    let mut response_set = vec![question.identifiers.request_id()];
    response_set.extend(question.fresh_nonce.map(challenge::nonce));
    response_set.extend(for_client(&allow.response_headers_to_add, question.settings)?);
    let answer = Answer::Allow(Allow {
        upstream_set: changes.set,
        upstream_remove: changes.remove,
        response_set,
        query_set: allow.query_parameters_to_set.clone(),
        query_remove: allow.query_parameters_to_remove.clone(),
        metadata: allow.dynamic_metadata.clone(),
    });
    Ok(Judgement {
        answer,
        refused: None,
    })
}

fn denied(deny: &postern_policy::Deny, question: &Question<'_>) -> Result<Judgement, Refusal> {
    let code = match deny.refusal.code {
        RefusalCode::AccessDenied => Code::AccessDenied,
        RefusalCode::InsufficientScope => Code::InsufficientScope,
    };
    let mut words = Words::of(code);
    if let Some(status) = deny.http_status {
        words.status = status;
    }
    if let Some(reason) = &deny.refusal.reason {
        words.detail = Cow::Borrowed(reason);
    }
    let wanted = deny.refusal.required_scope.clone().map(Wanted::Scope);
    let ours = refusal::answer(&words, wanted.as_ref(), question.fresh_nonce, &question.about());
    let answer = Answer::Deny(with_policys_own(
        ours,
        for_client(&deny.headers, question.settings)?,
        deny.body.clone(),
        deny.dynamic_metadata.clone(),
    ));
    Ok(Judgement {
        answer,
        refused: Some((code, reason(deny.origin, deny.refusal.reason.clone()))),
    })
}

/// The policy's body takes the place of ours, and so does each header that it names.
fn with_policys_own(ours: Deny, theirs: Vec<Header>, body: Option<String>, metadata: Option<Value>) -> Deny {
    let replaced = |header: &Header| theirs.iter().any(|other| other.name() == header.name());
    let has_own_body = body.is_some();
    let mut headers: Vec<Header> = ours
        .headers
        .into_iter()
        .filter(|header| !(replaced(header) || has_own_body && header.name() == "content-type"))
        .collect();
    headers.extend(theirs);
    Deny {
        status: ours.status,
        headers,
        body: body.unwrap_or(ours.body),
        metadata,
    }
}

fn reason(origin: DenyOrigin, words: Option<String>) -> Cow<'static, str> {
    match (words, origin) {
        (Some(words), _) => Cow::Owned(words),
        (None, DenyOrigin::Undefined) => Cow::Borrowed("the policy's decision is undefined for this request"),
        (None, DenyOrigin::Boolean | DenyOrigin::Object) => Cow::Borrowed("the policy refused"),
    }
}

/// Headers for the upstream.
fn sendable(headers: &[(String, String)]) -> Result<Vec<Header>, Refusal> {
    headers
        .iter()
        .map(|(name, value)| Header::new(name, value.as_str()))
        .collect::<Result<_, _>>()
        .map_err(|error| ill_header(&error))
}

/// Headers for the client, who is sent no pseudo-headers, and ids of ours only.
fn for_client(headers: &[(String, String)], settings: &Settings) -> Result<Vec<Header>, Refusal> {
    if let Some((name, _)) = headers.iter().find(|(name, _)| name.starts_with(':')) {
        return Err(ill_header(&format!("{name:?} can't be sent to a client")));
    }
    let mut headers = sendable(headers)?;
    headers.retain(|header| header.name() != X_REQUEST_ID && !settings.prefix.is_identity(header.name()));
    Ok(headers)
}

/// Names that Envoy can remove: it refuses to take away what a request can't be without.
fn removable(names: &[String]) -> Result<&[String], Refusal> {
    let refused = |name: &&String| {
        name.starts_with(':') || name.eq_ignore_ascii_case("host") || !crate::header::is_name(name)
    };
    match names.iter().find(refused) {
        Some(name) => Err(ill_header(&format!("header {name:?} can't be removed"))),
        None => Ok(names),
    }
}

fn ill_header(problem: &dyn Display) -> Refusal {
    Refusal::new(
        Code::PolicyError,
        format!("the policy's result can't be sent: {problem}"),
    )
}
