//! The policies that are measured: those in e2e/bench/policies, and those too large to be kept, which are written when
//! they are asked for.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use tempfile::TempDir;

use super::generated;
use crate::bench::Setting;
use crate::bench::tools::{opa, output_of};

/// A policy with its data and an input.
pub(in crate::bench) struct PolicyCase {
    /// What the tables call it.
    pub(in crate::bench) name: &'static str,
    /// What is asked, slash-separated.
    pub(in crate::bench) entrypoint: String,
    /// Rego and data files.
    files: Vec<PathBuf>,
    input: PathBuf,
    /// Where a generated one lies, as long as it is used.
    _written: Option<TempDir>,
}

impl PolicyCase {
    /// The case of this name.
    ///
    /// # Errors
    /// Where it isn't there or names no entrypoint.
    pub(in crate::bench) fn read(setting: &Setting, name: &'static str) -> anyhow::Result<Self> {
        match name {
            "rbac_100000" => Self::of_bindings(setting, name, 100_000),
            "rules_1000" => Self::written(setting, name, generated::rules(1_000)),
            "demo" => {
                let rego = setting.root.join("cli/demo/policy/orders.rego");
                let input = folder(setting, name).join("input.json");
                Self::of_files(name, vec![rego], input)
            }
            _ => {
                let folder = folder(setting, name);
                let own = folder.join("input.json");
                let input = if own.exists() { own } else { request(setting) };
                Self::of_files(name, rego_and_data(&folder), input)
            }
        }
    }

    /// Role-based access of so many subjects, each with a binding of its own.
    ///
    /// # Errors
    /// Where it can't be written.
    pub(in crate::bench) fn of_bindings(
        setting: &Setting,
        name: &'static str,
        count: usize,
    ) -> anyhow::Result<Self> {
        Self::written(setting, name, generated::bindings(count))
    }

    fn written(
        setting: &Setting,
        name: &'static str,
        (rego, data): (String, String),
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("policy.rego"), rego)?;
        std::fs::write(folder.path().join("data.json"), data)?;
        let case = Self::of_files(name, rego_and_data(folder.path()), request(setting))?;
        Ok(Self {
            _written: Some(folder),
            ..case
        })
    }

    /// The entrypoint is the rule `decision` of the first file's package.
    fn of_files(name: &'static str, files: Vec<PathBuf>, input: PathBuf) -> anyhow::Result<Self> {
        let rego = files.first().context("no Rego")?;
        let text = std::fs::read_to_string(rego).with_context(|| format!("read {}", rego.display()))?;
        let package = text
            .lines()
            .find_map(|line| line.strip_prefix("package "))
            .context("no package")?;
        Ok(Self {
            name,
            entrypoint: format!("{}/decision", package.trim().replace('.', "/")),
            files,
            input,
            _written: None,
        })
    }

    /// With one more file of data.
    pub(in crate::bench) fn with_file(mut self, path: &Path) -> Self {
        self.files.push(path.to_owned());
        self
    }

    /// Rego and data.
    pub(super) fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The input document, in JSON.
    pub(super) fn input(&self) -> &Path {
        &self.input
    }

    /// The bundle that `opa build -t plan` makes of it, unsigned.
    ///
    /// # Errors
    /// Where `opa` refuses.
    pub(in crate::bench) fn archive(&self, setting: &Setting) -> anyhow::Result<Vec<u8>> {
        self.archive_for(setting, "plan")
    }

    /// The same of `opa build -t`, for another target: `wasm` is a module and no plan.
    ///
    /// # Errors
    /// Where `opa` refuses.
    pub(in crate::bench) fn archive_for(&self, setting: &Setting, target: &str) -> anyhow::Result<Vec<u8>> {
        let folder = tempfile::tempdir()?;
        let out = folder.path().join("bundle.tar.gz");
        let mut command = Command::new(opa(&setting.root)?);
        command
            .args(["build", "-t", target, "-e", &self.entrypoint, "-o"])
            .arg(&out)
            .args(&self.files);
        output_of(&mut command)?;
        Ok(std::fs::read(out)?)
    }
}

fn folder(setting: &Setting, name: &str) -> PathBuf {
    setting.root.join("e2e/bench/policies").join(name)
}

/// A request as the sidecar hands it to policy.
fn request(setting: &Setting) -> PathBuf {
    folder(setting, "input.json")
}

fn rego_and_data(folder: &Path) -> Vec<PathBuf> {
    let files = ["policy.rego", "data.json"].map(|name| folder.join(name));
    files.into_iter().filter(|path| path.exists()).collect()
}
