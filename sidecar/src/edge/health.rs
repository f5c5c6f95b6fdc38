//! `grpc.health.v1.Health`: serving while this sidecar is ready, by the same word as /readyz. Never checks anything itself.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use tonic::{Request, Response, Status as GrpcStatus};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::Health;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::status::Status;

/// What there is to ask about: the process, and the services by their names.
const SERVICES: [&str; 3] = [
    "",
    "postern.edge.v1.AuthEdgeService",
    "envoy.service.auth.v3.Authorization",
];
/// How soon a watcher hears of a change.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// The service.
#[derive(Debug, Clone)]
pub(crate) struct Readiness {
    status: Arc<Status>,
}

impl Readiness {
    /// Tells what `status` tells.
    pub(crate) fn new(status: Arc<Status>) -> Self {
        Self { status }
    }

    fn serving(&self) -> ServingStatus {
        if self.status.read().not_ready().is_empty() {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        }
    }
}

#[tonic::async_trait]
impl Health for Readiness {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, GrpcStatus> {
        if !SERVICES.contains(&request.get_ref().service.as_str()) {
            return Err(GrpcStatus::not_found(format!(
                "no such service here; expected one of {}",
                SERVICES.join(", ").trim_start_matches(", ")
            )));
        }
        Ok(Response::new(response(self.serving())))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, GrpcStatus>> + Send>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, GrpcStatus> {
        if !SERVICES.contains(&request.get_ref().service.as_str()) {
            // By the protocol, one that is unknown is told so and may become known; here it never does.
            let unknown = stream::iter([Ok(response(ServingStatus::ServiceUnknown))]);
            return Ok(Response::new(unknown.chain(stream::pending()).boxed()));
        }
        let changes = stream::unfold((self.clone(), None), |(readiness, told)| async move {
            loop {
                let now = readiness.serving();
                if told != Some(now) {
                    return Some((Ok(response(now)), (readiness, Some(now))));
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        });
        Ok(Response::new(changes.boxed()))
    }
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}
