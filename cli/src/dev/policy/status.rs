//! `policy-status.json`: how the last look at the policy folder ended, for `postern status` and for people.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::dev::folder::write_private;

/// How the last look ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyStatus {
    /// Whether what lies in the folder is what is served.
    pub state: PolicyState,
    /// Why not; empty when it is.
    pub error: String,
    /// The revision that is served: the last good one.
    pub revision: Option<String>,
    /// The folder.
    pub policy_dir: PathBuf,
    /// When it was looked at, seconds since the epoch.
    pub at: i64,
}

/// Whether what lies in the folder is what is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyState {
    /// It is.
    Served,
    /// It doesn't compile, or the control plane refused it; the last good one serves.
    Refused,
    /// It can't be compiled here; the last good one serves.
    NoCompiler,
}

impl PolicyStatus {
    /// Where it lies in a data folder.
    pub fn path(data_dir: &Path) -> PathBuf {
        data_dir.join("policy-status.json")
    }

    /// Reads it; `None` when there is none.
    ///
    /// # Errors
    /// When it can't be read or isn't what was written.
    pub fn read(data_dir: &Path) -> io::Result<Option<Self>> {
        match std::fs::read(Self::path(data_dir)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// What the file system said.
    pub fn write(&self, data_dir: &Path) -> io::Result<()> {
        write_private(&Self::path(data_dir), &serde_json::to_vec_pretty(self)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_nothing_is_none() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(PolicyStatus::read(dir.path()).unwrap(), None);
        let status = PolicyStatus {
            state: PolicyState::NoCompiler,
            error: "no opa".into(),
            revision: Some("dev-1".into()),
            policy_dir: "/policy".into(),
            at: 7,
        };
        status.write(dir.path()).unwrap();
        assert_eq!(PolicyStatus::read(dir.path()).unwrap(), Some(status));
        let text = std::fs::read_to_string(PolicyStatus::path(dir.path())).unwrap();
        assert!(text.contains("\"no_compiler\""), "{text}");
    }
}
