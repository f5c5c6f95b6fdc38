//! How another service is reached: one boxed gRPC transport, whether the generated server itself or a channel.

use std::fmt;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::HeaderMap;
use postern_telemetry::{Code, Error, TRACEPARENT, X_REQUEST_ID};
use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tonic::codegen::{BoxFuture, Service, StdError};
use tonic::metadata::{MetadataKey, MetadataValue};
use tonic::{Response as Answer, Status};
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;

/// How long another service may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// A transport for a generated gRPC client.
#[derive(Clone)]
pub struct Rpc(BoxCloneSyncService<Request<Body>, Response<Body>, StdError>);

impl Rpc {
    /// Wraps a generated server (`TokenServiceServer::new(…)`), which is then called directly, or a
    /// [`tonic::transport::Channel`].
    pub fn new<S>(service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
        S::Error: Into<StdError>,
        S::Future: Send + 'static,
    {
        Self(BoxCloneSyncService::new(service.map_err(Into::into)))
    }
}

impl fmt::Debug for Rpc {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Rpc")
    }
}

impl Service<Request<Body>> for Rpc {
    type Response = Response<Body>;
    type Error = StdError;
    type Future = BoxFuture<Response<Body>, StdError>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), StdError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.0.call(request)
    }
}

/// A call's request, with the correlation id and trace context of the HTTP request that it is made for.
pub(crate) fn request<T>(message: T, headers: &HeaderMap) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    for name in [X_REQUEST_ID, TRACEPARENT] {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(value) = value.and_then(|value| MetadataValue::try_from(value).ok()) {
            request
                .metadata_mut()
                .insert(MetadataKey::from_static(name), value);
        }
    }
    request
}

/// Waits for an answer, but not forever.
pub(crate) async fn answer<T>(call: impl Future<Output = Result<Answer<T>, Status>>) -> Result<T, Error> {
    match tokio::time::timeout(DEADLINE, call).await {
        Ok(Ok(answer)) => Ok(answer.into_inner()),
        Ok(Err(status)) => Err(Error::from_status(&status)),
        Err(_) => Err(Error::new(Code::Timeout, Code::Timeout.meaning())),
    }
}
