//! Public documents that caches may keep: `ETag`, `Cache-Control`, and 304 for whoever has the current one
//! (RFC 9110 §13.1.2).

use aws_lc_rs::digest;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use postern_telemetry::if_none_match;

/// A document with its validator.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    media_type: &'static str,
    body: String,
    /// Without quotes.
    etag: String,
    max_age_seconds: u32,
}

impl Document {
    /// A document whose validator is the SHA-256 of its text.
    pub(crate) fn new(media_type: &'static str, body: String, max_age_seconds: u32) -> Self {
        let etag = hex::encode(digest::digest(&digest::SHA256, body.as_bytes()));
        Self::with_etag(media_type, body, etag, max_age_seconds)
    }

    /// A document whose validator was made with it, without quotes.
    pub(crate) fn with_etag(
        media_type: &'static str,
        body: String,
        etag: String,
        max_age_seconds: u32,
    ) -> Self {
        Self {
            media_type,
            body,
            etag,
            max_age_seconds,
        }
    }

    /// The document, or 304 for whoever has it.
    pub(crate) fn answer(self, headers: &HeaderMap) -> Response<Body> {
        let current = if_none_match(headers, &self.etag);
        let mut response = Response::new(if current {
            Body::empty()
        } else {
            Body::from(self.body)
        });
        if current {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            response
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        }
        for (name, value) in [
            (ETAG, format!("\"{}\"", self.etag)),
            (CACHE_CONTROL, format!("public, max-age={}", self.max_age_seconds)),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::IF_NONE_MATCH;

    use super::*;

    #[test]
    fn a_304_has_the_validator_and_no_body() {
        let document = Document::new("text/plain", "text".into(), 60);
        let full = document.clone().answer(&HeaderMap::new());
        assert_eq!(full.status(), 200);
        assert_eq!(full.headers()[CACHE_CONTROL], "public, max-age=60");
        let mut headers = HeaderMap::new();
        headers.insert(IF_NONE_MATCH, full.headers()[ETAG].clone());
        let answer = document.answer(&headers);
        assert_eq!(answer.status(), 304);
        assert_eq!(answer.headers()[ETAG], full.headers()[ETAG]);
        assert!(!answer.headers().contains_key(CONTENT_TYPE));
    }
}
