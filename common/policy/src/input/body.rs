//! `parsed_body` and `truncated_body`: the request's body, if it is JSON or a form and is all there.
//!
//! As in OPA-Envoy, types are found by a case-sensitive substring of `content-type`, so that
//! `application/vnd.api+json` is not JSON; a content-length larger than the body means that Envoy cut it.

use postern_rego::Value;

use super::{HeaderParts, InputError, go_json, query};

/// What is done about a request's body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Bodies {
    /// It is parsed for a policy that reads what comes of it: for one that doesn't, an ill-formed body is no error.
    #[default]
    WhenRead,
    /// It is parsed, and an ill-formed one is an error, whoever reads it. OPA-Envoy does so.
    Always,
    /// There is neither `parsed_body` nor `truncated_body` (`skip-request-body-parse`).
    Never,
}

/// What the headers say of the body, and the body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body<'a> {
    /// Nothing to parse.
    NotParsed,
    /// Not all of it is there.
    Truncated,
    Json(&'a [u8]),
    Form(&'a [u8]),
}

impl<'a> Body<'a> {
    pub(super) fn of(
        headers: &(impl HeaderParts + ?Sized),
        text: &'a str,
        raw: &'a [u8],
    ) -> Result<Self, InputError> {
        if headers.value("x-envoy-auth-partial-body") == Some("true") {
            return Ok(Body::Truncated);
        }
        let body = if text.is_empty() { raw } else { text.as_bytes() };
        let parsed = match headers.value("content-type") {
            Some(it) if it.contains("application/json") => Body::Json(body),
            Some(it) if it.contains("application/grpc") => Body::NotParsed,
            Some(it) if it.contains("application/x-www-form-urlencoded") => Body::Form(body),
            _ => Body::NotParsed,
        };
        if parsed == Body::NotParsed || body.is_empty() {
            return Ok(Body::NotParsed);
        }
        if let Some(announced) = headers.value("content-length") {
            let announced: i64 = announced.parse().map_err(|_| InputError::ContentLength {
                written: announced.to_owned(),
            })?;
            if announced != -1 && u64::try_from(announced).is_ok_and(|length| length > body.len() as u64) {
                return Ok(Body::Truncated);
            }
        }
        Ok(parsed)
    }

    pub(super) fn is_truncated(&self) -> bool {
        matches!(self, Body::Truncated)
    }

    /// Null when there is nothing to parse.
    pub(super) fn parse(&self) -> Result<Value, InputError> {
        match self {
            Body::NotParsed | Body::Truncated => Ok(Value::Null),
            Body::Json(json) => go_json::decode(json),
            Body::Form(form) => query::parsed_query("form", &String::from_utf8_lossy(form)),
        }
    }
}
