//! Load as clients make it: HTTP/1.1 requests through Envoy over kept-alive connections.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::Target;

/// The requests to rotate through and the status that is wanted.
pub struct Http {
    client: Client<HttpConnector, Empty<Bytes>>,
    requests: Vec<Request<Empty<Bytes>>>,
    wanted: StatusCode,
}

impl Http {
    /// A client with a pool of its own.
    ///
    /// # Errors
    /// Where there are no requests.
    pub fn new(requests: Vec<Request<Empty<Bytes>>>, wanted: StatusCode) -> anyhow::Result<Self> {
        anyhow::ensure!(!requests.is_empty(), "no requests to send");
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            requests,
            wanted,
        })
    }
}

impl Target for Http {
    async fn ask(self: Arc<Self>, i: u64) -> bool {
        let index = usize::try_from(i).unwrap_or(0) % self.requests.len();
        let Some(request) = self.requests.get(index).cloned() else {
            return false;
        };
        let Ok(answer) = self.client.request(request).await else {
            return false;
        };
        let status = answer.status();
        // Read to the end, or the connection can't be used again.
        answer.into_body().collect().await.is_ok() && status == self.wanted
    }
}
