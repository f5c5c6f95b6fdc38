//! An issuer of the tests' own, whose key the sidecar is told to trust: it makes the tokens that no honest issuer makes.

use postern_jose::{Algorithm, JwkSet, LocalSigner, Signer as _, sign_compact};
use serde_json::{Value, json};

/// A key, and a server for its public half.
pub struct TestIssuer {
    signer: LocalSigner,
    url: String,
}

impl TestIssuer {
    /// Makes a key and serves its JWKS for as long as the runtime lives.
    ///
    /// # Panics
    /// Where no socket can be had.
    pub async fn start() -> Self {
        let signer =
            LocalSigner::generate(Algorithm::ES256).unwrap_or_else(|error| panic!("no key: {error}"));
        let jwks = JwkSet::new([signer.public_jwk()]).to_json();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap_or_else(|error| panic!("no socket: {error}"));
        let address = listener
            .local_addr()
            .unwrap_or_else(|error| panic!("no address: {error}"));
        let router = axum::Router::new().route("/jwks", axum::routing::get(move || async move { jwks }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            signer,
            url: format!("http://{address}"),
        }
    }

    /// `iss` of its tokens.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.url
    }

    /// Where its keys are.
    #[must_use]
    pub fn jwks_uri(&self) -> String {
        format!("{}/jwks", self.url)
    }

    /// The `kid` of its key.
    #[must_use]
    pub fn key_id(&self) -> &str {
        self.signer.key_id()
    }

    /// Claims of a good token for `audience`; tests spoil them.
    #[must_use]
    pub fn claims(&self, audience: &str) -> Value {
        let now = now();
        json!({
            "iss": self.url, "aud": audience, "sub": "tester", "client_id": "tests", "scope": "orders:read",
            "iat": now, "exp": now + 300, "jti": "test",
        })
    }

    /// Signs claims as an access token.
    ///
    /// # Panics
    /// Where signing fails.
    #[must_use]
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_typed("at+jwt", claims)
    }

    /// Signs claims under another `typ`.
    ///
    /// # Panics
    /// Where signing fails.
    #[must_use]
    pub fn sign_typed(&self, typ: &str, claims: &Value) -> String {
        sign_compact(&self.signer, Some(typ), claims.to_string().as_bytes())
            .unwrap_or_else(|error| panic!("can't sign: {error}"))
    }
}

/// Seconds since the epoch.
fn now() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
