//! Why a request is refused, as the stages say it, and the answer that the client gets for it: a problem document
//! (RFC 9457) and, with 401 and `insufficient_scope`, a challenge (RFC 6750 §3). The log is told the exact code and
//! reason, the client only as much as helps it and nobody else.

use std::borrow::Cow;
use std::sync::Arc;

use postern_telemetry::{Code, Error, PROBLEM_JSON, Problem};

use crate::answer::Deny;
use crate::correlation::Identifiers;
use crate::header::Header;
use crate::settings::Settings;

/// A refusal before it is put into words for the client.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The exact code, for the log.
    pub code: Code,
    /// Why, for an operator; never for the client.
    pub reason: Cow<'static, str>,
    /// The issuer whose keys may have to be fetched again.
    pub refetch: Option<Arc<str>>,
}

impl Refusal {
    pub(crate) fn new(code: Code, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            reason: reason.into(),
            refetch: None,
        }
    }

    pub(crate) fn missing_token(reason: &'static str) -> Self {
        Self::new(Code::MissingToken, reason)
    }

    pub(crate) fn malformed(reason: &'static str) -> Self {
        Self::new(Code::TokenMalformed, reason)
    }

    /// The answer for the client.
    pub(crate) fn answer(&self, settings: &Settings, identifiers: &Identifiers) -> Deny {
        answer(&Words::of(self.code), None, settings, identifiers)
    }
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
        Code::MissingToken => {
            "this resource needs an access token in the Authorization header, scheme Bearer"
        }
        Code::TokenExpired => "the access token has expired",
        Code::InvalidToken => "the access token is not valid here",
        Code::InsufficientScope => "the access token lacks a scope that this request needs",
        Code::AccessDenied => "this caller may not make this request",
        Code::KeysUnavailable => "access tokens can't be verified yet; try again soon",
        Code::PolicyUnavailable => "no policy has been loaded yet; try again soon",
        Code::PolicyError => "the decision could not be made",
        Code::InvalidRequest => "the path, query or body of the request is ill-formed",
        other => other.title(),
    }
}

/// Writes the refusal: problem document, challenge, ids.
pub(crate) fn answer(
    words: &Words<'_>,
    required_scope: Option<&str>,
    settings: &Settings,
    identifiers: &Identifiers,
) -> Deny {
    let error = Error::new(words.code, words.detail.as_ref());
    let mut headers = vec![
        Header::ours("content-type", PROBLEM_JSON),
        Header::ours("cache-control", "no-store"),
    ];
    headers.extend(challenge(words, required_scope, &settings.realm));
    if let Some(seconds) = error.retry_after_seconds() {
        headers.push(Header::ours("retry-after", seconds.to_string()));
    }
    headers.extend(identifiers.for_client(settings));
    Deny {
        status: words.status,
        headers,
        body: document(&error, words.status, identifiers),
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

/// `WWW-Authenticate`, where the code calls for one.
fn challenge(words: &Words<'_>, required_scope: Option<&str>, realm: &str) -> Option<Header> {
    let mut text = format!("Bearer realm={}", quoted(realm));
    match words.code {
        // RFC 6750 §3.1: a request without any credentials is told no error.
        Code::MissingToken => {}
        Code::InsufficientScope => {
            text.push_str(", error=\"insufficient_scope\", error_description=");
            text.push_str(&quoted(&words.detail));
            if let Some(scope) = required_scope {
                text.push_str(", scope=");
                text.push_str(&quoted(scope));
            }
        }
        code if code.oauth_error() == Some("invalid_token") => {
            text.push_str(", error=\"invalid_token\", error_description=");
            text.push_str(&quoted(&words.detail));
        }
        _ => return None,
    }
    Some(Header::ours("www-authenticate", text))
}

/// A quoted-string (RFC 9110 §5.6.4) of the printable ASCII in `text`; anything else becomes `?`.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            ' '..='~' => out.push(character),
            _ => out.push('?'),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_string_cannot_be_left() {
        assert_eq!(quoted("a\", error=\"x"), "\"a\\\", error=\\\"x\"");
        assert_eq!(quoted("a\\"), "\"a\\\\\"");
        assert_eq!(quoted("a\r\nb: é"), "\"a??b: ?\"");
    }
}
