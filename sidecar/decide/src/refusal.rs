//! Why a request is refused, as the stages say it, and the answer that the client gets for it: a problem document
//! (RFC 9457) and the challenges that tell what would do. The log is told the exact code and reason, the client only as
//! much as helps it and nobody else.

use std::borrow::Cow;
use std::sync::Arc;

use postern_telemetry::{Code, Error, PROBLEM_JSON, Problem};

use crate::answer::{Answer, Deny, Failed, Need};
use crate::challenge;
use crate::correlation::Identifiers;
use crate::header::Header;
use crate::headers::Headers;
use crate::routes::{OnPolicyError, Route, StepUp};
use crate::settings::Settings;

/// A refusal before it is put into words for the client.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The exact code, for the log.
    pub code: Code,
    /// Why, for an operator; never for the client.
    pub reason: Cow<'static, str>,
    /// The issuer whose keys may have to be fetched again.
    pub refetch: Option<Arc<str>>,
    /// What the host might get, after which the answer may be another.
    pub need: Option<Box<Need>>,
    wanted: Option<Box<Wanted>>,
    fresh_nonce: Option<String>,
}

/// What would do instead, for the challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A token with these scopes, with spaces between.
    Scope(String),
    /// A token of a user who signed in like this.
    StepUp(StepUp),
}

impl Refusal {
    pub(crate) fn new(code: Code, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            reason: reason.into(),
            refetch: None,
            need: None,
            wanted: None,
            fresh_nonce: None,
        }
    }

    pub(crate) fn missing_token(reason: &'static str) -> Self {
        Self::new(Code::MissingToken, reason)
    }

    pub(crate) fn malformed(reason: &'static str) -> Self {
        Self::new(Code::TokenMalformed, reason)
    }

    /// The refusal, and a hint that this issuer's keys should be fetched again.
    pub(crate) fn refetching(self, issuer: &Arc<str>) -> Self {
        Self {
            refetch: Some(Arc::clone(issuer)),
            ..self
        }
    }

    /// The refusal that stands where the host can't get what is needed.
    pub(crate) fn needing(self, need: Need) -> Self {
        Self {
            need: Some(Box::new(need)),
            ..self
        }
    }

    /// The refusal, with what would do instead.
    pub(crate) fn asking(self, wanted: Wanted) -> Self {
        Self {
            wanted: Some(Box::new(wanted)),
            ..self
        }
    }

    /// The refusal, with a nonce for the next proof.
    pub(crate) fn with_nonce(self, fresh_nonce: Option<String>) -> Self {
        Self { fresh_nonce, ..self }
    }

    /// What the proxy is told.
    pub(crate) fn answer(&self, about: &About<'_>) -> Answer {
        let deny = self.denial(about);
        if !self.is_left_to_proxy(about.route) {
            return Answer::Deny(deny);
        }
        Answer::Failed(Box::new(Failed {
            code: self.code,
            message: self.reason.clone(),
            deny,
        }))
    }

    /// Whether the policy came to no decision, and `route` leaves that to the proxy.
    pub(crate) fn is_left_to_proxy(&self, route: Option<&Route>) -> bool {
        let failed = matches!(
            self.code,
            Code::PolicyError | Code::PolicyTimeout | Code::PolicyUnavailable
        );
        failed && route.is_some_and(|route| route.on_policy_error == OnPolicyError::Error)
    }

    fn denial(&self, about: &About<'_>) -> Deny {
        answer(
            &Words::of(self.code),
            self.wanted.as_deref(),
            self.fresh_nonce.as_deref(),
            about,
        )
    }
}

/// What a refusal is about.
#[derive(Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) identifiers: &'a Identifiers,
    pub(crate) headers: &'a Headers<'a>,
    /// `None` where the check ended before one was found.
    pub(crate) route: Option<&'a Route>,
}

/// What the client is told.
pub(crate) struct Words<'a> {
    /// The code that the client sees.
    pub(crate) code: Code,
    /// The HTTP status.
    pub(crate) status: u16,
    /// A sentence, safe for anybody.
    pub(crate) detail: Cow<'a, str>,
}

impl Words<'static> {
    /// The words for `code`, which may say less than the log does.
    pub(crate) fn of(code: Code) -> Self {
        let public = code.for_stranger();
        Self {
            code: public,
            status: public.http_status(),
            detail: Cow::Borrowed(detail(public)),
        }
    }
}

fn detail(code: Code) -> &'static str {
    match code {
        Code::MissingToken => "this resource needs an access token, and the request has none",
        Code::TokenExpired => "the access token has expired",
        Code::InvalidToken => "the access token is not valid here",
        Code::InsufficientScope => "the access token lacks a scope that this request needs",
        Code::InsufficientUserAuthentication => {
            "this request needs a user who signed in more strongly or more lately"
        }
        Code::DpopProofMissing => "this request needs one DPoP proof, made for it",
        Code::DpopProofInvalid => "the DPoP proof is not valid for this request",
        Code::DpopProofReplayed => "the DPoP proof was used before; make a new one for each request",
        Code::UseDpopNonce => "the DPoP proof needs the nonce of the DPoP-Nonce header",
        Code::Unauthenticated => "this resource needs a credential, and the request has none",
        Code::ApiKeyInvalid => "the API key is not valid here",
        Code::PeerRequired => "this resource needs a client certificate that names a workload",
        Code::PeerUntrusted => "this workload may not make this request",
        Code::PeerAmbiguous => "which workload makes this request can't be told for certain",
        Code::NoRoute => "nothing is served here",
        Code::AmbiguousPath => "the path of the request could be read in more than one way",
        Code::AccessDenied => "this caller may not make this request",
        Code::KeysUnavailable => "access tokens can't be verified yet; try again soon",
        Code::IntrospectionUnavailable => "the access token can't be verified at the moment; try again soon",
        Code::RevocationsStale => "whether the access token still counts can't be said; try again soon",
        Code::PolicyUnavailable => "no policy has been loaded yet; try again soon",
        Code::PolicyError | Code::PolicyTimeout => "the decision could not be made",
        Code::InvalidRequest => "the path, query or body of the request is ill-formed",
        other => other.title(),
    }
}

/// The refusal where policy alone decides: a problem document that names its request, and no header of ours.
pub(crate) fn plain(code: Code, identifiers: &Identifiers) -> Deny {
    let words = Words::of(code);
    let error = Error::new(words.code, words.detail.as_ref());
    Deny {
        status: words.status,
        headers: vec![
            Header::ours("content-type", PROBLEM_JSON),
            Header::ours("cache-control", "no-store"),
            identifiers.request_id(),
        ],
        body: document(&error, words.status, identifiers),
        metadata: None,
    }
}

/// Writes the refusal: problem document, challenges, ids.
pub(crate) fn answer(
    words: &Words<'_>,
    wanted: Option<&Wanted>,
    fresh_nonce: Option<&str>,
    about: &About<'_>,
) -> Deny {
    let error = Error::new(words.code, words.detail.as_ref());
    let mut headers = vec![
        Header::ours("content-type", PROBLEM_JSON),
        Header::ours("cache-control", "no-store"),
    ];
    challenge::add(&mut headers, words, wanted, about);
    headers.extend(fresh_nonce.map(challenge::nonce));
    if let Some(seconds) = error.retry_after_seconds() {
        headers.push(Header::ours("retry-after", seconds.to_string()));
    }
    headers.extend(about.identifiers.for_client(about.settings));
    Deny {
        status: words.status,
        headers,
        body: document(&error, words.status, about.identifiers),
        metadata: None,
    }
}

fn document(error: &Error, status: u16, identifiers: &Identifiers) -> String {
    let problem = Problem::new(error, &identifiers.correlation_id)
        .with("decision_id", identifiers.decision_id.to_string());
    if status == problem.status() {
        return problem.to_json();
    }
    // A policy chose another status than the code's, and the document's must be the answer's (RFC 9457 §3.1.2).
    match serde_json::to_value(&problem) {
        Ok(serde_json::Value::Object(mut members)) => {
            members.insert("status".to_owned(), status.into());
            serde_json::Value::Object(members).to_string()
        }
        _ => problem.to_json(),
    }
}
