//! A token from a token endpoint (`oauth2`), kept until it is about to expire.
//!
//! | file | job |
//! |---|---|
//! | `assertion` | assertions that are signed here |
//! | `endpoint` | the endpoint's answer, read |

mod assertion;
mod endpoint;

use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use postern_opa_config::{AssertionSource, Grant, Keys, OAuth2};
use reqwest::{Client, Url};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use super::form::Form;
use super::{Around, answer, bearer, bounded, server};
use crate::clock;
use assertion::AssertionSigner;

/// A token that holds for less than that is got anew, as in OPA.
const MARGIN: Duration = Duration::from_secs(10);
/// How long the endpoint may take to begin its answer, and then to end it.
const DEADLINE: Duration = Duration::from_secs(10);
/// The largest answer.
const MAX_BYTES: usize = 256 * 1024;

const JWT_BEARER_CLIENT: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const JWT_BEARER_GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Gets tokens.
pub(super) struct TokenSource {
    configured: OAuth2,
    headers: HeaderMap,
    signer: Option<AssertionSigner>,
    client: Client,
    around: Around,
    /// Held while one is got, so that it is got once.
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    authorization: HeaderValue,
    /// By the clock that never goes back.
    expires: Duration,
}

impl TokenSource {
    /// As configured; `client` asks the endpoint.
    ///
    /// # Errors
    /// When the signing key isn't one for its algorithm, or a header can't be sent.
    pub(super) fn new(
        configured: &OAuth2,
        keys: &Keys,
        client: Client,
        around: Around,
    ) -> Result<Self, String> {
        let signer = match &configured.grant {
            Grant::SignedClientAssertion { assertion, .. } | Grant::JwtBearer(assertion) => {
                let key = keys.get(&assertion.signing_key);
                let key = key.ok_or_else(|| format!("`{}` is not in `keys`", assertion.signing_key))?;
                let signer = AssertionSigner::new(assertion, key, &configured.scopes);
                Some(signer.map_err(|problem| format!("keys.{}: {problem}", assertion.signing_key))?)
            }
            Grant::ClientSecret { .. } | Grant::ClientAssertion { .. } => None,
        };
        let given = configured.additional_headers.iter();
        let given = given.map(|(name, value)| (name.as_str(), value.expose_secret()));
        let headers = server::headers(given).map_err(|problem| format!("additional_{problem}"))?;
        Ok(Self {
            configured: configured.clone(),
            headers,
            signer,
            client,
            around,
            kept: Mutex::new(None),
        })
    }

    /// What goes into `Authorization`.
    ///
    /// # Errors
    /// When no token is got, without what was sent.
    pub(super) async fn authorization(&self) -> Result<HeaderValue, String> {
        let mut kept = self.kept.lock().await;
        if let Some(kept) = kept.as_ref()
            && kept.expires >= clock::monotonic().saturating_add(MARGIN)
        {
            return Ok(kept.authorization.clone());
        }
        let got = self.got().await;
        let got = got.map_err(|problem| format!("the token endpoint {}: {problem}", self.endpoint()))?;
        let authorization = got.authorization.clone();
        *kept = Some(got);
        Ok(authorization)
    }

    /// Its address, without what may be a secret in it.
    fn endpoint(&self) -> String {
        let Ok(url) = self.configured.token_url.parse::<Url>() else {
            return "at token_url".to_owned();
        };
        let host = url.host_str().unwrap_or_default();
        let port = url.port().map_or(String::new(), |port| format!(":{port}"));
        format!("{}://{host}{port}{}", url.scheme(), url.path())
    }

    async fn got(&self) -> Result<Kept, String> {
        let form = self.form().await?;
        let mut request = self
            .client
            .post(&self.configured.token_url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Grant::ClientSecret {
            client_id,
            client_secret,
        } = &self.configured.grant
        {
            request = request.basic_auth(client_id, Some(client_secret.expose_secret()));
        }
        for (name, value) in &self.headers {
            request = request.header(name, value.clone());
        }
        let exchange = async {
            let response = answer(request.body(form.encoded()).send(), DEADLINE).await?;
            let status = response.status();
            Ok((status, bounded(response, MAX_BYTES).await?))
        };
        let exchange = tokio::time::timeout(2 * DEADLINE, exchange).await;
        let (status, body) = exchange
            .unwrap_or_else(|_| Err(format!("no whole answer within {} s", 2 * DEADLINE.as_secs())))?;
        let token = endpoint::token(status.as_u16(), &body)?;
        let expires = clock::monotonic().saturating_add(token.lifetime);
        let authorization = bearer::value("Bearer", &token.token);
        let authorization = authorization.ok_or("the token can't be sent in a header")?;
        Ok(Kept {
            authorization,
            expires,
        })
    }

    async fn form(&self) -> Result<Form, String> {
        let mut form = Form::default();
        if !self.configured.scopes.is_empty() {
            form.add("scope", &self.configured.scopes.join(" "));
        }
        for (name, value) in &self.configured.additional_parameters {
            form.set(name, value.expose_secret());
        }
        let grant = &self.configured.grant;
        form.add(
            "grant_type",
            match grant {
                Grant::JwtBearer(_) => JWT_BEARER_GRANT,
                _ => "client_credentials",
            },
        );
        match grant {
            Grant::ClientSecret { .. } => {}
            Grant::JwtBearer(_) => form.add("assertion", self.signed()?.expose_secret()),
            Grant::SignedClientAssertion { client_id, .. } => {
                form.add("client_assertion_type", JWT_BEARER_CLIENT);
                form.add("client_assertion", self.signed()?.expose_secret());
                if let Some(client_id) = client_id {
                    form.add("client_id", client_id);
                }
            }
            Grant::ClientAssertion {
                client_id,
                assertion_type,
                source,
            } => {
                let assertion = match source {
                    AssertionSource::Given(assertion) => assertion.clone(),
                    AssertionSource::File(path) => bearer::secret_file(path, &self.around).await?,
                };
                form.add("client_id", client_id);
                form.add("client_assertion_type", assertion_type);
                form.add("client_assertion", assertion.expose_secret());
            }
        }
        Ok(form)
    }

    fn signed(&self) -> Result<SecretString, String> {
        let signer = self.signer.as_ref().ok_or("there is no signing key")?;
        signer.signed(clock::now(), &self.around.randomness)
    }
}

#[cfg(test)]
mod tests;
