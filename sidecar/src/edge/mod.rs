//! `postern.edge.v1.AuthEdgeService`: applications in the pod ask about a token or a certificate; the same verification and
//! the same snapshot as for Envoy. Says no more about a refused token than the answer to a refused request does.
//!
//! | file | call |
//! |---|---|
//! | `validate` | ValidateToken: a JWT, verified here |
//! | `introspect` | IntrospectToken: a JWT, or a token that only its issuer can read |
//! | `identity` | GetServiceIdentity: whom a certificate names |
//! | `v2` | Envoy's retired version of checks, refused by name |
//! | `health`, `reflection` | what is served beside it: `grpc.health.v1`, and server reflection if wanted |

mod health;
mod identity;
mod introspect;
mod reflection;
mod v2;
mod validate;

use std::sync::Arc;

use postern_jose::CompactRef;
use postern_proto::edge::v1::auth_edge_service_server::{AuthEdgeService, AuthEdgeServiceServer};
use postern_proto::edge::v1::{
    GetServiceIdentityRequest, GetServiceIdentityResponse, IntrospectTokenRequest, IntrospectTokenResponse,
    ValidateTokenRequest, ValidateTokenResponse,
};
use postern_telemetry::{CorrelationId, Error, X_REQUEST_ID};
use tonic::metadata::MetadataMap;
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_server::HealthServer;

use crate::checker::Checker;

/// The largest question: a token, or a certificate, and a little.
const MAX_QUESTION_BYTES: usize = 64 * 1024;

/// All that is served beside checks: this service, health, and reflection where it is wanted.
///
/// # Errors
/// When reflection can't be set up.
pub(crate) fn routes(
    checker: Arc<Checker>,
    status: Arc<crate::status::Status>,
    reflection: bool,
) -> Result<Routes, tonic_reflection::server::Error> {
    let edge =
        AuthEdgeServiceServer::new(AuthEdge::new(checker)).max_decoding_message_size(MAX_QUESTION_BYTES);
    let health =
        HealthServer::new(health::Readiness::new(status)).max_decoding_message_size(MAX_QUESTION_BYTES);
    let routes = v2::refused_in(Routes::new(edge).add_service(health));
    if reflection {
        reflection::added_to(routes)
    } else {
        Ok(routes)
    }
}

/// The service.
#[derive(Debug, Clone)]
pub(crate) struct AuthEdge {
    checker: Arc<Checker>,
}

impl AuthEdge {
    /// Answers through `checker`.
    pub(crate) fn new(checker: Arc<Checker>) -> Self {
        Self { checker }
    }

    fn correlation_id(&self, metadata: &MetadataMap) -> CorrelationId {
        let sent = metadata.get(X_REQUEST_ID).and_then(|value| value.to_str().ok());
        CorrelationId::of(sent, || self.checker.randomness.entropy().correlation_id)
    }
}

#[tonic::async_trait]
impl AuthEdgeService for AuthEdge {
    async fn validate_token(
        &self,
        request: Request<ValidateTokenRequest>,
    ) -> Result<Response<ValidateTokenResponse>, Status> {
        let correlation_id = self.correlation_id(request.metadata());
        let answer = validate::answer(&self.checker, &request.into_inner(), &correlation_id);
        response(answer, &correlation_id)
    }

    async fn introspect_token(
        &self,
        request: Request<IntrospectTokenRequest>,
    ) -> Result<Response<IntrospectTokenResponse>, Status> {
        let correlation_id = self.correlation_id(request.metadata());
        let answer = introspect::answer(&self.checker, &request.into_inner(), &correlation_id).await;
        response(answer, &correlation_id)
    }

    async fn get_service_identity(
        &self,
        request: Request<GetServiceIdentityRequest>,
    ) -> Result<Response<GetServiceIdentityResponse>, Status> {
        let correlation_id = self.correlation_id(request.metadata());
        response(identity::answer(&request.into_inner()), &correlation_id)
    }
}

/// Every answer, an error too, names the request that it answers.
fn response<T>(answer: Result<T, Error>, correlation_id: &CorrelationId) -> Result<Response<T>, Status> {
    let mut response = Response::new(answer.map_err(|error| error.to_status(correlation_id))?);
    if let Ok(value) = correlation_id.as_str().parse() {
        response.metadata_mut().insert(X_REQUEST_ID, value);
    }
    Ok(response)
}

/// The payload as the issuer wrote it, of a token that was verified.
fn payload(token: &str) -> Option<String> {
    let compact = CompactRef::parse(token).ok()?;
    String::from_utf8(compact.unverified_payload().to_vec()).ok()
}
