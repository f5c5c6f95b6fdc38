//! `postern.token.v1.TokenService`: protobuf in, use case, protobuf out. It decides nothing.

use std::sync::Arc;

use postern_proto::token::v1::token_service_server::TokenService;
use postern_proto::token::v1::{self as proto};
use postern_store::{Entropy, random_bytes};
use postern_telemetry::{CorrelationId, Error, X_REQUEST_ID};
use secrecy::ExposeSecret;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use crate::model::Grant;
use crate::service::Tokens;

/// The service's gRPC edge.
#[derive(Clone)]
pub struct TokenGrpc {
    tokens: Tokens,
    entropy: Arc<dyn Entropy>,
}

impl TokenGrpc {
    /// The edge of `tokens`; `entropy` makes correlation ids for callers that sent none.
    pub fn new(tokens: Tokens, entropy: Arc<dyn Entropy>) -> Self {
        Self { tokens, entropy }
    }

    fn correlation_id(&self, metadata: &MetadataMap) -> CorrelationId {
        let sent = metadata.get(X_REQUEST_ID).and_then(|id| id.to_str().ok());
        CorrelationId::of(sent, || random_bytes(&*self.entropy))
    }
}

#[tonic::async_trait]
impl TokenService for TokenGrpc {
    async fn issue_token_pair(
        &self,
        request: Request<proto::IssueTokenPairRequest>,
    ) -> Result<Response<proto::IssueTokenPairResponse>, Status> {
        let id = self.correlation_id(request.metadata());
        let proto::IssueTokenPairRequest {
            subject,
            client_id,
            audience,
            scope,
            ttl_seconds,
        } = request.into_inner();
        let issued_to = client_id.clone();
        let grant = Grant::parse(subject, client_id, audience, scope, ttl_seconds).map_err(|wrong| {
            wrong
                .iter()
                .fold(
                    Error::validation("The token can't be issued as it was asked for."),
                    |error, invalid| {
                        error.with_field(&invalid.field, format!("expected {}", invalid.expected))
                    },
                )
                .to_status(&id)
        })?;
        let issued = self.tokens.issue(&grant).map_err(|error| {
            let error = Error::internal(error);
            tracing::error!(error = error.log_detail(), "no token could be issued");
            error.to_status(&id)
        })?;
        tracing::info!(client_id = issued_to, jti = issued.jti, "access token issued");
        Ok(Response::new(proto::IssueTokenPairResponse {
            access_token: issued.access_token.expose_secret().to_owned(),
            expires_in: issued.expires_in,
        }))
    }

    async fn get_jwks(
        &self,
        _request: Request<proto::GetJwksRequest>,
    ) -> Result<Response<proto::GetJwksResponse>, Status> {
        let document = self.tokens.key_document();
        Ok(Response::new(proto::GetJwksResponse {
            jwks_json: document.json.clone(),
            etag: document.etag.clone(),
        }))
    }

    async fn revoke_token(
        &self,
        _: Request<proto::RevokeTokenRequest>,
    ) -> Result<Response<proto::RevokeTokenResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_revocations(
        &self,
        _: Request<proto::ListRevocationsRequest>,
    ) -> Result<Response<proto::ListRevocationsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn remove_revocation(
        &self,
        _: Request<proto::RemoveRevocationRequest>,
    ) -> Result<Response<proto::RemoveRevocationResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}
