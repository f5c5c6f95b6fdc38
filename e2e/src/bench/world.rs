//! A sidecar under measurement and what it needs: an issuer and a bundle server in this process, the null server beside it.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use axum::Router;
use axum::routing::get;
use postern_jose::{Algorithm, JwkSet, LocalSigner};
use tempfile::TempDir;

use super::bundles::BundleServer;
use super::policy::PolicyCase;
use super::{Setting, revocations};
use crate::measure::Child;
use crate::traffic::{self, Claims};

/// How much there is of what a check's cost must not grow with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    /// Keys that the issuer publishes; its tokens are signed with one of them.
    pub(super) keys: usize,
    /// Routes, of which the requests meet the last. 0: what a configuration without routes has.
    pub(super) routes: usize,
    /// Revocations of other tokens of the issuer, from a stream; `None`: no stream.
    pub(super) revocations: Option<u32>,
    /// Whether the sidecar remembers what the policy answered; else it is evaluated for each request.
    pub(super) remembers: bool,
    /// Whether the policy is a Wasm module, and no plan.
    pub(super) in_wasm: bool,
    /// Whether the bundle is asked for each second, and not each half minute.
    pub(super) asks_often: bool,
}

impl Default for Size {
    fn default() -> Self {
        Self {
            keys: 1,
            routes: 0,
            revocations: None,
            remembers: false,
            in_wasm: false,
            asks_often: false,
        }
    }
}

const AUDIENCE: &str = "urn:postern:bench";
const START_LIMIT: Duration = Duration::from_secs(20);

/// A folder, an issuer's keys and its tokens, served for as long as this value lives.
pub(super) struct World {
    folder: TempDir,
    /// Its name, what it signs with, and when it began to.
    issuer: (String, LocalSigner, i64),
    /// `VARIETY` tokens that the sidecar accepts.
    pub(super) tokens: Vec<String>,
    config: PathBuf,
    admin: SocketAddr,
    size: Size,
    bundles: BundleServer,
}

impl World {
    /// Serves the issuer's keys and the signed bundle of `case`, and writes the sidecar's configuration.
    ///
    /// # Errors
    /// Where a file or a socket can't be made.
    pub(super) async fn lay(setting: &Setting, case: &PolicyCase) -> anyhow::Result<Self> {
        Self::lay_of_size(setting, case, Size::default()).await
    }

    /// The same, of a sidecar that remembers what the policy answered, as one does that isn't told otherwise.
    ///
    /// # Errors
    /// Where a file or a socket can't be made.
    pub(super) async fn lay_remembering(setting: &Setting, case: &PolicyCase) -> anyhow::Result<Self> {
        let size = Size {
            remembers: true,
            ..Size::default()
        };
        Self::lay_of_size(setting, case, size).await
    }

    /// The same, of a sidecar whose policy is a Wasm module.
    ///
    /// # Errors
    /// Where a file or a socket can't be made.
    pub(super) async fn lay_in_wasm(setting: &Setting, case: &PolicyCase) -> anyhow::Result<Self> {
        let size = Size {
            in_wasm: true,
            ..Size::default()
        };
        Self::lay_of_size(setting, case, size).await
    }

    /// The same, of some size.
    ///
    /// # Errors
    /// Where a file or a socket can't be made.
    pub(super) async fn lay_of_size(
        setting: &Setting,
        case: &PolicyCase,
        size: Size,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let issuer_key = LocalSigner::generate(Algorithm::ES256)?;
        let bundle_key = LocalSigner::generate(Algorithm::ES256)?;
        let archive = if size.in_wasm {
            case.archive_for(setting, "wasm")?
        } else {
            case.archive(setting)?
        };
        let others = (1..size.keys).map(|_| LocalSigner::generate(Algorithm::ES256));
        let others = others.collect::<Result<Vec<_>, _>>()?;
        let published = others.iter().chain([&issuer_key]).map(LocalSigner::public_jwk);
        let jwks = JwkSet::new(published).to_json();

        let public_key = folder.path().join("bundle.pem");
        std::fs::write(&public_key, bundle_key.public_jwk().to_spki_pem()?)?;
        let bundles = BundleServer::new(bundle_key);
        bundles.serve(bundles.signed(&archive)?);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let router = Router::new()
            .route("/jwks", get(move || async move { jwks }))
            .merge(bundles.router());
        tokio::spawn(async move { axum::serve(listener, router).await });

        let admin = free_address()?;
        let config = folder.path().join("sidecar.yaml");
        let socket = folder.path().join("sidecar.sock");
        let (data, entrypoint) = (folder.path().join("data"), &case.entrypoint);
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)?
            .as_secs()
            .try_into()?;
        let stream = match size.revocations {
            Some(count) => {
                let address = revocations::serve(&base, count, now).await?;
                format!("control_plane: {{ grpc: \"http://{address}\" }}\n")
            }
            None => String::new(),
        };
        std::fs::write(
            &config,
            format!(
                "data_dir: {data}\n\
                 ext_authz: {{ listen: [\"unix:{socket}\"] }}\n\
                 admin: {{ listen: \"{admin}\" }}\n\
                 issuers:\n  - issuer: {base}\n    jwks_uri: {base}/jwks\n    audiences: [\"{AUDIENCE}\"]\n\
                 policy:\n  bundle: bench\n  url: {base}/bundle\n  entrypoint: {entrypoint}\n\
                 \x20 verification:\n    keys: [ {{ key_id: bench, algorithm: ES256, public_key_file: {key} }} ]\n\
                 \x20 cache: {{ entries: {remembered} }}\n\
                 \x20 poll_seconds: {poll_seconds}\n\
                 {stream}{routes}",
                poll_seconds = if size.asks_often { 1 } else { 30 },
                remembered = if size.remembers { 10_000 } else { 0 },
                routes = routes(size.routes),
                data = data.display(),
                socket = socket.display(),
                key = public_key.display(),
            ),
        )?;
        let mut world = Self {
            folder,
            issuer: (base, issuer_key, now),
            tokens: Vec::new(),
            config,
            admin,
            size,
            bundles,
        };
        world.tokens = world.tokens_of(0..traffic::VARIETY)?;
        Ok(world)
    }

    /// Tokens with these numbers that the sidecar accepts; those that it has are the first.
    ///
    /// # Errors
    /// Where signing fails.
    pub(super) fn tokens_of(&self, numbers: Range<usize>) -> anyhow::Result<Vec<String>> {
        let (issuer, key, now) = &self.issuer;
        let claims = Claims {
            issuer,
            audience: AUDIENCE,
            now: *now,
        };
        traffic::tokens_of(key, &claims, numbers)
    }

    /// Where its bundle comes from.
    pub(super) fn bundles(&self) -> &BundleServer {
        &self.bundles
    }

    /// The sidecar's ext_authz socket.
    #[must_use]
    pub(super) fn sidecar_socket(&self) -> PathBuf {
        self.folder.path().join("sidecar.sock")
    }

    /// The null server's socket.
    #[must_use]
    pub(super) fn null_socket(&self) -> PathBuf {
        self.folder.path().join("null.sock")
    }

    /// Starts the sidecar on the servers' core and waits until it is ready.
    ///
    /// # Errors
    /// Where it doesn't start.
    pub(super) async fn start_sidecar(&self, setting: &Setting) -> anyhow::Result<Child> {
        let mut command = Command::new(setting.binaries.join("postern-sidecar"));
        command
            .arg("--config")
            .arg(&self.config)
            .env("POSTERN_LOG", "warn");
        let mut sidecar = Child::start_pinned("postern-sidecar", &mut command)?;
        let url = format!("http://{}", self.admin);
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(1))
            .build()?;
        let ready = || async {
            matches!(client.get(format!("{url}/readyz")).send().await, Ok(answer) if answer.status().is_success())
        };
        sidecar.wait_until(START_LIMIT, ready).await?;
        if let Some(revocations) = self.size.revocations {
            let has_all = || async { known_revocations(&client, &url).await == Some(u64::from(revocations)) };
            sidecar.wait_until(START_LIMIT, has_all).await?;
        }
        Ok(sidecar)
    }

    /// Starts the null server, of one runtime flavour, on the servers' core.
    ///
    /// # Errors
    /// Where it doesn't start.
    pub(super) async fn start_null(
        &self,
        setting: &Setting,
        worker_threads: Option<usize>,
    ) -> anyhow::Result<Child> {
        let socket = self.null_socket();
        let mut command = Command::new(setting.binaries.join("postern-null"));
        command.arg(&socket);
        if let Some(threads) = worker_threads {
            command.arg("--worker-threads").arg(threads.to_string());
        }
        let mut null = Child::start_pinned("postern-null", &mut command)?;
        null.wait_until(START_LIMIT, || connects(&socket)).await?;
        Ok(null)
    }
}

/// How many revocations the sidecar says it has.
async fn known_revocations(client: &reqwest::Client, admin: &str) -> Option<u64> {
    let answer = client.get(format!("{admin}/snapshot")).send().await.ok()?;
    let snapshot: serde_json::Value = answer.json().await.ok()?;
    snapshot.get("control_plane")?.get("revocations")?.as_u64()
}

/// As many routes, of which the last takes what the benches ask for.
fn routes(count: usize) -> String {
    let Some(others) = count.checked_sub(1) else {
        return String::new();
    };
    let mut text = "routes:\n".to_owned();
    for n in 0..others {
        text +=
            &format!("- {{ name: other-{n}, match: {{ path: {{ template: \"/service-{n}/{{id}}\" }} }} }}\n");
    }
    text + "- { name: orders, match: { path: { prefix: /orders } } }\n"
}

async fn connects(socket: &Path) -> bool {
    tokio::net::UnixStream::connect(socket).await.is_ok()
}

/// An address of the loopback that nobody uses just now.
pub(super) fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").context("no free port")?;
    Ok(listener.local_addr()?)
}
