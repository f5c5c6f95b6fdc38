//! Asking a sidecar's admin listener. Never changes anything there.

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use reqwest::StatusCode;
use serde_json::Value;

use crate::{control_plane::innermost, target::DevFile};

const DEADLINE: Duration = Duration::from_secs(5);

/// Where to ask, for every command that asks a sidecar about itself.
#[derive(Clone, Debug, clap::Args)]
pub struct AdminArgs {
    /// Where the sidecar's admin listens [default: from dev.json].
    #[arg(long, value_name = "URL")]
    pub sidecar_admin: Option<String>,
}

impl AdminArgs {
    /// The URL.
    ///
    /// # Errors
    /// When none was given and there is no `dev.json`.
    pub fn url(&self, data_dir: &Path) -> anyhow::Result<String> {
        match &self.sidecar_admin {
            Some(url) => Ok(url.clone()),
            None => Ok(DevFile::read(data_dir)
                .context("no --sidecar-admin was given")?
                .sidecar_admin),
        }
    }
}

/// GETs `path`; `None` where the sidecar says 404.
///
/// # Errors
/// When nobody answers, or not as a sidecar does.
pub async fn get(admin: &str, path: &str) -> anyhow::Result<Option<Value>> {
    let client = reqwest::Client::builder()
        .timeout(DEADLINE)
        .no_proxy()
        .build()
        .context("preparing the request")?;
    let url = format!("{}{path}", admin.trim_end_matches('/'));
    let response = client
        .get(&url)
        .send()
        .await
        .map_err(|error| anyhow::anyhow!("no sidecar answers at {admin}: {}", innermost(&error)))?;
    if response.status() == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    let body = response
        .error_for_status()?
        .bytes()
        .await
        .context("reading the sidecar's answer")?;
    serde_json::from_slice(&body)
        .map(Some)
        .with_context(|| format!("{url} does not answer as a sidecar does"))
}
