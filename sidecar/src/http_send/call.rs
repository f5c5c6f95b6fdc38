//! One request and what it leads to: redirects as Go's `http.Client` follows them, retries as OPA makes them, one bounded
//! answer.

use std::time::Duration;

use hyper::ext::ReasonPhrase;
use postern_policy::http::{HttpRequest, HttpResponse};
use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Client, Method, Response, Url};
use tokio::time::{Instant, timeout_at};

use super::addresses::OnlyPrivate;

/// So many redirects are followed; OPA has no bound.
const MAX_REDIRECTS: u32 = 10;
/// OPA waits that long before its first retry, and 1.6 times as long before each further one, a minute at most.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallFailed {
    /// No connection, no answer, or none in the time that the policy gives it.
    #[error("{0}")]
    Unanswered(String),
    /// An answer that doesn't come to its end.
    #[error("{0}")]
    Broken(String),
    /// By a bound that OPA hasn't.
    #[error("{0}")]
    Refused(String),
}

impl CallFailed {
    /// Whether this speaks against the host. An answer that is too large says nothing of others; nor does our own list.
    pub(super) fn blames_the_host(&self) -> bool {
        matches!(self, Self::Unanswered(_) | Self::Broken(_))
    }
}

/// A request on its way.
pub(super) struct Call<'a> {
    request: &'a HttpRequest,
    max_response: usize,
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Vec<u8>,
    redirects: u32,
    retries: u32,
}

impl<'a> Call<'a> {
    /// The first hop.
    pub(super) fn new(request: &'a HttpRequest, max_response: usize) -> Result<Self, String> {
        let url = Url::parse(&request.url).map_err(|error| format!("{request}: {error}"))?;
        // What is asked must be what the policy wrote.
        if url.as_str() != request.url && !is_default_port(&url, &request.url) {
            return Err(format!("{request}: the URL can be read in two ways"));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let name = HeaderName::try_from(name).map_err(|error| format!("{request}: {error}"))?;
            let value = HeaderValue::try_from(value).map_err(|error| format!("{request}: {error}"))?;
            headers.insert(name, value);
        }
        Ok(Self {
            method: Method::try_from(request.method.as_str())
                .map_err(|error| format!("{request}: {error}"))?,
            body: request.body.clone(),
            redirects: 0,
            retries: 0,
            request,
            max_response,
            url,
            headers,
        })
    }

    pub(super) fn request(&self) -> &HttpRequest {
        self.request
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// The hop, without what may be secret.
    pub(super) fn name(&self) -> String {
        let (scheme, host) = (self.url.scheme(), self.url.host_str().unwrap_or_default());
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{} {scheme}://{host}{port}{}", self.method, self.url.path())
    }

    /// Makes the hop.
    pub(super) async fn send(&self, client: &Client) -> Result<HttpResponse, CallFailed> {
        let until = self
            .request
            .timeout
            .and_then(|most| Instant::now().checked_add(most));
        let mut builder = client
            .request(self.method.clone(), self.url.clone())
            .headers(self.headers.clone());
        if !self.body.is_empty() {
            builder = builder.body(self.body.clone());
        }
        let mut response = match by(until, builder.send()).await {
            Some(sent) => sent.map_err(|error| self.failed(&error, CallFailed::Unanswered))?,
            None => return Err(CallFailed::Unanswered(self.timed_out())),
        };
        let status = response.status();
        let reason = match response.extensions().get::<ReasonPhrase>() {
            Some(reason) => std::str::from_utf8(reason.as_bytes()).ok(),
            None => Some(status.canonical_reason().unwrap_or_default()),
        };
        let reason = reason.ok_or_else(|| self.refused("the status line isn't UTF-8"))?;
        let status_line = format!("{} {reason}", status.as_str());
        let mut headers = Vec::with_capacity(response.headers().len());
        for (name, value) in response.headers() {
            let value = std::str::from_utf8(value.as_bytes())
                .map_err(|_| self.refused("a header of the answer isn't UTF-8"))?;
            headers.push((name.as_str().to_owned(), value.to_owned()));
        }
        let body = match by(until, self.body_of(&mut response)).await {
            Some(body) => body?,
            None => return Err(CallFailed::Broken(self.timed_out())),
        };
        Ok(HttpResponse {
            status: status_line,
            status_code: status.as_u16(),
            headers,
            body,
        })
    }

    async fn body_of(&self, response: &mut Response) -> Result<Vec<u8>, CallFailed> {
        let mut body = Vec::new();
        loop {
            let chunk = response.chunk().await;
            let Some(chunk) = chunk.map_err(|error| self.failed(&error, CallFailed::Broken))? else {
                return Ok(body);
            };
            if body.len().saturating_add(chunk.len()) > self.max_response {
                let most = self.max_response;
                return Err(self.refused(&format!(
                    "the answer is larger than {most} bytes (`policy.http_send.max_response_kib`)"
                )));
            }
            body.extend_from_slice(&chunk);
        }
    }

    fn timed_out(&self) -> String {
        format!("{}: request timed out", self.name())
    }

    fn refused(&self, why: &str) -> CallFailed {
        CallFailed::Refused(format!("{}: {why}", self.name()))
    }

    fn failed(&self, error: &reqwest::Error, otherwise: fn(String) -> CallFailed) -> CallFailed {
        let why = format!("{}: {}", self.name(), chain(error));
        let mut cause: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
        while let Some(error) = cause {
            if error.is::<OnlyPrivate>() {
                return CallFailed::Refused(why);
            }
            cause = error.source();
        }
        otherwise(why)
    }

    /// How long to wait for another try after a failure, if there is one.
    pub(super) fn another_try(&mut self) -> Option<Duration> {
        if self.retries >= self.request.retries {
            return None;
        }
        let mut wait = FIRST_WAIT;
        for _ in 0..self.retries.min(32) {
            wait = wait.saturating_mul(8) / 5;
        }
        self.retries += 1;
        Some(wait.min(LONGEST_WAIT))
    }

    /// Whether a response leads elsewhere, where this call then is.
    pub(super) fn redirected(&mut self, response: &HttpResponse) -> Result<bool, String> {
        let keeps_method = match response.status_code {
            301..=303 => false,
            307 | 308 => true,
            _ => return Ok(false),
        };
        if !self.request.follow_redirects {
            return Ok(false);
        }
        let location = response.headers.iter().find(|(name, _)| name == "location");
        let Some((_, location)) = location.filter(|(_, location)| !location.is_empty()) else {
            return Ok(false);
        };
        let name = self.name();
        if self.redirects >= MAX_REDIRECTS {
            return Err(format!("{name}: more than {MAX_REDIRECTS} redirects"));
        }
        self.redirects += 1;
        let mut url = self
            .url
            .join(location)
            .map_err(|error| format!("{name}: redirected: {error}"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(format!("{name}: redirected to a URL with a user"));
        }
        url.set_fragment(None);
        if !keeps_method {
            if self.method != Method::HEAD {
                self.method = Method::GET;
            }
            self.body.clear();
            self.headers.remove(reqwest::header::CONTENT_TYPE);
        }
        if !is_same_or_below(url.host_str(), self.url.host_str()) || url.scheme() != self.url.scheme() {
            for secret in [AUTHORIZATION, COOKIE, WWW_AUTHENTICATE] {
                self.headers.remove(secret);
            }
            self.headers.remove("cookie2");
        }
        self.url = url;
        Ok(true)
    }
}

/// What comes of it by then.
async fn by<T>(until: Option<Instant>, work: impl Future<Output = T>) -> Option<T> {
    match until {
        Some(until) => timeout_at(until, work).await.ok(),
        None => Some(work.await),
    }
}

/// `:443` of https and `:80` of http may be left out.
fn is_default_port(url: &Url, written: &str) -> bool {
    let port = url.port_or_known_default().unwrap_or_default();
    let host = url.host_str().unwrap_or_default();
    let with = format!("{}://{host}:{port}", url.scheme());
    let without = format!("{}://{host}", url.scheme());
    written
        .strip_prefix(&with)
        .is_some_and(|rest| url.as_str().strip_prefix(&without) == Some(rest))
}

/// Where Go lets credentials go on to.
fn is_same_or_below(to: Option<&str>, from: Option<&str>) -> bool {
    let (Some(to), Some(from)) = (to, from) else {
        return false;
    };
    let below = |rest: &str| rest.ends_with('.') && !to.starts_with('[');
    to == from || to.strip_suffix(from).is_some_and(below)
}

/// reqwest's own message says only that sending failed; none of the chain holds what was sent.
pub(super) fn chain(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    if causes.is_empty() {
        "no answer".to_owned()
    } else {
        causes.join(": ")
    }
}
