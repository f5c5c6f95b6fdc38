//! `postern.token.v1.TokenService`: protobuf in, use case, protobuf out. It decides nothing.

use std::sync::Arc;

use postern_proto::token::v1::token_service_server::TokenService;
use postern_proto::token::v1::{self as proto};
use postern_store::{Entropy, random_bytes};
use postern_telemetry::{CorrelationId, Error, X_REQUEST_ID};
use secrecy::ExposeSecret;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use crate::model::{Grant, Invalid};
use crate::revocations::Revocations;
use crate::service::Tokens;

mod revocations;

/// The service's gRPC edge.
#[derive(Clone)]
pub struct TokenGrpc {
    tokens: Tokens,
    revocations: Revocations,
    entropy: Arc<dyn Entropy>,
}

impl TokenGrpc {
    /// The edge of `tokens` and `revocations`; `entropy` makes correlation ids for callers that sent none.
    pub fn new(tokens: Tokens, revocations: Revocations, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            tokens,
            revocations,
            entropy,
        }
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
            invalid("The token can't be issued as it was asked for.", &wrong).to_status(&id)
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
        request: Request<proto::RevokeTokenRequest>,
    ) -> Result<Response<proto::RevokeTokenResponse>, Status> {
        let id = self.correlation_id(request.metadata());
        let entry = revocations::parse(request.into_inner(), self.tokens.issuer(), self.revocations.now())
            .map_err(|wrong| {
                invalid("The tokens can't be revoked as it was asked for.", &wrong).to_status(&id)
            })?;
        let revoked = self.revocations.revoke(vec![entry]).await;
        let revoked = revoked.map_err(|error| revocations::refused(error, &id))?;
        for entry in &revoked {
            tracing::info!(
                id = entry.tokens.id(),
                issuer = entry.tokens.issuer,
                expires_at = entry.expires_at,
                "revoked"
            );
        }
        Ok(Response::new(proto::RevokeTokenResponse {
            revocation: revoked.into_iter().next().map(Into::into),
        }))
    }

    async fn list_revocations(
        &self,
        request: Request<proto::ListRevocationsRequest>,
    ) -> Result<Response<proto::ListRevocationsResponse>, Status> {
        let id = self.correlation_id(request.metadata());
        let asked = request.into_inner();
        let page = self.revocations.list(asked.page_size, &asked.page_token).await;
        let page = page.map_err(|error| revocations::refused(error, &id))?;
        Ok(Response::new(proto::ListRevocationsResponse {
            revocations: page.entries.into_iter().map(Into::into).collect(),
            next_page_token: page.next,
        }))
    }

    async fn remove_revocation(
        &self,
        request: Request<proto::RemoveRevocationRequest>,
    ) -> Result<Response<proto::RemoveRevocationResponse>, Status> {
        let id = self.correlation_id(request.metadata());
        let removed = self.revocations.remove(&request.into_inner().id).await;
        let removed = removed.map_err(|error| revocations::refused(error, &id))?;
        tracing::info!(
            id = removed.tokens.id(),
            issuer = removed.tokens.issuer,
            "no longer revoked"
        );
        Ok(Response::new(proto::RemoveRevocationResponse {}))
    }
}

/// A refusal that names every field that is wrong.
fn invalid(message: &'static str, wrong: &[Invalid]) -> Error {
    wrong.iter().fold(Error::validation(message), |error, invalid| {
        error.with_field(&invalid.field, format!("expected {}", invalid.expected))
    })
}
