//! Verification of a token on request: the key set fetched or read, the rest by `postern-jose`, as a sidecar does it.

use std::time::Duration;

use anyhow::{Context as _, bail};
use postern_jose::{Algorithm, Expectations, JwkSet, KeySet, TokenRef, UnixTime, verify};
use serde::Serialize;

/// Of fetching a key set.
const DEADLINE: Duration = Duration::from_secs(10);
/// Clocks differ by so much at most.
const LEEWAY_SECONDS: u32 = 30;

/// What is needed to verify a token; all or none.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// The issuer's key set: a URL or a file. To verify takes --jwks, --issuer and --audience, all three.
    #[arg(long, value_name = "URL|FILE", requires_all = ["issuer", "audience"])]
    jwks: Option<String>,
    /// The issuer that the token must name; with --jwks and --audience.
    #[arg(long, value_name = "URL", requires = "jwks")]
    issuer: Option<String>,
    /// An audience that the token may be for; may be repeated; with --jwks and --issuer.
    #[arg(long, requires = "jwks")]
    audience: Vec<String>,
}

/// What is known of a token's truth.
#[derive(Debug, Serialize)]
#[serde(tag = "verification", rename_all = "snake_case")]
pub enum Verification {
    /// Nobody asked; nothing is.
    NotVerified,
    /// It is genuine, current and meant for the audience.
    Verified,
    /// It isn't.
    Refused {
        /// Why.
        reason: String,
    },
}

impl VerifyArgs {
    /// Verifies `token` at `now`, where there are keys to do it with.
    ///
    /// # Errors
    /// When the key set can't be had.
    pub async fn settle(&self, token: &str, now: UnixTime) -> anyhow::Result<Verification> {
        let (Some(jwks), Some(issuer)) = (&self.jwks, &self.issuer) else {
            return Ok(Verification::NotVerified);
        };
        let jwks = JwkSet::parse(&document(jwks).await?).with_context(|| format!("the key set at {jwks}"))?;
        let keys = KeySet::from_jwks(&jwks);
        let expectations = Expectations {
            issuer: issuer.clone(),
            audiences: self.audience.clone(),
            algorithms: Algorithm::ALL.to_vec(),
            // Any type: this is to look at tokens, of which an access token is one kind.
            types: Vec::new(),
            leeway_seconds: LEEWAY_SECONDS,
            required_claims: Vec::new(),
        };
        let verified = TokenRef::parse(token).and_then(|token| verify(&token, &keys, &expectations, now));
        Ok(match verified {
            Ok(_) => Verification::Verified,
            Err(refusal) => Verification::Refused {
                reason: refusal.to_string(),
            },
        })
    }
}

async fn document(place: &str) -> anyhow::Result<Vec<u8>> {
    if !place.starts_with("http://") && !place.starts_with("https://") {
        return std::fs::read(place).with_context(|| format!("--jwks {place}"));
    }
    let client = reqwest::Client::builder()
        .timeout(DEADLINE)
        .build()
        .context("preparing the request")?;
    let mut response = client
        .get(place)
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .with_context(|| format!("--jwks {place}"))?;
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .with_context(|| format!("--jwks {place}"))?
    {
        if body.len() + chunk.len() > postern_jose::MAX_JWKS_BYTES {
            bail!(
                "--jwks {place}: longer than {} bytes",
                postern_jose::MAX_JWKS_BYTES
            );
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
