//! One request for a bundle, as OPA's downloader makes it: conditional, held by the server where it is asked to.

use std::time::Duration;

use http::StatusCode;
use http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use reqwest::{Method, Response};

use super::polling::Polling;
use super::problem::Problem;
use crate::clock::Stopwatch;
use crate::opa::service::Service;
use crate::sync::{LONG_POLLING, body_of};

/// How long a bundle may take to come once it has begun. OPA has no bound.
const BODY_DEADLINE: Duration = Duration::from_secs(300);
/// How long its credentials may take to be got: a token, keys of AWS, files.
const CREDENTIALS_DEADLINE: Duration = Duration::from_secs(60);
/// How much longer than it was asked to a server may hold a request. OPA waits for ever.
const GRACE: Duration = Duration::from_secs(60);

/// What was answered.
#[derive(Debug)]
pub(super) enum Answer {
    /// A bundle.
    Bundle {
        archive: Vec<u8>,
        /// Its tag; empty for none.
        etag: String,
        /// Whether the server says that it holds requests.
        holds: bool,
    },
    /// That there is no other.
    Unchanged {
        /// The tag, if the answer has one.
        etag: Option<String>,
    },
}

/// An answer, and how long it took to begin.
pub(super) struct Asked {
    pub(super) answer: Result<Answer, Problem>,
    pub(super) took: Duration,
}

/// Asks `service` for `resource`, of which at most `limit` bytes are taken.
pub(super) async fn ask(service: &dyn Service, resource: &str, polling: &Polling, limit: usize) -> Asked {
    let stopwatch = Stopwatch::start();
    let asked = begin(service, resource, polling).await;
    let took = stopwatch.elapsed();
    let answer = match asked {
        Err(problem) => Err(problem),
        Ok(response) => read(response, limit).await,
    };
    Asked { answer, took }
}

async fn begin(service: &dyn Service, resource: &str, polling: &Polling) -> Result<Response, Problem> {
    // Its credentials may be asked for first, each with a deadline of its own; together they have one more.
    let request = tokio::time::timeout(CREDENTIALS_DEADLINE, service.request(Method::GET, resource)).await;
    let late = |_| {
        Problem::Request(format!(
            "no credentials within {} s",
            CREDENTIALS_DEADLINE.as_secs()
        ))
    };
    let mut request = request.map_err(late)?.map_err(Problem::Request)?;
    let mut prefer = "modes=snapshot,delta".to_owned();
    let mut within = service.header_timeout();
    if let Some(hold) = polling.hold() {
        prefer.push_str(&format!(";wait={}", hold.as_secs()));
        within = hold.saturating_add(GRACE);
    }
    if let Some(etag) = polling.etag() {
        request = request.header(IF_NONE_MATCH, etag);
    }
    let request = request.header("prefer", prefer);
    let asked = request.try_clone().and_then(|request| request.build().ok());
    let sent = service.send(request, within).await;
    sent.map_err(|problem| {
        let url = asked.map_or_else(|| resource.to_owned(), |asked| asked.url().to_string());
        Problem::Request(format!("Get \"{url}\": {problem}"))
    })
}

async fn read(response: Response, limit: usize) -> Result<Answer, Problem> {
    let text = |name| {
        let value = response.headers().get(name);
        value.and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let etag = text(ETAG);
    match response.status() {
        StatusCode::OK => {
            let holds = text(CONTENT_TYPE).as_deref() == Some(LONG_POLLING);
            let url = response.url().to_string();
            let body = body_of(response, &url, limit, BODY_DEADLINE).await;
            Ok(Answer::Bundle {
                archive: body.map_err(|error| Problem::Body(error.to_string()))?,
                etag: etag.unwrap_or_default(),
                holds,
            })
        }
        StatusCode::NOT_MODIFIED => Ok(Answer::Unchanged { etag }),
        status => Err(Problem::Status(status.as_u16())),
    }
}
