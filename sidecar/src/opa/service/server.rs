//! One of OPA's services.

use std::fmt;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use postern_opa_config::BearerToken;
use reqwest::{Client, Method, RequestBuilder};

use super::{Later, Service, bearer};

/// A server, and how it is shown who asks.
pub(super) struct Server {
    pub(super) name: String,
    pub(super) url: String,
    pub(super) headers: HeaderMap,
    pub(super) client: Client,
    pub(super) shown: Shown,
    pub(super) header_timeout: Duration,
}

/// How it is shown who asks.
pub(super) enum Shown {
    /// It isn't.
    Nothing,
    /// By a token.
    Bearer { scheme: String, token: BearerToken },
}

impl Server {
    async fn requested(&self, method: Method, path: &str) -> Result<RequestBuilder, String> {
        let url = format!("{}/{}", self.url, path.trim_matches('/'));
        let request = self.client.request(method, url).headers(self.headers.clone());
        match &self.shown {
            Shown::Nothing => Ok(request),
            Shown::Bearer { scheme, token } => {
                Ok(request.header(AUTHORIZATION, bearer::authorization(scheme, token).await?))
            }
        }
    }
}

impl Service for Server {
    fn request<'a>(&'a self, method: Method, path: &'a str) -> Later<'a, Result<RequestBuilder, String>> {
        Box::pin(async move {
            let requested = self.requested(method, path).await;
            requested.map_err(|problem| format!("services.{}: {problem}", self.name))
        })
    }

    fn header_timeout(&self) -> Duration {
        self.header_timeout
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Server")
            .field("name", &self.name)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// Configured headers, but for those that say how a message is sent, which Go passes over, too.
///
/// # Errors
/// The name of the first that can't be sent.
pub(super) fn headers<'a>(given: impl Iterator<Item = (&'a str, &'a str)>) -> Result<HeaderMap, String> {
    const OF_THE_MESSAGE: [&str; 4] = ["host", "content-length", "transfer-encoding", "trailer"];
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let wrong = |_| format!("headers.{name}: it can't be sent as a header");
        let header = HeaderName::try_from(name).map_err(|error| wrong(http::Error::from(error)))?;
        let mut value = HeaderValue::try_from(value).map_err(|error| wrong(http::Error::from(error)))?;
        value.set_sensitive(true);
        if !OF_THE_MESSAGE.contains(&header.as_str()) {
            headers.insert(header, value);
        }
    }
    Ok(headers)
}
