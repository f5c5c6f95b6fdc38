//! `postern.edge.v1.AuthEdgeService`: applications in the pod ask about a token; the same verification and the same
//! snapshot as for Envoy. Says no more about a refused token than the answer to a refused request does.

use std::sync::Arc;

use postern_jose::CompactRef;
use postern_proto::edge::v1::auth_edge_service_server::AuthEdgeService;
use postern_proto::edge::v1::{ValidateTokenRequest, ValidateTokenResponse};
use postern_telemetry::{Code, CorrelationId, Error, X_REQUEST_ID};
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use crate::checker::Checker;

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
        let token = request.into_inner().token;
        let answer = match self.checker.verify(&token, &correlation_id) {
            Ok(_) => ValidateTokenResponse {
                valid: true,
                code: String::new(),
                claims_json: payload(&token).unwrap_or_default(),
            },
            Err(refusal) if refusal.code == Code::KeysUnavailable => {
                let error = Error::new(Code::KeysUnavailable, Code::KeysUnavailable.meaning());
                return Err(error.to_status(&correlation_id));
            }
            Err(refusal) => ValidateTokenResponse {
                valid: false,
                // Whoever may forge tokens can ask here too: the exact code is for the log.
                code: refusal.code.for_stranger().as_str().to_owned(),
                claims_json: String::new(),
            },
        };
        let mut response = Response::new(answer);
        if let Ok(value) = correlation_id.as_str().parse() {
            response.metadata_mut().insert(X_REQUEST_ID, value);
        }
        Ok(response)
    }
}

/// The payload as the issuer wrote it, of a token that was verified.
fn payload(token: &str) -> Option<String> {
    let compact = CompactRef::parse(token).ok()?;
    String::from_utf8(compact.unverified_payload().to_vec()).ok()
}
