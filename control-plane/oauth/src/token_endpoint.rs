//! `POST /oauth2/token` (RFC 6749 §3.2): authenticates the client, settles the scope, has a token issued.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
use axum::http::{HeaderMap, HeaderValue, Response};
use postern_proto::identity::v1::{AuthenticateClientRequest, Client};
use postern_proto::token::v1::IssueTokenPairRequest;
use postern_telemetry::{Code, Error};
use serde::Serialize;

use crate::Services;
use crate::client_auth::{Presented, presented};
use crate::error::OAuthError;
use crate::form::Form;
use crate::rpc;

/// A successful answer (RFC 6749 §5.1).
#[derive(Serialize)]
struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    /// Seconds.
    expires_in: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
}

pub(crate) async fn token(
    State(services): State<Services>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response<Body>, OAuthError> {
    let form = Form::read(request).await?;
    let grant_type = form
        .value("grant_type")
        .ok_or_else(|| OAuthError::invalid_request("grant_type: missing; expected client_credentials."))?;
    let client = authenticate(&services, &headers, &form).await?;
    match grant_type {
        "client_credentials" => client_credentials(services, &headers, &form, client).await,
        _ => Err(OAuthError::new(
            Code::UnsupportedGrantType,
            "grant_type: expected client_credentials.",
        )),
    }
}

async fn authenticate(services: &Services, headers: &HeaderMap, form: &Form) -> Result<Client, OAuthError> {
    let Presented {
        client_id,
        client_secret,
    } = presented(headers, form)?;
    let message = AuthenticateClientRequest {
        client_id,
        client_secret: client_secret.to_string(),
    };
    let mut identity = services.identity.clone();
    let answer = rpc::answer(identity.authenticate_client(rpc::request(message, headers))).await?;
    let client = answer
        .client
        .ok_or_else(|| Error::internal("the identity service answered without a client"))?;
    Ok(client)
}

/// The client credentials grant (RFC 6749 §4.4): the token is for the client itself.
async fn client_credentials(
    services: Services,
    headers: &HeaderMap,
    form: &Form,
    client: Client,
) -> Result<Response<Body>, OAuthError> {
    let scope = settle_scope(form.value("scope"), &client.scopes)?;
    let granted = scope.join(" ");
    let message = IssueTokenPairRequest {
        subject: client.client_id.clone(),
        client_id: client.client_id,
        audience: client.audience,
        scope,
        ttl_seconds: 0,
    };
    let mut token = services.token;
    let issued = rpc::answer(token.issue_token_pair(rpc::request(message, headers)))
        .await
        // The client has nothing to correct about a request that was made here.
        .map_err(|error| {
            if error.code().http_status() < 500 {
                Error::internal(error)
            } else {
                error
            }
        })?;
    let answer = TokenResponse {
        access_token: issued.access_token,
        token_type: "Bearer",
        expires_in: issued.expires_in,
        scope: granted,
    };
    let body = serde_json::to_string(&answer).map_err(Error::internal)?;
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// The scope that is granted: what was asked for, each once, if the client may have all of it; everything that it may
/// have where nothing was asked for (RFC 6749 §3.3 leaves that default to us).
fn settle_scope(asked: Option<&str>, allowed: &[String]) -> Result<Vec<String>, OAuthError> {
    let Some(asked) = asked else {
        return Ok(allowed.to_vec());
    };
    let mut granted: Vec<String> = Vec::new();
    for scope in asked.split(' ') {
        if !allowed.iter().any(|allowed| allowed == scope) {
            return Err(OAuthError::new(
                Code::InvalidScope,
                "scope: expected scopes that the client is registered with, separated by single spaces.",
            ));
        }
        if !granted.iter().any(|granted| granted == scope) {
            granted.push(scope.to_owned());
        }
    }
    Ok(granted)
}

#[cfg(test)]
mod tests;
