//! One hop of a call: what is sent, and what comes back of it. Only what OPA would have failed at, too, is a failure that the
//! policy is told of.

use std::error::Error;
use std::io;

use postern_policy::http::HttpResponse;
use reqwest::header::{CONTENT_LENGTH, HeaderMap, LOCATION};
use reqwest::{Client, Method, Response, Url};
use tokio::time::{Instant, timeout_at};

use super::addresses::OnlyPrivate;
use super::go;
use crate::http_error::causes;

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallFailed {
    /// No connection, or no answer in the time that the policy gives it.
    #[error("{why}")]
    Unanswered {
        why: String,
        /// Whether it is sure that nothing was sent.
        unsent: bool,
    },
    /// An answer that doesn't come to its end.
    #[error("{0}")]
    Broken(String),
    /// By a bound that OPA hasn't, or since OPA might see something else.
    #[error("{0}")]
    Refused(String),
}

impl CallFailed {
    /// Whether this speaks against the host. An answer that is too large says nothing of others; nor does our own list.
    pub(super) fn blames_the_host(&self) -> bool {
        matches!(self, Self::Unanswered { .. } | Self::Broken(_))
    }
}

/// What came back.
pub(super) enum Arrived {
    /// The answer.
    Answer(HttpResponse),
    /// A redirect that is followed, and whose body is nobody's business.
    Elsewhere {
        /// 307 and 308.
        keeps_method: bool,
        location: String,
    },
}

/// What is sent.
#[derive(Clone)]
pub(super) struct Hop {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Within what.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) until: Option<Instant>,
    pub(super) max_response: usize,
    pub(super) follow_redirects: bool,
}

impl Hop {
    /// The hop, without what may be secret.
    pub(super) fn name(&self) -> String {
        let (scheme, host) = (self.url.scheme(), self.url.host_str().unwrap_or_default());
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{} {scheme}://{host}{port}{}", self.method, self.url.path())
    }

    /// Makes it.
    pub(super) async fn send(&self, client: &Client, bounds: Bounds) -> Result<Arrived, CallFailed> {
        let mut builder = client
            .request(self.method.clone(), self.url.clone())
            .headers(self.headers.clone());
        if !self.body.is_empty() {
            builder = builder.body(self.body.clone());
        } else if [Method::POST, Method::PUT, Method::PATCH].contains(&self.method) {
            // Go says so of these.
            builder = builder.header(CONTENT_LENGTH, "0");
        }
        let mut response = match by(bounds.until, builder.send()).await {
            Some(sent) => sent.map_err(|error| self.unanswered(&error))?,
            None => {
                return Err(CallFailed::Unanswered {
                    why: self.timed_out(),
                    unsent: false,
                });
            }
        };
        self.as_go(go::check_length(&response))?;
        if bounds.follow_redirects
            && let Some(elsewhere) = self.elsewhere(&response)?
        {
            return Ok(elsewhere);
        }
        let head = self.as_go(go::head(&response, &self.method, &self.headers))?;
        let status_code = response.status().as_u16();
        let body = match by(bounds.until, self.body_of(&mut response, bounds.max_response)).await {
            Some(body) => body?,
            None => return Err(CallFailed::Broken(self.timed_out())),
        };
        Ok(Arrived::Answer(HttpResponse {
            status: head.status,
            status_code,
            headers: head.headers,
            body,
        }))
    }

    /// A redirect, if it is one: without a `Location` it is an answer like any other.
    fn elsewhere(&self, response: &Response) -> Result<Option<Arrived>, CallFailed> {
        let keeps_method = match response.status().as_u16() {
            301..=303 => false,
            307 | 308 => true,
            _ => return Ok(None),
        };
        let Some(location) = response.headers().get(LOCATION).filter(|to| !to.is_empty()) else {
            return Ok(None);
        };
        let location = std::str::from_utf8(location.as_bytes())
            .map_err(|_| self.refused("redirected to what isn't UTF-8"))?
            .to_owned();
        Ok(Some(Arrived::Elsewhere {
            keeps_method,
            location,
        }))
    }

    async fn body_of(&self, response: &mut Response, most: usize) -> Result<Vec<u8>, CallFailed> {
        let mut body = Vec::new();
        loop {
            let chunk = response.chunk().await;
            let chunk = chunk.map_err(|error| match cause(&error) {
                Cause::Ours => CallFailed::Refused(self.told(&error)),
                Cause::Theirs => CallFailed::Broken(self.told(&error)),
            })?;
            let Some(chunk) = chunk else {
                return Ok(body);
            };
            if body.len().saturating_add(chunk.len()) > most {
                return Err(self.refused(&format!(
                    "the answer is larger than {most} bytes (`policy.http_send.max_response_kib`)"
                )));
            }
            body.extend_from_slice(&chunk);
        }
    }

    fn as_go<T>(&self, read: Result<T, String>) -> Result<T, CallFailed> {
        read.map_err(|why| self.refused(&format!("the answer can't be read as OPA would read it: {why}")))
    }

    fn timed_out(&self) -> String {
        format!("{}: request timed out", self.name())
    }

    pub(super) fn refused(&self, why: &str) -> CallFailed {
        CallFailed::Refused(format!("{}: {why}", self.name()))
    }

    fn told(&self, error: &reqwest::Error) -> String {
        format!("{}: {}", self.name(), causes(error))
    }

    fn unanswered(&self, error: &reqwest::Error) -> CallFailed {
        let why = self.told(error);
        match cause(error) {
            Cause::Ours => CallFailed::Refused(why),
            Cause::Theirs => CallFailed::Unanswered {
                why,
                unsent: error.is_connect(),
            },
        }
    }
}

/// Whose doing it is that there is no answer.
enum Cause {
    /// Our resolver's, or that of a parser that may be stricter than Go's.
    Ours,
    /// The other side's, or the network's: Go would have failed, too.
    Theirs,
}

fn cause(error: &reqwest::Error) -> Cause {
    let mut next = Error::source(error);
    while let Some(error) = next {
        if is_ours(error) {
            return Cause::Ours;
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            // hyper's word for a body that isn't well formed. What an I/O error is made of isn't its source.
            let ill_formed = matches!(
                error.kind(),
                io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput
            );
            if ill_formed || error.get_ref().is_some_and(|within| is_ours(within)) {
                return Cause::Ours;
            }
        }
        next = error.source();
    }
    Cause::Theirs
}

fn is_ours(error: &(dyn Error + 'static)) -> bool {
    // What we, not the server, end a connection or a stream of HTTP/2 for.
    let by_h2 = |error: &h2::Error| !error.is_remote() && !error.is_io();
    error.is::<OnlyPrivate>()
        || error
            .downcast_ref::<hyper::Error>()
            .is_some_and(hyper::Error::is_parse)
        || error.downcast_ref::<h2::Error>().is_some_and(by_h2)
}

/// What comes of it by then.
async fn by<T>(until: Option<Instant>, work: impl Future<Output = T>) -> Option<T> {
    match until {
        Some(until) => timeout_at(until, work).await.ok(),
        None => Some(work.await),
    }
}
