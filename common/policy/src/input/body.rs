//! `parsed_body` and `truncated_body`: the request's body, if it is of a type that is read and is all there.
//!
//! As in OPA-Envoy, types are found by a case-sensitive substring of `content-type`, so that
//! `application/vnd.api+json` is not JSON; a content-length larger than the body means that Envoy cut it.

use std::fmt;

use postern_rego::Value;

use super::text::go_lossy;
use super::{HeaderParts, InputError, RequestParts, go_json, multipart, query};

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

/// The types of gRPC's messages, of a host that knows them.
pub trait GrpcMessages: fmt::Debug + Sync {
    /// The message that the method is called with, as protobuf's JSON; `None` where there is no such method, or it streams.
    ///
    /// # Errors
    /// What is wrong with the message.
    fn parse(&self, service: &str, method: &str, message: &[u8]) -> Option<Result<Value, String>>;
}

/// What the headers say of the body, and the body.
#[derive(Debug)]
pub(super) enum Body<'a> {
    /// Nothing to parse.
    NotParsed,
    /// Not all of it is there.
    Truncated,
    Json(&'a [u8]),
    Form(&'a [u8]),
    Multipart {
        content_type: &'a str,
        form: &'a [u8],
    },
    Grpc {
        messages: &'a dyn GrpcMessages,
        service: &'a str,
        method: &'a str,
        message: &'a [u8],
    },
}

/// What makes a body of the bytes.
type Make<'a> = fn(&'a str, &'a [u8]) -> Body<'a>;

impl<'a> Body<'a> {
    /// The body of `request`, whose path is `path` once unescaped.
    pub(super) fn of(
        request: &RequestParts<'a>,
        headers: &'a (impl HeaderParts + ?Sized),
        path: &'a str,
    ) -> Result<Self, InputError> {
        if headers.value("x-envoy-auth-partial-body") == Some("true") {
            return Ok(Body::Truncated);
        }
        let Some(content_type) = headers.value("content-type") else {
            return Ok(Body::NotParsed);
        };
        let make: Make<'a> = if content_type.contains("application/json") {
            |_, json| Body::Json(json)
        } else if content_type.contains("application/grpc") {
            return grpc(request, path);
        } else if content_type.contains("application/x-www-form-urlencoded") {
            |_, form| Body::Form(form)
        } else if content_type.contains("multipart/form-data") {
            |content_type, form| Body::Multipart { content_type, form }
        } else {
            return Ok(Body::NotParsed);
        };
        let body = if request.body.is_empty() {
            request.raw_body
        } else {
            request.body.as_bytes()
        };
        if body.is_empty() {
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
        Ok(make(content_type, body))
    }

    pub(super) fn is_truncated(&self) -> bool {
        matches!(self, Body::Truncated)
    }

    /// Null when there is nothing to parse.
    pub(super) fn parse(&self) -> Result<Value, InputError> {
        match *self {
            Body::NotParsed | Body::Truncated => Ok(Value::Null),
            Body::Json(json) => go_json::decode(json),
            Body::Form(form) => query::parsed_query("form", &go_lossy(form)),
            Body::Multipart { content_type, form } => multipart::parsed(content_type, form),
            Body::Grpc {
                messages,
                service,
                method,
                message,
            } => match messages.parse(service, method, message) {
                None => Ok(Value::Null),
                Some(parsed) => parsed.map_err(|problem| InputError::Grpc { problem }),
            },
        }
    }
}

/// A message in gRPC's frame, the first of the body; only one that isn't compressed is read (gRPC over HTTP/2,
/// "Length-Prefixed-Message"). The path names service and method.
fn grpc<'a>(request: &RequestParts<'a>, path: &'a str) -> Result<Body<'a>, InputError> {
    let (Some(messages), false) = (request.grpc, request.raw_body.is_empty()) else {
        return Ok(Body::NotParsed);
    };
    let problem = |problem: &str| InputError::Grpc {
        problem: problem.to_owned(),
    };
    let path = path.trim_start_matches('/');
    let (service, method) = path
        .split_once('/')
        .filter(|(_, method)| !method.contains('/'))
        .ok_or_else(|| problem("invalid parsed path"))?;
    let (prefix, message) = request
        .raw_body
        .split_first_chunk::<5>()
        .ok_or_else(|| problem("less than 5 bytes"))?;
    let [compressed, length @ ..] = *prefix;
    if compressed != 0 {
        return Ok(Body::NotParsed);
    }
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    Ok(match message.get(..length) {
        None => Body::Truncated,
        Some(message) => Body::Grpc {
            messages,
            service,
            method,
            message,
        },
    })
}
