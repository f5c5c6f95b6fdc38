//! A token that claims much and is signed with a key that nobody trusts, for the demo's third line.

use anyhow::Context as _;
use postern_jose::{Algorithm, LocalSigner, UnixTime, sign_compact};
use serde_json::json;

use super::demo;

/// For as long as anybody might paste the line.
const LIFETIME_SECONDS: i64 = 10 * 365 * 86_400;

/// The writer's claims under a throw-away key.
///
/// # Errors
/// When no key can be made.
pub fn forged_token(issuer: &str, now: UnixTime) -> anyhow::Result<String> {
    let claims = json!({
        "iss": issuer,
        "sub": "writer",
        "aud": demo::AUDIENCE,
        "client_id": "writer",
        "scope": "orders:read orders:write",
        "iat": now.0,
        "exp": now.plus_seconds(LIFETIME_SECONDS).0,
        "jti": "forged",
    });
    let signer = LocalSigner::generate(Algorithm::ES256).context("making a throw-away key")?;
    let payload = serde_json::to_vec(&claims).context("writing claims")?;
    sign_compact(&signer, Some("at+jwt"), &payload).context("signing with a throw-away key")
}
