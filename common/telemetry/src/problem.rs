//! An error on HTTP: an RFC 9457 problem document. It never shows an error's cause.

use serde_json::{Map, Value};

use crate::{CorrelationId, Error};

/// The media type (RFC 9457 §3).
pub const PROBLEM_JSON: &str = "application/problem+json";

/// A problem document. Members: `type`, `title`, `status`, `detail`, `code`, `correlation_id`; where there are any,
/// `errors` (`field` and `description` of each) and `retry_after_seconds`; then extensions.
#[derive(Debug, Clone)]
pub struct Problem {
    status: u16,
    retry_after_seconds: Option<u32>,
    correlation_id: CorrelationId,
    members: Map<String, Value>,
}

impl Problem {
    /// The document for `error`.
    #[must_use]
    pub fn new(error: &Error, correlation_id: &CorrelationId) -> Self {
        let code = error.code();
        let mut members = Map::new();
        let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
        put("type", code.type_uri().into());
        put("title", code.title().into());
        put("status", code.http_status().into());
        put("detail", error.message().into());
        put("code", code.as_str().into());
        put("correlation_id", correlation_id.as_str().into());
        if let Some(seconds) = error.retry_after_seconds() {
            put("retry_after_seconds", seconds.into());
        }
        if !error.fields().is_empty() {
            let errors = error.fields().iter().map(|violation| {
                serde_json::json!({ "field": violation.field, "description": violation.description })
            });
            put("errors", errors.collect());
        }
        Problem {
            status: code.http_status(),
            retry_after_seconds: error.retry_after_seconds(),
            correlation_id: correlation_id.clone(),
            members,
        }
    }

    /// Adds an extension member (RFC 9457 §3.2), `decision_id` say. A member that is there already stays as it is.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.entry(name).or_insert_with(|| value.into());
        self
    }

    /// The HTTP status, the same as the member `status`.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// For the header `Retry-After`, where there is one.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u32> {
        self.retry_after_seconds
    }

    /// For the header `x-request-id`.
    #[must_use]
    pub fn correlation_id(&self) -> &CorrelationId {
        &self.correlation_id
    }

    /// The document as JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        // `Value` writes itself infallibly; serde_json's own serialiser could fail only on maps with odd keys.
        Value::Object(self.members.clone()).to_string()
    }
}

impl serde::Serialize for Problem {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.members.serialize(serializer)
    }
}

#[cfg(feature = "http")]
impl Problem {
    /// The whole answer: status, document, and the headers that belong to it (`Content-Type`, `Cache-Control:
    /// no-store`, `x-request-id`, `Retry-After`). `WWW-Authenticate` is for whoever knows the realm.
    #[must_use]
    pub fn into_response<B: From<String>>(self) -> http::Response<B> {
        use http::HeaderValue;
        use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, RETRY_AFTER};

        let mut response = http::Response::new(B::from(self.to_json()));
        *response.status_mut() =
            http::StatusCode::from_u16(self.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // A correlation id has no character that a header can't have; the type says so, `HeaderValue` can't know.
        if let Ok(id) = HeaderValue::from_str(self.correlation_id.as_str()) {
            headers.insert(HeaderName::from_static(crate::X_REQUEST_ID), id);
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}
