//! A policy that decides nothing, put beside the one in force: the question of a decision that was made is put to both once
//! more, at the same moment, with the same randomness and the same answers of others, and what each would have the proxy do
//! is compared. Off the answer's path: whoever decides keeps an [`Asked`], and the host compares when it has time.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use postern_policy::http::HttpAnswers;
use postern_policy::{EngineError, PolicyResult, TimeLimit};
use postern_telemetry::Code;

use crate::answer::{Answer, Record};
use crate::caller::Caller;
use crate::correlation::Identifiers;
use crate::entropy::Entropy;
use crate::header::Header;
use crate::http_send::{MAX_HTTP_REQUESTS, Resumption};
use crate::input;
use crate::now::Now;
use crate::path::canonical;
use crate::policy::{Judgement, Question, judgement, refused};
use crate::refusal::{About, Refusal};
use crate::routes::{Route, Target};
use crate::snapshot::{ActivePolicy, Snapshot};
use crate::view::RequestView;

/// What a policy was asked with, besides the request. Only good for the request that it was made for.
#[derive(Debug, Clone)]
pub struct Asked {
    now: Now,
    entropy: Entropy,
    caller: Caller,
    answers: Option<HttpAnswers>,
}

impl Asked {
    /// Of a decision that was made; `None` where it was settled before any policy was asked. `resumption` is what it went on
    /// with, where it was interrupted.
    pub fn of(record: &Record, now: Now, entropy: &Entropy, resumption: Option<&Resumption>) -> Option<Self> {
        record.policy_revision.as_ref()?;
        Some(Self {
            now,
            entropy: entropy.clone(),
            caller: Caller {
                identity: record.caller.clone(),
                peer: record.peer.clone(),
                methods: record.methods,
                binding: record.binding,
            },
            answers: resumption.map(|resumption| resumption.answers.clone()),
        })
    }
}

/// In which way two policies differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The candidate would let the request through, which the other refuses.
    WouldAllow,
    /// It would refuse what the other lets through.
    WouldDeny,
    /// Both let it through, or refuse it, in another way.
    Other,
    /// It fails, and the other doesn't, or in another way.
    Error,
}

impl Kind {
    /// Its name in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WouldAllow => "would_allow",
            Self::WouldDeny => "would_deny",
            Self::Other => "other",
            Self::Error => "error",
        }
    }
}

/// What came of comparing.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// `None` where both would have the proxy do the very same.
    pub kind: Option<Kind>,
    /// The route that the request met.
    pub route: Arc<str>,
    /// What of the answers differs, by member and, of headers, name; no values.
    pub differs: Vec<String>,
    /// What the policy in force says.
    pub active: Said,
    /// What the candidate says.
    pub candidate: Said,
}

/// What a policy would have the proxy do, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Whether the request would go on.
    pub allowed: bool,
    /// Whether nothing would be decided, and the proxy left to do what it does when its authorizer fails.
    pub left_to_proxy: bool,
    /// The status for the client, where not.
    pub status: Option<u16>,
    /// Why not.
    pub code: Option<Code>,
    /// Why not, in words for an operator.
    pub reason: Option<Cow<'static, str>>,
}

/// Why two policies can't be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotComparable {
    /// One asks for a request (`http.send`) that the decision didn't make.
    #[error("it asks for a request that isn't made here")]
    Request,
    /// The snapshot isn't the one that was decided with: it has no policy, or no route for this request.
    #[error("it isn't the snapshot that was decided with")]
    OtherSnapshot,
}

/// Puts the question of a decision to the policy that made it and to `candidate`. `snapshot` is the one that was decided with.
/// Each has its limits, of which that of time is by `clock`: such as runs only while it is evaluated.
///
/// # Errors
/// [`NotComparable`].
pub fn compare(
    snapshot: &Snapshot,
    candidate: &ActivePolicy,
    request: &RequestView<'_>,
    asked: &Asked,
    clock: fn() -> Duration,
) -> Result<Comparison, NotComparable> {
    let http = &request.http;
    let path = canonical(http.path).map_err(|_| NotComparable::OtherSnapshot)?;
    let target = Target::of(request, &path);
    let route = snapshot
        .routes
        .find(&target)
        .ok_or(NotComparable::OtherSnapshot)?;
    let active = snapshot.policy.as_deref().ok_or(NotComparable::OtherSnapshot)?;
    let identifiers = Identifiers::of(&http.headers, &asked.entropy);
    let question = Question {
        request,
        caller: &asked.caller,
        route,
        path: &path,
        identifiers: &identifiers,
        settings: &snapshot.settings,
        // Of what policies have no part in, both answers have the same.
        fresh_nonce: None,
        spent_proof: None,
        answers: asked.answers.as_ref(),
        spent_time: Duration::ZERO,
    };
    let active = put(active, &question, asked, clock)?;
    let candidate = put(candidate, &question, asked, clock)?;
    Ok(compared(active, candidate, &question, route))
}

/// What this policy says.
fn put(
    policy: &ActivePolicy,
    question: &Question<'_>,
    asked: &Asked,
    clock: fn() -> Duration,
) -> Result<Result<Judgement, Refusal>, NotComparable> {
    let reads = policy.engine().reads(policy.entrypoint());
    let mut env = policy.limits().env(asked.now, asked.entropy.policy_seed);
    env.time_limit = env.time_limit.map(|limit| TimeLimit::new(limit.max(), clock));
    if question.route.http_send {
        let none = || HttpAnswers::up_to(MAX_HTTP_REQUESTS);
        env.http = question.answers.cloned().unwrap_or_else(none);
    }
    let evaluated = input::with_document(reads, question, |input| {
        policy
            .engine()
            .evaluate_document(policy.entrypoint(), input, &env)
    });
    let result = match evaluated {
        Err(error) => return Ok(Err(Refusal::new(Code::InvalidRequest, error.to_string()))),
        Ok(Err(EngineError::NeedsHttp(_))) if question.route.http_send => {
            return Err(NotComparable::Request);
        }
        Ok(Err(error)) => return Ok(Err(refused(&error))),
        Ok(Ok(result)) => result,
    };
    let result = PolicyResult::from_value(result.as_ref())
        .map_err(|error| Refusal::new(Code::PolicyError, error.to_string()));
    Ok(result.and_then(|result| judgement(&result, question)))
}

fn compared(
    active: Result<Judgement, Refusal>,
    candidate: Result<Judgement, Refusal>,
    question: &Question<'_>,
    route: &Route,
) -> Comparison {
    let fails = candidate.is_err();
    let (active, one) = said(active, question, route);
    let (candidate, other) = said(candidate, question, route);
    let mut differs = match (&one, &other) {
        (Answer::Allow(one), Answer::Allow(other)) => {
            let mut differs = headers("upstream_headers", &one.upstream_set, &other.upstream_set);
            differs.extend(headers(
                "response_headers",
                &one.response_set,
                &other.response_set,
            ));
            differs.extend(named([
                ("upstream_removed", one.upstream_remove != other.upstream_remove),
                ("query_set", one.query_set != other.query_set),
                ("query_removed", one.query_remove != other.query_remove),
                ("dynamic_metadata", one.metadata != other.metadata),
            ]));
            differs
        }
        (Answer::Deny(one), Answer::Deny(other)) => {
            let mut differs = headers("headers", &one.headers, &other.headers);
            differs.extend(named([
                ("status", one.status != other.status),
                ("body", one.body != other.body),
                ("dynamic_metadata", one.metadata != other.metadata),
            ]));
            differs
        }
        // What failed is in the code.
        (Answer::Failed(_), Answer::Failed(_)) => Vec::new(),
        _ => named([("allowed", true)]).collect(),
    };
    if active.code != candidate.code {
        differs.push("code".to_owned());
    }
    let kind = match (active.allowed, candidate.allowed) {
        _ if differs.is_empty() => None,
        (_, false) if fails => Some(Kind::Error),
        (false, true) => Some(Kind::WouldAllow),
        (true, false) => Some(Kind::WouldDeny),
        (true, true) | (false, false) => Some(Kind::Other),
    };
    Comparison {
        kind,
        route: Arc::clone(&route.name),
        differs,
        active,
        candidate,
    }
}

/// What the proxy would be told, in short and whole.
fn said(judged: Result<Judgement, Refusal>, question: &Question<'_>, route: &Route) -> (Said, Answer) {
    let (answer, refused) = match judged {
        Ok(Judgement { answer, refused }) => (answer, refused),
        Err(refusal) => {
            let answer = refusal.answer(&About {
                settings: question.settings,
                identifiers: question.identifiers,
                headers: &question.request.http.headers,
                route: Some(route),
            });
            (answer, Some((refusal.code, refusal.reason)))
        }
    };
    let status = match &answer {
        Answer::Allow(_) | Answer::Failed(_) => None,
        Answer::Deny(deny) => Some(deny.status),
    };
    let allowed = refused.is_none();
    let (code, reason) = refused.unzip();
    let said = Said {
        allowed,
        left_to_proxy: matches!(answer, Answer::Failed(_)),
        status,
        code,
        reason,
    };
    (said, answer)
}

/// The names of headers of which the two have other values, or in another order. The order of names means nothing.
fn headers(member: &str, one: &[Header], other: &[Header]) -> Vec<String> {
    if one == other {
        return Vec::new();
    }
    let values = |headers: &[Header]| {
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for header in headers {
            let of_name = values.entry(header.name().to_ascii_lowercase()).or_default();
            of_name.push(header.value().to_owned());
        }
        values
    };
    let (one, other) = (values(one), values(other));
    let names = one
        .keys()
        .chain(other.keys().filter(|name| !one.contains_key(*name)));
    let differing = names.filter(|name| one.get(*name) != other.get(*name));
    differing.map(|name| format!("{member}.{name}")).collect()
}

fn named<const N: usize>(members: [(&'static str, bool); N]) -> impl Iterator<Item = String> {
    members
        .into_iter()
        .filter(|(_, differs)| *differs)
        .map(|(member, _)| member.to_owned())
}
