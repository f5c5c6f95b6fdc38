//! One of OPA's `services`: an HTTP server with its credentials. How it is asked is known here, what for isn't.

use std::fmt::Debug;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Method, RequestBuilder};

use crate::http_error::causes;

/// What is being waited for.
pub(crate) type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A server that takes logs and status.
pub(crate) trait Service: Debug + Send + Sync {
    /// A request to `path` below its address, with its headers and credentials. Getting these may take another request.
    fn request<'a>(&'a self, method: Method, path: &'a str) -> Later<'a, Result<RequestBuilder, String>>;
}

/// A server that asks for no credentials.
#[derive(Debug, Clone)]
pub(crate) struct OpenService {
    client: Client,
    url: String,
}

impl OpenService {
    /// The server at `url`.
    pub(crate) fn new(client: Client, url: &str) -> Self {
        Self {
            client,
            url: url.trim_end_matches('/').to_owned(),
        }
    }
}

impl Service for OpenService {
    fn request<'a>(&'a self, method: Method, path: &'a str) -> Later<'a, Result<RequestBuilder, String>> {
        let url = format!("{}/{}", self.url, path.trim_matches('/'));
        let request = self.client.request(method, url);
        Box::pin(async move { Ok(request) })
    }
}

/// Why something wasn't taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// There was no answer.
    NoAnswer(String),
    /// There was another one than 2xx.
    Status(u16),
}

/// Posts JSON to a service, and waits for at most `deadline`.
///
/// # Errors
/// Whatever isn't an answer of 2xx.
pub(crate) async fn post(
    service: &dyn Service,
    path: &str,
    json: Bytes,
    is_compressed: bool,
    deadline: Duration,
) -> Result<(), NotTaken> {
    let sent = async {
        let mut request = service
            .request(Method::POST, path)
            .await?
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if is_compressed {
            request = request.header(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        request.body(json).send().await.map_err(|error| causes(&error))
    };
    match tokio::time::timeout(deadline, sent).await {
        Err(_) => Err(NotTaken::NoAnswer(format!(
            "no answer within {} s",
            deadline.as_secs()
        ))),
        Ok(Err(problem)) => Err(NotTaken::NoAnswer(problem)),
        Ok(Ok(response)) if response.status().is_success() => Ok(()),
        Ok(Ok(response)) => Err(NotTaken::Status(response.status().as_u16())),
    }
}

/// `500 Internal Server Error`, as Go writes a status.
pub(crate) fn status_text(status: u16) -> String {
    let reason = http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason());
    format!("{status} {}", reason.unwrap_or_default())
}
