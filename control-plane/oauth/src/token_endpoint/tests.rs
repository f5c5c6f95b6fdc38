//! The endpoint against services that stand still: what is asked of them, and how each answer is told.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern_proto::identity::v1::session_identity_service_client::SessionIdentityServiceClient;
use postern_proto::identity::v1::session_identity_service_server::{
    SessionIdentityService, SessionIdentityServiceServer,
};
use postern_proto::identity::v1::{
    AuthenticateClientResponse, CreateClientRequest, CreateClientResponse, ListClientsRequest,
    ListClientsResponse,
};
use postern_proto::token::v1::token_service_client::TokenServiceClient;
use postern_proto::token::v1::token_service_server::{TokenService, TokenServiceServer};
use postern_proto::token::v1::{GetJwksRequest, GetJwksResponse, IssueTokenPairResponse};
use postern_proto::{identity::v1 as identity, token::v1 as token};
use postern_telemetry::CorrelationId;
use tonic::{Request as Call, Response as Reply, Status};
use tower::ServiceExt;

use super::*;
use crate::Rpc;

/// Knows `reader` with the secret `s3cret`, and keeps what it was asked.
#[derive(Clone, Default)]
struct Fixture {
    issued: Arc<Mutex<Vec<IssueTokenPairRequest>>>,
    request_ids: Arc<Mutex<Vec<String>>>,
    broken: bool,
}

#[tonic::async_trait]
impl SessionIdentityService for Fixture {
    async fn authenticate_client(
        &self,
        call: Call<AuthenticateClientRequest>,
    ) -> Result<Reply<AuthenticateClientResponse>, Status> {
        let id = call
            .metadata()
            .get("x-request-id")
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        self.request_ids.lock().unwrap().push(id);
        if self.broken {
            return Err(Status::unavailable("disk /dev/sda1 is on fire"));
        }
        let asked = call.into_inner();
        if (asked.client_id.as_str(), asked.client_secret.as_str()) != ("reader", "s3cret") {
            let id = CorrelationId::from_bytes([0; 16]);
            return Err(Error::new(
                Code::InvalidClient,
                "The client is unknown or its secret is wrong.",
            )
            .to_status(&id));
        }
        let client = Client {
            client_id: "reader".into(),
            name: "Reader".into(),
            scopes: vec!["orders:read".into(), "orders:list".into()],
            audience: vec!["urn:postern:demo".into()],
            created_at: 0,
        };
        Ok(Reply::new(AuthenticateClientResponse { client: Some(client) }))
    }

    async fn create_client(
        &self,
        _: Call<CreateClientRequest>,
    ) -> Result<Reply<CreateClientResponse>, Status> {
        Err(Status::unimplemented("not asked for here"))
    }

    async fn list_clients(&self, _: Call<ListClientsRequest>) -> Result<Reply<ListClientsResponse>, Status> {
        Err(Status::unimplemented("not asked for here"))
    }

    async fn create_api_key(
        &self,
        _: Call<identity::CreateApiKeyRequest>,
    ) -> Result<Reply<identity::CreateApiKeyResponse>, Status> {
        Err(Status::unimplemented("not asked for here"))
    }

    async fn list_api_keys(
        &self,
        _: Call<identity::ListApiKeysRequest>,
    ) -> Result<Reply<identity::ListApiKeysResponse>, Status> {
        Err(Status::unimplemented("not asked for here"))
    }

    async fn revoke_api_key(
        &self,
        _: Call<identity::RevokeApiKeyRequest>,
    ) -> Result<Reply<identity::RevokeApiKeyResponse>, Status> {
        Err(Status::unimplemented("not asked for here"))
    }
}

#[tonic::async_trait]
impl TokenService for Fixture {
    async fn issue_token_pair(
        &self,
        call: Call<IssueTokenPairRequest>,
    ) -> Result<Reply<IssueTokenPairResponse>, Status> {
        self.issued.lock().unwrap().push(call.into_inner());
        Ok(Reply::new(IssueTokenPairResponse {
            access_token: "a.b.c".into(),
            expires_in: 900,
        }))
    }

    async fn get_jwks(&self, _: Call<GetJwksRequest>) -> Result<Reply<GetJwksResponse>, Status> {
        Ok(Reply::new(GetJwksResponse {
            jwks_json: "{\"keys\":[]}".into(),
            etag: "abc".into(),
        }))
    }

    async fn revoke_token(
        &self,
        _: Call<token::RevokeTokenRequest>,
    ) -> Result<Reply<token::RevokeTokenResponse>, Status> {
        Err(Status::unimplemented("not asked for here"))
    }

    async fn list_revocations(
        &self,
        _: Call<token::ListRevocationsRequest>,
    ) -> Result<Reply<token::ListRevocationsResponse>, Status> {
        Err(Status::unimplemented("not asked for here"))
    }

    async fn remove_revocation(
        &self,
        _: Call<token::RemoveRevocationRequest>,
    ) -> Result<Reply<token::RemoveRevocationResponse>, Status> {
        Err(Status::unimplemented("not asked for here"))
    }
}

fn router(fixture: &Fixture) -> Router {
    let token = TokenServiceClient::new(Rpc::new(TokenServiceServer::new(fixture.clone())));
    let identity =
        SessionIdentityServiceClient::new(Rpc::new(SessionIdentityServiceServer::new(fixture.clone())));
    crate::router("https://issuer.example", Services { token, identity })
}

async fn post(
    fixture: &Fixture,
    authorization: Option<&str>,
    content_type: &str,
    body: &str,
) -> (StatusCode, serde_json::Value) {
    let mut request = axum::http::Request::post("/oauth2/token")
        .header(CONTENT_TYPE, content_type)
        .header("x-request-id", "test-1");
    if let Some(authorization) = authorization {
        request = request.header(AUTHORIZATION, authorization);
    }
    let response = router(fixture)
        .oneshot(request.body(Body::from(body.to_owned())).unwrap())
        .await
        .unwrap();
    assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    assert_eq!(response.headers()[PRAGMA], "no-cache");
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap();
    (status, serde_json::from_slice(&bytes).unwrap())
}

const FORM: &str = "application/x-www-form-urlencoded";

fn reader() -> String {
    format!("Basic {}", STANDARD.encode("reader:s3cret"))
}

#[tokio::test]
async fn a_client_gets_a_token_for_itself_with_all_that_it_may() {
    let fixture = Fixture::default();
    let (status, body) = post(&fixture, Some(&reader()), FORM, "grant_type=client_credentials").await;
    assert_eq!(status, 200);
    let expected = serde_json::json!({
        "access_token": "a.b.c", "token_type": "Bearer", "expires_in": 900, "scope": "orders:read orders:list",
    });
    assert_eq!(body, expected);
    let asked = fixture.issued.lock().unwrap().pop().unwrap();
    assert_eq!(
        (asked.subject.as_str(), asked.client_id.as_str()),
        ("reader", "reader")
    );
    assert_eq!(asked.audience, ["urn:postern:demo"]);
    assert_eq!(
        fixture.request_ids.lock().unwrap().as_slice(),
        ["test-1"],
        "the correlation id goes along"
    );
}

#[tokio::test]
async fn less_scope_than_allowed_can_be_asked_for() {
    let fixture = Fixture::default();
    let body =
        "grant_type=client_credentials&scope=orders%3Alist+orders:list&client_id=reader&client_secret=s3cret";
    let (status, body) = post(
        &fixture,
        None,
        "application/x-www-form-urlencoded; charset=UTF-8",
        body,
    )
    .await;
    assert_eq!(
        (status.as_u16(), body["scope"].as_str()),
        (200, Some("orders:list"))
    );
    assert_eq!(
        fixture.issued.lock().unwrap().pop().unwrap().scope,
        ["orders:list"]
    );
}

#[tokio::test]
async fn each_refusal_has_the_error_of_rfc_6749_and_issues_nothing() {
    let fixture = Fixture::default();
    let good = Some(reader());
    let wrong = Some(format!("Basic {}", STANDARD.encode("reader:wrong")));
    let big = format!("grant_type=client_credentials&pad={}", "x".repeat(64 * 1024));
    for (why, authorization, content_type, body, status, error) in [
        ("no grant type", &good, FORM, "", 400, "invalid_request"),
        (
            "another grant type",
            &good,
            FORM,
            "grant_type=password",
            400,
            "unsupported_grant_type",
        ),
        (
            "more scope",
            &good,
            FORM,
            "grant_type=client_credentials&scope=orders:read+admin",
            400,
            "invalid_scope",
        ),
        (
            "two spaces",
            &good,
            FORM,
            "grant_type=client_credentials&scope=orders:read++orders:list",
            400,
            "invalid_scope",
        ),
        (
            "a repeated parameter",
            &good,
            FORM,
            "grant_type=client_credentials&grant_type=x",
            400,
            "invalid_request",
        ),
        (
            "two ways",
            &good,
            FORM,
            "grant_type=client_credentials&client_id=reader&client_secret=s3cret",
            400,
            "invalid_request",
        ),
        (
            "a wrong secret",
            &wrong,
            FORM,
            "grant_type=client_credentials",
            401,
            "invalid_client",
        ),
        (
            "no client",
            &None,
            FORM,
            "grant_type=client_credentials",
            401,
            "invalid_client",
        ),
        ("JSON", &good, "application/json", "{}", 400, "invalid_request"),
        (
            "no media type",
            &good,
            "",
            "grant_type=client_credentials",
            400,
            "invalid_request",
        ),
        ("a large body", &good, FORM, &big, 413, "invalid_request"),
    ] {
        let (found, body) = post(&fixture, authorization.as_deref(), content_type, body).await;
        assert_eq!(
            (found.as_u16(), body["error"].as_str()),
            (status, Some(error)),
            "{why}: {body}"
        );
        assert!(
            body["error_description"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{why}"
        );
    }
    assert!(fixture.issued.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_broken_service_is_told_without_its_insides() {
    let fixture = Fixture {
        broken: true,
        ..Fixture::default()
    };
    let (status, body) = post(&fixture, Some(&reader()), FORM, "grant_type=client_credentials").await;
    assert_eq!(
        (status.as_u16(), body["error"].as_str()),
        (503, Some("temporarily_unavailable"))
    );
    assert!(!body.to_string().contains("sda1"), "{body}");
}

#[tokio::test]
async fn the_documents_are_served_with_validators() {
    let get = |path: &str| {
        axum::http::Request::get(path)
            .header("if-none-match", "\"abc\"")
            .body(Body::empty())
            .unwrap()
    };
    let fixture = Fixture::default();
    let response = router(&fixture)
        .oneshot(get("/.well-known/jwks.json"))
        .await
        .unwrap();
    assert_eq!(response.status(), 304, "the token service's own tag is used");
    let response = router(&fixture)
        .oneshot(get("/.well-known/oauth-authorization-server"))
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(metadata["issuer"], "https://issuer.example");
    assert_eq!(metadata["token_endpoint"], "https://issuer.example/oauth2/token");
    assert_eq!(
        metadata["jwks_uri"],
        "https://issuer.example/.well-known/jwks.json"
    );
}
