//! A real foreign issuer: node-oidc-provider (`e2e/peers/oidc-provider`), as a process of its own.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::root;

const START_LIMIT: Duration = Duration::from_secs(60);

/// A running provider. It ends when its standard input does, however the test ends.
pub struct OidcProvider {
    /// `iss` of its tokens, and where its discovery document is found.
    pub issuer: String,
    /// `aud` of its tokens.
    pub audience: String,
    /// Its one client.
    pub client_id: String,
    /// And its secret.
    pub client_secret: String,
    control: String,
    http: reqwest::Client,
    _process: Child,
    /// Held, so that what it has to say later doesn't end it.
    _stdout: Lines<BufReader<ChildStdout>>,
    _stdin: Option<ChildStdin>,
}

impl OidcProvider {
    /// Installs it where it isn't yet, and starts it.
    ///
    /// # Panics
    /// Where it can't be installed or doesn't start; with what it said.
    pub async fn start() -> Self {
        let installed = Command::new(root().join("scripts/peers.sh"))
            .arg("oidc-provider")
            .output()
            .await
            .unwrap_or_else(|error| panic!("scripts/peers.sh: {error}"));
        assert!(
            installed.status.success(),
            "scripts/peers.sh: {}",
            String::from_utf8_lossy(&installed.stderr)
        );
        let mut process = Command::new("node")
            .arg(root().join("e2e/peers/oidc-provider/provider.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("node: {error}"));
        let stdin = process.stdin.take();
        let stdout = process.stdout.take().unwrap_or_else(|| panic!("no output"));
        let mut lines = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(START_LIMIT, lines.next_line())
            .await
            .unwrap_or_else(|_| panic!("node-oidc-provider did not start"))
            .unwrap_or_else(|error| panic!("node-oidc-provider: {error}"))
            .unwrap_or_else(|| panic!("node-oidc-provider ended at once"));
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
        let text = |name: &str| {
            let text = told.get(name).and_then(Value::as_str);
            text.unwrap_or_else(|| panic!("{line}: no {name}")).to_owned()
        };
        Self {
            issuer: text("issuer"),
            audience: text("audience"),
            client_id: text("client_id"),
            client_secret: text("client_secret"),
            control: text("control"),
            http: reqwest::Client::builder()
                .no_proxy()
                .build()
                .unwrap_or_else(|error| panic!("no HTTP client: {error}")),
            _process: process,
            _stdout: lines,
            _stdin: stdin,
        }
    }

    /// A JWT access token with scope `orders:read`.
    pub async fn token(&self) -> String {
        self.token_for("urn:postern:test").await
    }

    /// An opaque access token.
    pub async fn opaque_token(&self) -> String {
        self.token_for("urn:postern:test:opaque").await
    }

    /// Revokes a token that the provider remembers: an opaque one (RFC 7009).
    ///
    /// # Panics
    /// Where the provider refuses.
    pub async fn revoke(&self, token: &str) {
        let answer = self.post("/token/revocation", &format!("token={token}")).await;
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    /// Makes a key for new tokens, and keeps the old ones published. Opaque tokens end with it.
    pub async fn rotate(&self) {
        self.control(reqwest::Method::POST, "/rotate").await;
    }

    /// Publishes the newest key alone.
    pub async fn retire(&self) {
        self.control(reqwest::Method::POST, "/retire").await;
    }

    /// How often `path` was asked for.
    pub async fn requests(&self, path: &str) -> u64 {
        let counts = self.control(reqwest::Method::GET, "/requests").await;
        counts.get(path).and_then(Value::as_u64).unwrap_or_default()
    }

    async fn token_for(&self, resource: &str) -> String {
        let form = format!("grant_type=client_credentials&scope=orders:read&resource={resource}");
        let answer = self.post("/token", &form).await;
        let body = answer.text().await.unwrap_or_default();
        let answer: Value = serde_json::from_str(&body).unwrap_or_default();
        let token = answer.get("access_token").and_then(Value::as_str);
        token.unwrap_or_else(|| panic!("no token: {body}")).to_owned()
    }

    async fn post(&self, path: &str, form: &str) -> reqwest::Response {
        self.http
            .post(format!("{}{path}", self.issuer))
            .basic_auth(&self.client_id, Some(&self.client_secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.to_owned())
            .send()
            .await
            .unwrap_or_else(|error| panic!("node-oidc-provider: {error}"))
    }

    async fn control(&self, method: reqwest::Method, path: &str) -> Value {
        let answer = self
            .http
            .request(method, format!("{}{path}", self.control))
            .send()
            .await
            .unwrap_or_else(|error| panic!("node-oidc-provider: {error}"));
        answer
            .json()
            .await
            .unwrap_or_else(|error| panic!("node-oidc-provider {path}: {error}"))
    }
}
