//! `postern.identity.v1.SessionIdentityService`: protobuf in, use case, protobuf out. It decides nothing.

use std::sync::Arc;

use postern_proto::identity::v1::session_identity_service_server::SessionIdentityService;
use postern_proto::identity::v1::{self as proto};
use postern_store::{Entropy, random_bytes};
use postern_telemetry::{Code, CorrelationId, Error, X_REQUEST_ID};
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use crate::api_keys::ApiKeys;
use crate::model::{ApiKeyRequest, Audience, Client, Invalid, Registration, Scope};
use crate::secret::ClientSecret;
use crate::service::{Identity, IdentityError};

mod api_keys;

/// The service's gRPC edge.
#[derive(Clone)]
pub struct IdentityGrpc {
    identity: Identity,
    api_keys: ApiKeys,
    entropy: Arc<dyn Entropy>,
}

impl IdentityGrpc {
    /// The edge of `identity` and `api_keys`; `entropy` makes correlation ids for callers that sent none.
    pub fn new(identity: Identity, api_keys: ApiKeys, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            identity,
            api_keys,
            entropy,
        }
    }

    fn correlation_id(&self, metadata: &MetadataMap) -> CorrelationId {
        let sent = metadata.get(X_REQUEST_ID).and_then(|id| id.to_str().ok());
        CorrelationId::of(sent, || random_bytes(&*self.entropy))
    }
}

#[tonic::async_trait]
impl SessionIdentityService for IdentityGrpc {
    async fn authenticate_client(
        &self,
        request: Request<proto::AuthenticateClientRequest>,
    ) -> Result<Response<proto::AuthenticateClientResponse>, Status> {
        let id = self.correlation_id(request.metadata());
        let proto::AuthenticateClientRequest {
            client_id,
            client_secret,
        } = request.into_inner();
        let secret = ClientSecret::from(client_secret);
        let client = self
            .identity
            .authenticate(&client_id, &secret)
            .await
            .map_err(|error| refused(error, &id))?;
        Ok(Response::new(proto::AuthenticateClientResponse {
            client: Some(client.into()),
        }))
    }

    async fn create_client(
        &self,
        request: Request<proto::CreateClientRequest>,
    ) -> Result<Response<proto::CreateClientResponse>, Status> {
        let id = self.correlation_id(request.metadata());
        let asked = request.into_inner();
        let secret = ClientSecret::from(asked.client_secret);
        let registration = Registration::parse(
            &asked.client_id,
            &asked.name,
            &asked.scopes,
            &asked.audience,
            secret,
        )
        .map_err(|wrong| invalid("The client can't be registered as it is.", &wrong).to_status(&id))?;
        let registered = self
            .identity
            .register(registration)
            .await
            .map_err(|error| refused(error, &id))?;
        tracing::info!(client_id = %registered.client.client_id, "client registered");
        Ok(Response::new(proto::CreateClientResponse {
            client_secret: registered.secret.expose().to_owned(),
            client: Some(registered.client.into()),
        }))
    }

    async fn list_clients(
        &self,
        request: Request<proto::ListClientsRequest>,
    ) -> Result<Response<proto::ListClientsResponse>, Status> {
        let id = self.correlation_id(request.metadata());
        let asked = request.into_inner();
        let page = self
            .identity
            .list(asked.page_size, &asked.page_token)
            .await
            .map_err(|error| refused(error, &id))?;
        Ok(Response::new(proto::ListClientsResponse {
            clients: page.clients.into_iter().map(Into::into).collect(),
            next_page_token: page.next.map(|next| next.to_string()).unwrap_or_default(),
        }))
    }

    async fn create_api_key(
        &self,
        request: Request<proto::CreateApiKeyRequest>,
    ) -> Result<Response<proto::CreateApiKeyResponse>, Status> {
        let id = self.correlation_id(request.metadata());
        let asked = request.into_inner();
        let request = ApiKeyRequest::parse(
            &asked.subject,
            &asked.name,
            &asked.scopes,
            asked.expires_at,
            self.api_keys.now(),
        )
        .map_err(|wrong| invalid("The API key can't be made as it is.", &wrong).to_status(&id))?;
        let made = self.api_keys.create(request).await;
        let made = made.map_err(|error| api_keys::refused(error, &id))?;
        tracing::info!(id = %made.api_key.id, "API key made");
        Ok(Response::new(proto::CreateApiKeyResponse {
            key: made.key.expose().to_owned(),
            api_key: Some(made.api_key.into()),
        }))
    }

    async fn list_api_keys(
        &self,
        request: Request<proto::ListApiKeysRequest>,
    ) -> Result<Response<proto::ListApiKeysResponse>, Status> {
        let id = self.correlation_id(request.metadata());
        let asked = request.into_inner();
        let page = self.api_keys.list(asked.page_size, &asked.page_token).await;
        let page = page.map_err(|error| api_keys::refused(error, &id))?;
        Ok(Response::new(proto::ListApiKeysResponse {
            api_keys: page.api_keys.into_iter().map(Into::into).collect(),
            next_page_token: page.next.map(|next| next.to_string()).unwrap_or_default(),
        }))
    }

    async fn revoke_api_key(
        &self,
        request: Request<proto::RevokeApiKeyRequest>,
    ) -> Result<Response<proto::RevokeApiKeyResponse>, Status> {
        let id = self.correlation_id(request.metadata());
        let revoked = self.api_keys.revoke(&request.into_inner().id).await;
        let revoked = revoked.map_err(|error| api_keys::refused(error, &id))?;
        tracing::info!(id = %revoked, "API key revoked");
        Ok(Response::new(proto::RevokeApiKeyResponse {}))
    }
}

/// A refusal that names every field that is wrong.
fn invalid(message: &'static str, wrong: &[Invalid]) -> Error {
    wrong.iter().fold(Error::validation(message), |error, invalid| {
        error.with_field(&invalid.field, format!("expected {}", invalid.expected))
    })
}

/// What callers are told; the log gets the whole.
fn refused(error: IdentityError, id: &CorrelationId) -> Status {
    let error = match error {
        IdentityError::NotAuthenticated => Error::new(
            Code::InvalidClient,
            "The client is unknown or its secret is wrong.",
        ),
        IdentityError::AlreadyExists(client_id) => Error::new(
            Code::AlreadyExists,
            format!("A client with the id `{client_id}` exists already."),
        ),
        IdentityError::PageToken => Error::validation("The page can't be found.")
            .with_field("page_token", "expected the next_page_token of the page before"),
        error @ IdentityError::Store(_) => {
            let error = Error::unavailable(error);
            tracing::error!(error = error.log_detail(), "the identity store failed");
            error
        }
    };
    error.to_status(id)
}

impl From<Client> for proto::Client {
    fn from(client: Client) -> Self {
        Self {
            client_id: client.client_id.to_string(),
            name: client.name.to_string(),
            scopes: client.scopes.iter().map(Scope::to_string).collect(),
            audience: client.audience.iter().map(Audience::to_string).collect(),
            created_at: client.created_at,
        }
    }
}
