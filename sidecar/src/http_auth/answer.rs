//! A decision as an HTTP answer that each kind of proxy reads as it is meant: what was allowed as 200, what was denied as
//! nothing that a proxy takes for leave, or for an accident that it may be told to overlook.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderName, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use postern_decide::{Allow, Answer, Deny, Header, HeaderPrefix, Text};
use postern_telemetry::{Code, CorrelationId, Error, Problem, X_REQUEST_ID};

use uuid::Uuid;

use super::Mode;
use crate::checker::Settled;

/// How Envoy is told over HTTP which of the client's headers must not reach the upstream.
const TO_REMOVE: HeaderName = HeaderName::from_static("x-envoy-auth-headers-to-remove");

/// The names under the prefix that say who called; those that an answer doesn't set are removed wherever that can be said.
const IDENTITY: [&str; 7] = [
    "subject",
    "client",
    "scope",
    "peer",
    "decision-id",
    "route",
    "auth",
];

/// Headers of a connection or of its framing: never a policy's to set on our answer.
const FRAMING: [HeaderName; 6] = [
    CONNECTION,
    CONTENT_LENGTH,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// The answer for what was `settled` on a request with these `headers`.
pub(super) fn answer(
    mode: Mode,
    prefix: &HeaderPrefix,
    settled: Settled,
    headers: &HeaderMap,
) -> Response<Body> {
    let code = settled.code.unwrap_or(Code::Internal).for_stranger();
    match settled.answer {
        Answer::Allow(allow) => match unsaid(mode, prefix, &allow, headers) {
            None => allowed(mode, prefix, allow),
            Some(what) => {
                let error = Error::new(Code::PolicyError, Code::PolicyError.meaning());
                tracing::warn!(
                    what,
                    "the policy asks for what can't be said over HTTP; the request is denied"
                );
                refused(
                    mode,
                    prefix,
                    &error,
                    &settled.correlation_id,
                    Some(settled.decision_id),
                )
            }
        },
        Answer::Deny(deny) => denied(mode, prefix, deny, code),
        Answer::Failed(failed) => accident(failed.deny),
    }
}

/// The answer to a request that wasn't decided on, or whose decision can't be said. `decision_id` names what is kept of it.
pub(super) fn refused(
    mode: Mode,
    prefix: &HeaderPrefix,
    error: &Error,
    correlation_id: &CorrelationId,
    decision_id: Option<Uuid>,
) -> Response<Body> {
    let mut problem = Problem::new(error, correlation_id);
    if let Some(id) = decision_id {
        problem = problem.with("decision_id", id.to_string());
    }
    let mut response = Response::new(Body::from(problem.to_json()));
    let headers = response.headers_mut();
    headers.insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    if let Ok(id) = HeaderValue::from_str(correlation_id.as_str()) {
        headers.insert(X_REQUEST_ID, id);
    }
    let name = HeaderName::try_from(format!("{}decision-id", prefix.as_str()));
    if let (Some(id), Ok(name)) = (decision_id, name)
        && let Ok(id) = HeaderValue::try_from(id.to_string())
    {
        headers.insert(name, id);
    }
    if let Some(seconds) = error.retry_after_seconds() {
        headers.insert(http::header::RETRY_AFTER, seconds.into());
    }
    set_status(mode, prefix, &mut response, problem.status(), error.code());
    response
}

/// What an answer asks for that this form has no words for; a request that needs it is not allowed without it.
fn unsaid(mode: Mode, prefix: &HeaderPrefix, allow: &Allow, sent: &HeaderMap) -> Option<&'static str> {
    if !allow.query_set.is_empty() || !allow.query_remove.is_empty() {
        return Some("a change of the query");
    }
    if allow
        .upstream_set
        .iter()
        .any(|header| header.name().starts_with(':'))
    {
        return Some("a change of method, path or host");
    }
    // Headers under the prefix never come this far (`reserved`), and a trace that doesn't go on is no danger.
    let harmless = |name: &str| prefix.owns(name) || name == "tracestate";
    let removes = |name: &Text| !harmless(name) && sent.contains_key(&**name);
    (mode != Mode::Envoy && allow.upstream_remove.iter().any(removes)).then_some("the removal of a header")
}

/// Whether the client's request has a header that only Postern may send, in a form that can't say that it be removed.
pub(super) fn reserved(mode: Mode, prefix: &HeaderPrefix, headers: &HeaderMap) -> bool {
    mode != Mode::Envoy && headers.keys().any(|name| prefix.owns(name.as_str()))
}

fn allowed(mode: Mode, prefix: &HeaderPrefix, allow: Allow) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    add(headers, allow.upstream_set);
    if mode == Mode::Envoy
        && let Ok(names) = HeaderValue::from_str(&to_remove(prefix, headers, allow.upstream_remove))
    {
        headers.insert(TO_REMOVE, names);
    }
    // One list has to serve upstream and client; of one name, the upstream's counts.
    let for_client = allow
        .response_set
        .into_iter()
        .filter(|header| !headers.contains_key(header.name()))
        .collect();
    add(headers, for_client);
    response
}

/// What was seen and must go, and every name of ours that isn't set: Envoy may have kept it from us.
fn to_remove(prefix: &HeaderPrefix, set: &HeaderMap, names: Vec<Text>) -> String {
    let mut names: Vec<String> = names.into_iter().map(String::from).collect();
    names.extend(IDENTITY.map(|of| format!("{}{of}", prefix.as_str())));
    names.retain(|name| !set.contains_key(name.as_str()));
    names.sort_unstable();
    names.dedup();
    names.join(",")
}

fn denied(mode: Mode, prefix: &HeaderPrefix, deny: Deny, code: Code) -> Response<Body> {
    let mut response = Response::new(Body::from(deny.body));
    add(response.headers_mut(), deny.headers);
    set_status(mode, prefix, &mut response, deny.status, code);
    response
}

/// What every proxy takes for a failure of its authorizer, since it is to be left to it: the status as it is (5xx).
fn accident(deny: Deny) -> Response<Body> {
    let mut response = Response::new(Body::from(deny.body));
    add(response.headers_mut(), deny.headers);
    let status = StatusCode::from_u16(deny.status).ok();
    *response.status_mut() = status
        .filter(StatusCode::is_server_error)
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// Says the status as far as the proxy understands it as a refusal, and the real one beside it where it doesn't.
fn set_status(mode: Mode, prefix: &HeaderPrefix, response: &mut Response<Body>, status: u16, code: Code) {
    let shown = StatusCode::from_u16(status)
        .ok()
        .filter(|status| mode.reads_as_refusal(status.as_u16()));
    *response.status_mut() = shown.unwrap_or(StatusCode::FORBIDDEN);
    if shown.is_some() && mode != Mode::Nginx {
        return;
    }
    let mut tell = |of: &str, value: HeaderValue| {
        if let Ok(name) = HeaderName::try_from(format!("{}{of}", prefix.as_str())) {
            response.headers_mut().insert(name, value);
        }
    };
    tell("status", status.into());
    tell("code", HeaderValue::from_static(code.as_str()));
}

fn add(headers: &mut HeaderMap, more: Vec<Header>) {
    for header in more {
        let (name, value) = header.into_parts();
        let parsed = (HeaderName::try_from(name), HeaderValue::try_from(value));
        // Both were checked when the decision was made; what HTTP/1.1 can't carry all the same isn't sent.
        if let (Ok(name), Ok(value)) = parsed
            && !FRAMING.contains(&name)
        {
            headers.append(name, value);
        }
    }
}

#[cfg(test)]
mod tests;
