//! Tools that benches start: the pinned `opa` and Envoy.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

/// The pinned `opa`, built by `scripts/tools.sh` where it isn't yet.
///
/// # Errors
/// Where the script fails; its own message says what to do.
pub fn opa(root: &Path) -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("POSTERN_OPA") {
        return Ok(path.into());
    }
    let output = Command::new(root.join("scripts/tools.sh"))
        .arg("opa")
        .output()
        .context("scripts/tools.sh")?;
    if !output.status.success() {
        bail!("`make tools` failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let printed = String::from_utf8(output.stdout)?;
    let path = printed
        .lines()
        .rev()
        .find(|line| line.ends_with("/opa"))
        .context("tools.sh named no opa")?;
    Ok(path.trim().into())
}

/// The pinned Envoy from the project's `.venv`.
///
/// # Errors
/// Where `scripts/envoy.sh` fails; its own message says what to do.
pub fn envoy(root: &Path) -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("POSTERN_ENVOY") {
        return Ok(path.into());
    }
    let printed = String::from_utf8(output_of(&mut Command::new(root.join("scripts/envoy.sh")))?)?;
    let path = printed
        .lines()
        .rev()
        .find(|line| line.starts_with('/'))
        .context("envoy.sh named no Envoy")?;
    Ok(path.trim().into())
}

/// Runs a command and returns what it printed.
///
/// # Errors
/// Where it can't be started or fails; with what it said.
pub fn output_of(command: &mut Command) -> anyhow::Result<Vec<u8>> {
    let output = command.output().with_context(|| format!("start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(output.stdout)
}
