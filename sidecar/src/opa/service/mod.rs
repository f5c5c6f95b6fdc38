//! OPA's `services`: HTTP servers with their credentials. How they are asked is known here, what for isn't.
//!
//! | file | job |
//! |---|---|
//! | `factory` | all services of a configuration |
//! | `server` | one of them |
//! | `connections` | the HTTP client: whose certificates are trusted, where redirects lead |
//! | `proxies` | what the environment says about proxies |
//! | `bearer` | a token in `Authorization` |
//! | `oauth2/` | a token from a token endpoint |
//! | `client_certificate` | a certificate of our own, read again where its files change |
//! | `encrypted_key` | its key, if it is encrypted |
//! | `pem` | blocks of PEM |
//! | `aws/` | requests signed for AWS |
//! | `form` | the bodies of such requests for tokens |
//! | `around` | what all this takes from the process |

mod around;
mod aws;
mod bearer;
mod client_certificate;
mod connections;
mod encrypted_key;
mod factory;
mod form;
mod oauth2;
mod pem;
mod proxies;
mod server;

use std::fmt::Debug;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, RequestBuilder, Response};

use crate::http_error::causes;

pub(crate) use around::Around;
pub(crate) use factory::{ServiceError, services};
pub(crate) use proxies::Proxies;

/// What is being waited for.
pub(crate) type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How long a server may take to begin its answer if nobody says, as in OPA.
const DEFAULT_HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// A server that bundles come from, or that takes logs and status.
pub(crate) trait Service: Debug + Send + Sync {
    /// A request to `path` below its address, with its headers and credentials. Getting these may take another request.
    /// What else the request says is added by the caller, who hands it to [`Self::send`].
    ///
    /// # Errors
    /// Why there is none, in words for an operator, without secrets.
    fn request<'a>(&'a self, method: Method, path: &'a str) -> Later<'a, Result<RequestBuilder, String>>;

    /// How long the server may take to begin its answer; a caller who polls for long gives it more.
    fn header_timeout(&self) -> Duration {
        DEFAULT_HEADER_TIMEOUT
    }

    /// Sends a request that is complete, and waits at most `within` for its answer to begin, connecting included. Where all
    /// that is sent is to be signed, it is signed here.
    ///
    /// # Errors
    /// Why there is no answer, in words for an operator, without secrets.
    fn send<'a>(&'a self, request: RequestBuilder, within: Duration) -> Later<'a, Result<Response, String>> {
        Box::pin(async move { answer(request.send(), within).await })
    }
}

/// What `sent` comes to within that time.
async fn answer(
    sent: impl Future<Output = reqwest::Result<Response>>,
    within: Duration,
) -> Result<Response, String> {
    match tokio::time::timeout(within, sent).await {
        Ok(sent) => sent.map_err(|error| causes(&error)),
        Err(_) => Err(format!("no answer within {} s", within.as_secs())),
    }
}

/// A whole answer's body, if it isn't longer than `most`.
async fn bounded(mut response: Response, most: usize) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| causes(&error))? {
        if body.len().saturating_add(chunk.len()) > most {
            return Err(format!("its answer is larger than {most} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// A server that asks for nothing but to be asked.
#[cfg(test)]
#[derive(Debug, Clone)]
pub(crate) struct OpenService {
    client: reqwest::Client,
    url: String,
}

#[cfg(test)]
impl OpenService {
    /// The server at `url`.
    pub(crate) fn new(client: reqwest::Client, url: &str) -> Self {
        Self {
            client,
            url: url.trim_end_matches('/').to_owned(),
        }
    }
}

#[cfg(test)]
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
        service.send(request.body(json), service.header_timeout()).await
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

#[cfg(test)]
mod tests;

#[cfg(test)]
mod certificate_tests;
