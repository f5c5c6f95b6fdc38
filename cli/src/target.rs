//! `dev.json`: what a running `postern dev` tells other commands, tests and people. Written by `dev`, read by the rest.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// `--data-dir`, for every command that takes its defaults from a data folder.
#[derive(Clone, Debug, clap::Args)]
pub struct DataDirArgs {
    /// The data folder of `postern dev`.
    #[arg(
        long,
        value_name = "DIR",
        env = "POSTERN_DATA_DIR",
        hide_env_values = true,
        default_value = ".postern"
    )]
    pub data_dir: PathBuf,
}

/// What `dev.json` holds. Written afresh at each start, mode 0600: it has the demo clients' secrets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DevFile {
    /// Envoy's URL; absent with `--no-envoy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub envoy: Option<String>,
    /// The upstream's URL.
    pub upstream: String,
    /// The control plane's HTTP, a URL.
    pub control_plane: String,
    /// The control plane's gRPC, a URL.
    pub control_plane_grpc: String,
    /// The sidecar's admin, a URL.
    pub sidecar_admin: String,
    /// Where the sidecar answers Envoy: `unix:` and a path.
    pub sidecar_ext_authz: String,
    /// `iss` of the tokens.
    pub issuer: String,
    /// The folder whose Rego decides.
    pub policy_dir: PathBuf,
    /// The demo clients by name.
    pub clients: BTreeMap<String, DemoClient>,
    /// Part → id of the process itself.
    pub pids: BTreeMap<String, u32>,
    /// Part → the absolute argv that starts it again by hand; it needs no environment and no working directory.
    pub commands: BTreeMap<String, Vec<String>>,
}

/// A demo client with its secret. No `Debug`: secrets are never shown by accident.
#[derive(Clone, Serialize, Deserialize)]
pub struct DemoClient {
    /// `client_id`.
    pub client_id: String,
    /// `client_secret`, generated for this data folder.
    pub client_secret: String,
    /// What it may ask for, space-separated.
    pub scopes: String,
}

impl std::fmt::Debug for DemoClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DemoClient")
            .field("client_id", &self.client_id)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// Why `dev.json` says nothing.
#[derive(Debug, thiserror::Error)]
pub enum DevFileError {
    /// It can't be read.
    #[error("{} can't be read ({source}); start `postern dev`, or name its folder with --data-dir", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It isn't what `postern dev` writes.
    #[error("{} isn't what `postern dev` of this version writes: {source}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        source: serde_json::Error,
    },
}

impl DevFile {
    /// Where it lies in `data_dir`.
    pub fn path(data_dir: &Path) -> PathBuf {
        data_dir.join("dev.json")
    }

    /// Reads it from `data_dir`.
    ///
    /// # Errors
    /// When it isn't there or isn't of this version's form.
    pub fn read(data_dir: &Path) -> Result<Self, DevFileError> {
        let path = Self::path(data_dir);
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|source| DevFileError::Form { path, source }),
            Err(source) => Err(DevFileError::Read { path, source }),
        }
    }
}
