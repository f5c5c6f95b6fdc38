//! Requests signed for AWS (`s3_signing`), with keys from the first source that has some.
//!
//! | file | job |
//! |---|---|
//! | `signature` | Signature Version 4 |
//! | `profile` | keys from a file of profiles |
//! | `temporary` | keys for a while: the metadata services, a web identity at STS |
//! | `expiring` | keeps such keys until they are about to expire |
//! | `answers` | the answers that hold them, read |

mod answers;
mod expiring;
mod profile;
mod signature;
mod temporary;

use http::HeaderMap;
use postern_opa_config::{AwsSource, S3Signing};
use reqwest::{Client, Request};
use secrecy::SecretString;

use super::Around;
use crate::clock;
use expiring::Expiring;
use signature::{AwsKeys, Signed, sign};

/// Signs requests to one service.
pub(super) struct AwsSigner {
    service: String,
    sources: Vec<Source>,
    around: Around,
}

struct Source {
    configured: AwsSource,
    kept: Expiring,
}

impl AwsSigner {
    /// As configured; `client` asks AWS for keys.
    pub(super) fn new(configured: &S3Signing, client: &Client, around: Around) -> Self {
        let sources = configured.sources.iter().map(|source| Source {
            configured: source.clone(),
            kept: Expiring::new(client.clone()),
        });
        Self {
            service: configured.service.clone(),
            sources: sources.collect(),
            around,
        }
    }

    /// Signs a request that is complete.
    ///
    /// # Errors
    /// When no source has keys, with what each says.
    pub(super) async fn sign(&self, request: &mut Request) -> Result<(), String> {
        let keys = self.keys().await?;
        let body = match request.body() {
            None => &[],
            Some(body) => body
                .as_bytes()
                .ok_or("a body that isn't at hand can't be signed")?,
        };
        let signed = Signed {
            method: request.method(),
            url: request.url(),
            headers: request.headers(),
            body,
        };
        let added = sign(&signed, &self.service, &keys, clock::now())?;
        let headers: &mut HeaderMap = request.headers_mut();
        for (name, value) in added {
            headers.insert(name, value);
        }
        Ok(())
    }

    async fn keys(&self) -> Result<AwsKeys, String> {
        let mut problems = Vec::new();
        for source in &self.sources {
            let keys = match &source.configured {
                AwsSource::Environment => self.environment(),
                AwsSource::Profile(profile) => profile::keys(profile, &self.around).await,
                AwsSource::WebIdentity(identity) => source.kept.web_identity(identity, &self.around).await,
                AwsSource::Metadata { iam_role, region } => {
                    let role = iam_role.as_deref();
                    source.kept.metadata(role, region, &self.around).await
                }
            };
            match keys {
                Ok(keys) => return Ok(keys),
                Err(problem) => problems.push(problem),
            }
        }
        Err(format!("no keys for AWS: {}", problems.join("; ")))
    }

    fn environment(&self) -> Result<AwsKeys, String> {
        let variable = |name| self.around.variable(name);
        let needed = |name| variable(name).ok_or_else(|| format!("{name} isn't set in the environment"));
        let session = variable("AWS_SESSION_TOKEN").or_else(|| variable("AWS_SECURITY_TOKEN"));
        Ok(AwsKeys {
            access_key: needed("AWS_ACCESS_KEY_ID")?,
            secret_key: needed("AWS_SECRET_ACCESS_KEY")?.into(),
            region: needed("AWS_REGION")?,
            session_token: session.map(SecretString::from),
        })
    }
}
