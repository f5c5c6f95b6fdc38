//! Errors in the form that OAuth clients read (RFC 6749 §5.2): `error` and `error_description` as JSON. Which error
//! goes with which status stands in the vocabulary of `postern_telemetry`, nowhere here.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use postern_telemetry::{Code, Error};

/// An error of the token endpoint.
#[derive(Debug)]
pub(crate) struct OAuthError(Error);

impl OAuthError {
    pub(crate) fn new(code: Code, description: impl Into<String>) -> Self {
        Self(Error::new(code, description))
    }

    /// A request that isn't one of RFC 6749: `description` says what was expected.
    pub(crate) fn invalid_request(description: impl Into<String>) -> Self {
        Self::new(Code::InvalidRequest, description)
    }
}

impl From<Error> for OAuthError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response<Body> {
        let Self(error) = self;
        let code = error.code();
        if code.http_status() >= 500 {
            tracing::error!(
                code = code.as_str(),
                error = error.log_detail(),
                "the token endpoint failed"
            );
        } else {
            tracing::info!(
                code = code.as_str(),
                reason = error.message(),
                "token request refused"
            );
        }
        let body = serde_json::json!({
            "error": code.oauth_error().unwrap_or("server_error"),
            "error_description": allowed(error.message()),
        });
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() =
            StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
        if code == Code::InvalidClient {
            // Required where the client used Basic, and what RFC 9110 §15.5.2 asks of every 401.
            headers.insert(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"postern\", charset=\"UTF-8\""),
            );
        }
        if let Some(seconds) = error.retry_after_seconds() {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// `error_description` has printable ASCII without `"` and `\` (RFC 6749 §5.2).
fn allowed(message: &str) -> String {
    let replace = |character| match character {
        '"' => '\'',
        '\\' => '/',
        ' '..='~' => character,
        _ => '?',
    };
    message.chars().map(replace).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_has_only_the_characters_that_rfc_6749_allows() {
        assert_eq!(allowed("a \"b\" c\\d é\n~"), "a 'b' c/d ??~");
    }

    #[test]
    fn no_error_may_be_cached_and_a_failed_client_is_challenged() {
        for (code, status, challenged) in [
            (Code::InvalidRequest, 400, false),
            (Code::InvalidClient, 401, true),
            (Code::InvalidScope, 400, false),
            (Code::UnsupportedGrantType, 400, false),
            (Code::PayloadTooLarge, 413, false),
            (Code::Unavailable, 503, false),
            (Code::Internal, 500, false),
        ] {
            let response = OAuthError::new(code, "why").into_response();
            assert_eq!(response.status(), status, "{code}");
            assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
            assert_eq!(response.headers()[PRAGMA], "no-cache");
            assert_eq!(
                response.headers().contains_key(WWW_AUTHENTICATE),
                challenged,
                "{code}"
            );
            assert_eq!(
                response.headers().contains_key(RETRY_AFTER),
                status == 503,
                "{code}"
            );
        }
    }
}
