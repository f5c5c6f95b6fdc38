//! What `postern dev` asks of its parts over HTTP: a token, whether they are ready. Each request has a deadline; a proxy in
//! the environment is not used, for all of it is on this machine.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::Client;
use secrecy::SecretString;
use serde::Deserialize;

use crate::target::DemoClient;

/// Of a request.
const DEADLINE: Duration = Duration::from_secs(2);

/// A client for this machine.
///
/// # Errors
/// When it can't be made.
pub fn client() -> anyhow::Result<Client> {
    Client::builder()
        .timeout(DEADLINE)
        .no_proxy()
        .build()
        .context("preparing HTTP requests")
}

/// The status that `GET url` is answered with, if it is.
pub async fn status(client: &Client, url: &str, token: Option<&SecretString>) -> Option<u16> {
    use secrecy::ExposeSecret as _;
    let request = client.get(url);
    let request = match token {
        Some(token) => request.bearer_auth(token.expose_secret()),
        None => request,
    };
    request
        .send()
        .await
        .ok()
        .map(|response| response.status().as_u16())
}

/// A token for `of`, by client_credentials (RFC 6749 §4.4).
///
/// # Errors
/// When the control plane gives none.
pub async fn token(client: &Client, control_plane: &str, of: &DemoClient) -> anyhow::Result<SecretString> {
    #[derive(Deserialize)]
    struct Answer {
        access_token: String,
    }
    let response = client
        .post(format!("{control_plane}/oauth2/token"))
        .basic_auth(&of.client_id, Some(&of.client_secret))
        .header("content-type", "application/x-www-form-urlencoded")
        .body("grant_type=client_credentials")
        .send()
        .await
        .context("asking for a token")?;
    let status = response.status();
    let body = response.bytes().await.context("asking for a token")?;
    ensure!(
        status.is_success(),
        "the control plane gives {} no token: {status} {}",
        of.client_id,
        String::from_utf8_lossy(&body)
    );
    let answer: Answer = serde_json::from_slice(&body).context("the token endpoint's answer")?;
    Ok(answer.access_token.into())
}
