//! One of OPA's services.

use std::fmt;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use postern_opa_config::BearerToken;
use reqwest::{Client, Method, RequestBuilder, Response};

use crate::http_error::causes;

use super::aws::AwsSigner;
use super::client_certificate::CertifiedClients;
use super::oauth2::TokenSource;
use super::{Around, Later, Service, answer, bearer};

/// A server, and how it is shown who asks.
pub(super) struct Server {
    pub(super) name: String,
    pub(super) url: String,
    pub(super) headers: HeaderMap,
    pub(super) clients: Clients,
    pub(super) shown: Shown,
    pub(super) header_timeout: Duration,
    pub(super) around: Around,
}

/// Whom the server sees.
pub(super) enum Clients {
    /// Anybody.
    Any(Client),
    /// Someone with a certificate.
    Certified(Box<CertifiedClients>),
}

/// How it is shown who asks.
pub(super) enum Shown {
    /// It isn't.
    Nothing,
    /// By a token.
    Bearer { scheme: String, token: BearerToken },
    /// By a token that is got for something else.
    OAuth2(Box<TokenSource>),
    /// By a signature over all that is sent.
    Aws(AwsSigner),
}

impl Server {
    async fn requested(&self, method: Method, path: &str) -> Result<RequestBuilder, String> {
        let url = format!("{}/{}", self.url, path.trim_matches('/'));
        let client = match &self.clients {
            Clients::Any(client) => client.clone(),
            Clients::Certified(clients) => clients.client().await?,
        };
        let request = client.request(method, url).headers(self.headers.clone());
        let authorization = match &self.shown {
            Shown::Nothing | Shown::Aws(_) => return Ok(request),
            Shown::Bearer { scheme, token } => bearer::authorization(scheme, token, &self.around).await?,
            Shown::OAuth2(source) => source.authorization().await?,
        };
        Ok(request.header(AUTHORIZATION, authorization))
    }

    async fn sent(&self, request: RequestBuilder, within: Duration) -> Result<Response, String> {
        let Shown::Aws(signer) = &self.shown else {
            return answer(request.send(), within).await;
        };
        let (client, request) = request.build_split();
        let mut request = request.map_err(|error| causes(&error))?;
        signer.sign(&mut request).await?;
        answer(client.execute(request), within).await
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

    fn send<'a>(&'a self, request: RequestBuilder, within: Duration) -> Later<'a, Result<Response, String>> {
        Box::pin(async move {
            let sent = self.sent(request, within).await;
            sent.map_err(|problem| format!("services.{}: {problem}", self.name))
        })
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
