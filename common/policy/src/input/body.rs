//! `parsed_body` and `truncated_body`: the request's body, if it is JSON or a form and is all there.
//!
//! As in OPA-Envoy, types are found by a case-sensitive substring of `content-type`, so that
//! `application/vnd.api+json` is not JSON; a content-length larger than the body means that Envoy cut it.

use postern_rego::Value;

use super::{InputError, query};

/// The headers that matter here.
#[derive(Default)]
pub(super) struct Facts<'a> {
    content_type: Option<&'a str>,
    content_length: Option<&'a str>,
    partial: bool,
}

impl<'a> Facts<'a> {
    pub(super) fn note(&mut self, name: &str, value: &'a str) {
        match name {
            "content-type" => self.content_type = Some(value),
            "content-length" => self.content_length = Some(value),
            "x-envoy-auth-partial-body" => self.partial = value == "true",
            _ => {}
        }
    }
}

pub(super) struct Body {
    /// Null when nothing was parsed.
    pub(super) parsed: Value,
    pub(super) truncated: bool,
}

const NOT_PARSED: Body = Body {
    parsed: Value::Null,
    truncated: false,
};
const TRUNCATED: Body = Body {
    parsed: Value::Null,
    truncated: true,
};

enum Kind {
    Json,
    Form,
}

pub(super) fn parse(facts: &Facts<'_>, text: &str, raw: &[u8]) -> Result<Body, InputError> {
    if facts.partial {
        return Ok(TRUNCATED);
    }
    let kind = match facts.content_type {
        Some(it) if it.contains("application/json") => Kind::Json,
        Some(it) if it.contains("application/grpc") => return Ok(NOT_PARSED),
        Some(it) if it.contains("application/x-www-form-urlencoded") => Kind::Form,
        _ => return Ok(NOT_PARSED),
    };
    let body = if text.is_empty() { raw } else { text.as_bytes() };
    if body.is_empty() {
        return Ok(NOT_PARSED);
    }
    if let Some(announced) = facts.content_length {
        let announced: i64 = announced.parse().map_err(|_| InputError::ContentLength)?;
        if announced != -1 && u64::try_from(announced).is_ok_and(|length| length > body.len() as u64) {
            return Ok(TRUNCATED);
        }
    }
    let parsed = match kind {
        Kind::Json => Value::from_json_slice(body).map_err(|e| InputError::JsonBody(e.to_string()))?,
        Kind::Form => query::parsed_query("form", &String::from_utf8_lossy(body))?,
    };
    Ok(Body {
        parsed,
        truncated: false,
    })
}
