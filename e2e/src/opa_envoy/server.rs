//! A server of ext_authz under a policy: opa-envoy-plugin or our sidecar, started alike, asked alike.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use envoy_types::pb::envoy::service::auth::v3::{CheckRequest, CheckResponse};
use hyper_util::rt::TokioIo;
use tokio::process::{Child, Command};
use tonic::Status;
use tonic::transport::{Channel, Endpoint, Uri};
use tower::service_fn;

/// How long is waited for what a server is to do.
const LIMIT: Duration = Duration::from_secs(20);

/// The programs that a story is told of: this sidecar, and before it the plugin that `OPA_ENVOY` names, if it does.
#[must_use]
pub fn programs(sidecar: PathBuf) -> Vec<PathBuf> {
    let plugin = std::env::var_os("OPA_ENVOY").map(PathBuf::from);
    plugin.into_iter().chain([sidecar]).collect()
}

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct Setting {
    /// OPA's configuration.
    pub config: Option<PathBuf>,
    /// Rego and data, as `opa run` takes them.
    pub files: Vec<PathBuf>,
    /// Values under `plugins.envoy_ext_authz_grpc`.
    pub plugin: Vec<(String, String)>,
    /// Whatever else.
    pub flags: Vec<String>,
}

/// What of the environment a server gets: enough to find programs, and the tools' cache.
const SURROUNDINGS: [&str; 5] = ["HOME", "PATH", "POSTERN_CACHE", "POSTERN_OPA", "XDG_CACHE_HOME"];

/// A running server.
pub struct Server {
    client: AuthorizationClient<Channel>,
    _process: Child,
    folder: tempfile::TempDir,
}

impl Server {
    /// Starts `program` with OPA's command line, and waits until it answers.
    ///
    /// # Errors
    /// When it doesn't, with what it wrote.
    pub async fn start(program: &Path, setting: &Setting) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let socket = folder.path().join("ext_authz.sock");
        let log = folder.path().join("log");
        let mut command = Command::new(program);
        command.arg("run").arg("--server");
        let address = |name: &str| format!("unix://{}", folder.path().join(name).display());
        command.arg(format!("--addr={}", address("api.sock")));
        command.arg(format!("--diagnostic-addr={}", address("diagnostic.sock")));
        let config = setting.config.as_ref().map(std::fs::read_to_string).transpose()?;
        let name = match config {
            // The plugin's old name.
            Some(config) if config.contains("envoy.ext_authz.grpc") => r"envoy\.ext_authz\.grpc",
            _ => "envoy_ext_authz_grpc",
        };
        command.arg(format!("--set=plugins.{name}.addr=unix://{}", socket.display()));
        if let Some(config) = &setting.config {
            command.arg(format!("--config-file={}", config.display()));
        }
        for (key, value) in &setting.plugin {
            command.arg(format!("--set=plugins.{name}.{key}={value}"));
        }
        let kept = SURROUNDINGS.map(|name| (name, std::env::var_os(name)));
        let kept = kept.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let mut process = command
            .args(&setting.flags)
            .args(&setting.files)
            .env_clear()
            .envs(kept)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log)?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| program.display().to_string())?;
        let channel = connect(&socket, &mut process)
            .await
            .with_context(|| std::fs::read_to_string(&log).unwrap_or_default())?;
        Ok(Self {
            client: AuthorizationClient::new(channel).max_decoding_message_size(64 << 20),
            _process: process,
            folder,
        })
    }

    /// What it answers.
    ///
    /// # Errors
    /// The gRPC status that it answers with instead.
    pub async fn check(&self, request: CheckRequest) -> Result<CheckResponse, Status> {
        let mut client = self.client.clone();
        client.check(request).await.map(tonic::Response::into_inner)
    }

    /// What its HTTP API answers to a GET of `path`: a status, and JSON.
    ///
    /// # Errors
    /// When it doesn't.
    pub async fn api(&self, path: &str) -> anyhow::Result<(u16, serde_json::Value)> {
        let (status, text) = self.api_text(path).await?;
        Ok((status, serde_json::from_str(&text)?))
    }

    /// As [`Server::api`], as text.
    ///
    /// # Errors
    /// When it doesn't answer.
    pub async fn api_text(&self, path: &str) -> anyhow::Result<(u16, String)> {
        let client = reqwest::Client::builder().unix_socket(self.folder.path().join("api.sock"));
        let client = client.build()?;
        let began = Instant::now();
        let response = loop {
            match client.get(format!("http://opa{path}")).send().await {
                // It may answer Checks before it listens here.
                Err(error) if error.is_connect() && began.elapsed() < LIMIT => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                answered => break answered?,
            }
        };
        let status = response.status().as_u16();
        Ok((status, response.text().await?))
    }

    /// Its working folder, in which it is started.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// All that it has logged so far.
    ///
    /// # Errors
    /// When that can't be read.
    pub fn log(&self) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(self.folder.path().join("log"))?)
    }

    /// The first line of its log that is JSON with this message.
    ///
    /// # Errors
    /// When there is none.
    pub async fn logged(&self, message: &str) -> anyhow::Result<serde_json::Value> {
        let began = Instant::now();
        loop {
            let log = std::fs::read_to_string(self.folder.path().join("log"))?;
            let lines = log.lines().filter_map(|line| serde_json::from_str(line).ok());
            let mut events = lines.filter(|line: &serde_json::Value| line["msg"] == message);
            if let Some(event) = events.next() {
                return Ok(event);
            }
            anyhow::ensure!(began.elapsed() < LIMIT, "no line says {message:?}:\n{log}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn connect(socket: &Path, process: &mut Child) -> anyhow::Result<Channel> {
    let socket = Arc::<Path>::from(socket);
    let began = Instant::now();
    loop {
        let to = Arc::clone(&socket);
        let connected = Endpoint::try_from("http://ext-authz")?
            .connect_with_connector(service_fn(move |_: Uri| {
                let to = Arc::clone(&to);
                async move { tokio::net::UnixStream::connect(&to).await.map(TokioIo::new) }
            }))
            .await;
        match connected {
            Ok(channel) => return Ok(channel),
            Err(error) if began.elapsed() > LIMIT => return Err(error.into()),
            Err(_) if process.try_wait()?.is_some() => anyhow::bail!("it ended"),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}
