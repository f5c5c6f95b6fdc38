//! Envoy's `envoy.service.auth.v3.Authorization` over the decision: bytes in, bytes out, nothing of its own.

mod request;
mod response;

use std::sync::Arc;

use envoy_types::ext_authz::v3::pb::{Authorization, CheckRequest, CheckResponse};
use postern_telemetry::{Code, CorrelationId, Error};
use tonic::{Request, Response, Status};

use crate::checker::Checker;

/// The service.
#[derive(Debug, Clone)]
pub(crate) struct ExtAuthz {
    checker: Arc<Checker>,
}

impl ExtAuthz {
    /// Answers through `checker`.
    pub(crate) fn new(checker: Arc<Checker>) -> Self {
        Self { checker }
    }
}

#[tonic::async_trait]
impl Authorization for ExtAuthz {
    async fn check(&self, request: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        let request = request.into_inner();
        match request::view(&request) {
            Ok(view) => Ok(Response::new(response::response(self.checker.check(&view)))),
            // Without a request there is nothing to answer; Envoy denies with `status_on_error`.
            Err(error) => {
                let correlation_id =
                    CorrelationId::from_bytes(self.checker.randomness.entropy().correlation_id);
                Err(Error::new(Code::InvalidRequest, error.to_string()).to_status(&correlation_id))
            }
        }
    }
}
