//! Policies of a few files, activated without bundles' signatures, and OPA beside them.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use postern_compiler::{Compiler, Opa, RunLimits, loose};
use postern_policy::activation::{Active, Demand, Fetched, Joined, NextStep, Refusal, Tried, Verified};
use postern_policy::collection::{Given, RegoVersion};
use postern_policy::compilation::Wanted;
use postern_policy::{BundleBuilder, Env, HttpSend, Limits, Verification};
use postern_rego::Value;

mod pinned_opa;

pub(crate) use pinned_opa::opa;

pub(crate) fn env() -> Env {
    Env::new(1_700_000_000_000_000_000, [0; 32])
}

/// Files of a policy, and a compiler with a folder of its own.
pub(crate) struct World {
    folder: tempfile::TempDir,
    work: tempfile::TempDir,
    compiler: Compiler,
}

impl World {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        Self::with_opa(files, opa())
    }

    pub(crate) fn with_opa(files: &[(&str, &str)], opa: PathBuf) -> Self {
        Self::in_folder(files, opa, tempfile::tempdir().unwrap())
    }

    /// With an opa that writes down each of its runs.
    pub(crate) fn counting(files: &[(&str, &str)]) -> Self {
        let work = tempfile::tempdir().unwrap();
        let (script, _) = pinned_opa::counting(work.path());
        Self::in_folder(files, script, work)
    }

    fn in_folder(files: &[(&str, &str)], opa: PathBuf, work: tempfile::TempDir) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let opa = Opa::new(opa, RunLimits::default());
        let compiler = Compiler::open(opa, &work.path().join("compiled")).unwrap();
        Self {
            folder,
            work,
            compiler,
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn runs(&self) -> usize {
        let runs = fs::read_to_string(self.work.path().join("runs"));
        runs.unwrap_or_default().lines().count()
    }

    fn entries(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.work.path().join("compiled")).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    pub(crate) fn kept(&self) -> Vec<PathBuf> {
        let mut kept = self.entries();
        kept.retain(|path| path.extension().is_some_and(|ending| ending == "compiled"));
        kept
    }

    pub(crate) fn strays(&self) -> usize {
        self.entries().len() - self.kept().len()
    }

    /// The files, as `opa run` would load them, ready to be asked.
    pub(crate) async fn tried(&self, wanted: &[Wanted]) -> Result<Tried, Refusal> {
        let folder = self.folder.path().to_str().unwrap().to_owned();
        let loose = loose::read(&[folder], &[], RegoVersion::V1).unwrap();
        let demand = Demand {
            wanted: wanted.into(),
            http_send: HttpSend::Off,
            may_fail: false,
        };
        let active = Active::new(loose, RegoVersion::V1);
        self.steps(active.start(Vec::new())?, &demand).await
    }

    pub(crate) async fn steps(&self, joined: Joined, demand: &Demand) -> Result<Tried, Refusal> {
        let ready = match joined.next(demand)? {
            NextStep::Ready(ready) => *ready,
            NextStep::Compile(compiling) => match self.compiler.compile(compiling.job()).await {
                Ok(compiled) => compiling.compiled(&compiled)?,
                Err(error) => return Err(compiling.refused(error.into())),
            },
        };
        ready.check()?.attempt(&env())
    }
}

/// A bundle of these files.
pub(crate) fn verified(name: &str, manifest: &str, files: &[(&str, &str)]) -> Verified {
    let manifest: serde_json::Value = serde_json::from_str(manifest).unwrap();
    let number = |version: &serde_json::Value| u8::try_from(version.as_u64().unwrap()).unwrap();
    let mut builder = BundleBuilder::new(manifest["revision"].as_str().unwrap_or_default());
    if let Some(roots) = manifest["roots"].as_array() {
        builder = builder.roots(roots.iter().map(|root| root.as_str().unwrap()));
    }
    if manifest["rego_version"].is_u64() {
        builder = builder.rego_version(number(&manifest["rego_version"]));
    }
    for (pattern, version) in manifest["file_rego_versions"].as_object().into_iter().flatten() {
        builder = builder.file_rego_version(pattern, number(version));
    }
    for (path, content) in files {
        builder = builder.file(*path, *content);
    }
    let archive = builder.build().unwrap();
    let fetched = Fetched {
        name,
        archive: &archive,
        etag: "",
        given: Given::Fetched,
    };
    fetched
        .verify(&Verification::Unsigned, &Limits::default())
        .unwrap()
}

/// What OPA answers to a query: JSON, nothing, or why not.
pub(crate) fn opa_eval(folder: &Path, query: &str, input: &str) -> Result<Option<String>, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), input).unwrap();
    let output = Command::new(opa())
        .args(["eval", "--format", "json", "--data"])
        .arg(folder)
        .arg("--input")
        .arg(file.path())
        .arg(query)
        .output()
        .unwrap();
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    if let Some(errors) = said.get("errors") {
        return Err(errors.to_string());
    }
    Ok(said
        .pointer("/result/0/expressions/0/value")
        .map(ToString::to_string))
}

/// Both texts are of one value. OPA's tool doesn't keep how numbers are written.
pub(crate) fn same_json(ours: &str, theirs: &str) -> bool {
    Value::from_json_str(ours).unwrap() == Value::from_json_str(theirs).unwrap()
}

/// The package that OPA's parser finds, below `data`.
pub(crate) fn opa_parse(text: &str) -> Option<Vec<String>> {
    let file = tempfile::Builder::new().suffix(".rego").tempfile().unwrap();
    fs::write(file.path(), text).unwrap();
    let mut parse = Command::new(opa());
    let output = parse
        .args(["parse", "--format", "json"])
        .arg(file.path())
        .output()
        .unwrap();
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    let path = said.pointer("/package/path")?.as_array()?;
    let names = path.iter().skip(1);
    Some(
        names
            .map(|term| term["value"].as_str().unwrap().to_owned())
            .collect(),
    )
}
