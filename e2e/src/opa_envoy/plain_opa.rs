//! The pinned `opa` as a server, configured as opa-envoy-plugin is, and asked over its own HTTP API: what our own parts are
//! held to where the plugin isn't there.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value as Json, json};
use tokio::process::{Child, Command};

use crate::bench::tools;
use crate::stack::root;

/// How long is waited for what it is to do.
const LIMIT: Duration = Duration::from_secs(20);

/// A running `opa run --server`. Dropping it ends it.
pub struct PlainOpa {
    client: reqwest::Client,
    process: Child,
    folder: tempfile::TempDir,
}

impl PlainOpa {
    /// Starts it with this configuration and these flags, and waits until it listens.
    ///
    /// # Errors
    /// When it doesn't, with what it wrote.
    pub async fn start(config: &Path, flags: &[String]) -> anyhow::Result<Self> {
        let program = tools::opa(&root())?;
        let folder = tempfile::tempdir()?;
        let (socket, log) = (folder.path().join("api.sock"), folder.path().join("log"));
        let process = Command::new(program)
            .args(["run", "--server", "--skip-version-check"])
            .arg(format!("--addr=unix://{}", socket.display()))
            .arg(format!("--config-file={}", config.display()))
            .args(flags)
            .env_clear()
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log)?)
            .kill_on_drop(true)
            .spawn()
            .context("start opa")?;
        let client = reqwest::Client::builder().unix_socket(socket).build()?;
        let mut opa = Self {
            client,
            process,
            folder,
        };
        let began = Instant::now();
        while opa.api("/health").await.is_err() {
            let over = began.elapsed() > LIMIT || opa.process.try_wait()?.is_some();
            anyhow::ensure!(!over, "opa doesn't listen:\n{}", opa.log()?);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(opa)
    }

    /// What it answers to a GET of `path`: a status, and JSON.
    ///
    /// # Errors
    /// When it doesn't.
    pub async fn api(&self, path: &str) -> anyhow::Result<(u16, Json)> {
        let response = self.client.get(format!("http://opa{path}")).send().await?;
        let status = response.status().as_u16();
        Ok((status, response.json().await?))
    }

    /// What it decides at this path of `data`, with this input: its whole answer.
    ///
    /// # Errors
    /// When it doesn't answer.
    pub async fn decide(&self, path: &str, input: &Json) -> anyhow::Result<Json> {
        let url = format!("http://opa/v1/data/{path}");
        let asked = self.client.post(url).json(&json!({ "input": input }));
        Ok(asked.send().await?.json().await?)
    }

    /// All that it has logged so far.
    ///
    /// # Errors
    /// When that can't be read.
    pub fn log(&self) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(self.folder.path().join("log"))?)
    }
}
