//! The call to an introspection endpoint (RFC 7662 §2.1): one POST as `client_secret_basic`, one bounded answer. The token
//! goes to that URL and nowhere else: no redirect is followed, nothing of it is logged.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret, SecretString};

use crate::http_error::causes;

/// The largest answer.
const MAX_RESPONSE_BYTES: usize = 64 * 1024;

/// What `application/x-www-form-urlencoded` may not hold as it is; the unreserved characters of RFC 3986 may stay, which is
/// also what servers get right that forget to decode credentials (RFC 6749 §2.3.1).
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Why the issuer gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallFailed {
    /// No answer, or a broken one.
    #[error("{0}")]
    Transport(String),
    /// Not 200.
    #[error("it answered {0}")]
    Status(StatusCode),
    /// Larger than any answer is.
    #[error("its answer is larger than {MAX_RESPONSE_BYTES} bytes")]
    TooLarge,
    /// Not a JSON object with a boolean `active` (RFC 7662 §2.2).
    #[error("its answer is no JSON object with a boolean `active`")]
    Unreadable,
}

impl CallFailed {
    /// Whether this speaks against the issuer. That it won't have our credentials doesn't: it works, we are misconfigured. Nor
    /// does what one token's answer may be like: whoever holds that token could have all others refused. What is no
    /// introspection response at all does, whatever the token: something else answers in the issuer's place.
    pub(super) fn blames_the_issuer(&self) -> bool {
        match self {
            Self::Status(status) => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge => false,
            Self::Transport(_) | Self::Unreadable => true,
        }
    }
}

/// Where and as whom to ask.
pub(super) struct Request {
    client: Client,
    url: String,
    client_id: String,
    client_secret: SecretString,
}

impl Request {
    /// Asks at `url` as `client_id`.
    pub(super) fn new(client: Client, url: String, client_id: &str, client_secret: &SecretString) -> Self {
        Self {
            client,
            url,
            client_id: form(client_id),
            client_secret: SecretString::from(form(client_secret.expose_secret())),
        }
    }

    /// Asks about `token`.
    pub(super) async fn send(&self, token: &str) -> Result<Vec<u8>, CallFailed> {
        let transport = |error: reqwest::Error| CallFailed::Transport(causes(&error));
        let mut response = self
            .client
            .post(&self.url)
            .basic_auth(&self.client_id, Some(self.client_secret.expose_secret()))
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(format!("token={}&token_type_hint=access_token", form(token)))
            .send()
            .await
            .map_err(transport)?;
        if response.status() != StatusCode::OK {
            return Err(CallFailed::Status(response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(transport)? {
            if body.len().saturating_add(chunk.len()) > MAX_RESPONSE_BYTES {
                return Err(CallFailed::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Request")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

fn form(text: &str) -> String {
    utf8_percent_encode(text, FORM).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_form_value_is_encoded() {
        assert_eq!(form("a&b=c+d e%ü:"), "a%26b%3Dc%2Bd%20e%25%C3%BC%3A");
        assert_eq!(form("Az09-._~"), "Az09-._~");
    }

    #[test]
    fn an_issuer_that_refuses_us_works() {
        for (status, blamed) in [
            (401, false),
            (403, false),
            (404, false),
            (429, true),
            (500, true),
            (503, true),
        ] {
            let failed = CallFailed::Status(StatusCode::from_u16(status).unwrap());
            assert_eq!(failed.blames_the_issuer(), blamed, "{status}");
        }
        assert!(!CallFailed::TooLarge.blames_the_issuer() && CallFailed::Unreadable.blames_the_issuer());
    }
}
