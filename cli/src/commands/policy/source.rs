//! Where the policy comes from: a folder or files of Rego and data, bundles, or a plan. What has a plan for what is asked
//! runs as it is; Rego is compiled by opa.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use anyhow::{Context as _, bail};
use postern_policy::{Bundle, Limits, PlanFile, Value, Verification, builtins::Host};
use postern_rego::Program;

use super::query::Query;
use crate::policy::{COMPILE_DEADLINE, CompileError, PlanRequest, compile_plan, locate_opa};

/// Flags that say what is evaluated.
#[derive(Debug, clap::Args)]
pub struct SourceArgs {
    /// A file or folder of Rego, or of data in JSON or YAML. Can be given more than once.
    #[arg(short, long = "data", value_name = "PATH")]
    pub data: Vec<PathBuf>,
    /// A bundle: an archive, or a folder laid out as one. Can be given more than once.
    #[arg(short, long = "bundle", value_name = "PATH", conflicts_with = "data")]
    pub bundle: Vec<PathBuf>,
    /// A plan.json or plan.pb, in place of Rego; data comes from --data, one file of JSON.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["bundle", "opa", "ignore", "v0_compatible", "optimize"])]
    pub plan: Option<PathBuf>,
    #[command(flatten)]
    pub compiler: CompilerArgs,
}

/// Flags that say how Rego is compiled.
#[derive(Clone, Debug, clap::Args)]
pub struct CompilerArgs {
    /// Names of files and folders to leave out; as `opa build` understands them.
    #[arg(long, value_name = "PATTERN")]
    ignore: Vec<String>,
    /// Rego as it was before OPA 1.0.
    #[arg(long)]
    v0_compatible: bool,
    /// How much opa optimises: 0, 1 or 2.
    #[arg(short = 'O', long, value_name = "LEVEL", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=2))]
    optimize: u8,
    /// The opa to compile with [default: POSTERN_OPA, the one that `make tools` builds, the one in PATH].
    #[arg(long, value_name = "FILE")]
    opa: Option<PathBuf>,
}

/// A policy that can be asked.
pub struct Policy {
    pub program: Program,
    pub data: Value,
}

impl SourceArgs {
    /// Makes a policy that has an entrypoint for the query.
    ///
    /// # Errors
    /// When there is nothing to read, it can't be compiled, or the machine can't run it.
    pub async fn policy(&self, query: &Query) -> anyhow::Result<Policy> {
        if let Some(plan) = &self.plan {
            return with_plan(plan, &self.data);
        }
        if self.data.is_empty() && self.bundle.is_empty() {
            bail!(
                "there is nothing to evaluate: name Rego and data with --data, a bundle with --bundle, or a plan with --plan"
            );
        }
        let (paths, bundled) = if self.bundle.is_empty() {
            (&self.data, false)
        } else {
            (&self.bundle, true)
        };
        self.compiler.policy(paths, bundled, &[query.entrypoint()]).await
    }
}

impl CompilerArgs {
    /// Makes a policy of these files or bundles that has these entrypoints. An archive whose plan has them all isn't
    /// compiled again.
    pub async fn policy(
        &self,
        paths: &[PathBuf],
        bundled: bool,
        entrypoints: &[String],
    ) -> anyhow::Result<Policy> {
        if let ([archive], true) = (paths, bundled)
            && archive.is_file()
            && let Some(policy) = ready(archive, entrypoints)?
        {
            return Ok(policy);
        }
        Policy::of(&self.compile(paths, bundled, entrypoints).await?)
    }

    /// Compiles with opa into a bundle.
    pub async fn compile(
        &self,
        paths: &[PathBuf],
        bundled: bool,
        entrypoints: &[String],
    ) -> anyhow::Result<Bundle> {
        self.compile_in(None, paths, bundled, entrypoints).await
    }

    /// Compiles paths that are relative to a folder.
    pub async fn compile_in(
        &self,
        folder: Option<&Path>,
        paths: &[PathBuf],
        bundled: bool,
        entrypoints: &[String],
    ) -> anyhow::Result<Bundle> {
        let opa = std::path::absolute(self.opa()?)?;
        let paths: Vec<PathBuf> = paths.iter().map(|path| plain(folder, path)).collect();
        let request = PlanRequest {
            paths: &paths,
            folder,
            bundled,
            entrypoints,
            ignore: &self.ignore,
            v0_compatible: self.v0_compatible,
            optimize: self.optimize,
            opa: &opa,
            deadline: COMPILE_DEADLINE,
        };
        match compile_plan(&request).await {
            Err(CompileError::Refused { message }) => bail!(message),
            compiled => Ok(compiled?),
        }
    }

    /// The opa that compiles.
    pub fn opa(&self) -> anyhow::Result<PathBuf> {
        Ok(locate_opa(self.opa.as_deref())?)
    }

    /// The same, without optimisation: then a plan has the files as they are.
    pub fn unoptimized(&self) -> Self {
        Self {
            optimize: 0,
            ..self.clone()
        }
    }

    pub fn v0_compatible(&self) -> bool {
        self.v0_compatible
    }
}

/// The path without `.` and `..`: opa names the files of a bundle after the paths that it is given, and no bundle with such
/// names is read.
fn plain(folder: Option<&Path>, path: &Path) -> PathBuf {
    if path.components().any(|part| part == Component::ParentDir) {
        // One that can't be found is named by opa.
        let whole = folder.map_or_else(|| path.to_owned(), |folder| folder.join(path));
        return fs::canonicalize(whole).unwrap_or_else(|_| path.to_owned());
    }
    let parts = path.components().filter(|part| *part != Component::CurDir);
    let plain: PathBuf = parts.collect();
    if plain.as_os_str().is_empty() {
        path.to_owned()
    } else {
        plain
    }
}

impl Policy {
    /// The plan of a bundle, with its data.
    pub fn of(bundle: &Bundle) -> anyhow::Result<Self> {
        let plan = bundle.plan().context("the bundle has no plan")?;
        Ok(Self {
            program: plan.load(&Host)?,
            data: bundle.data().clone(),
        })
    }
}

/// The policy in an archive, if its plan has what is asked. Whether it is signed is not this command's to judge.
fn ready(archive: &Path, entrypoints: &[String]) -> anyhow::Result<Option<Policy>> {
    let reading = || format!("reading {}", archive.display());
    let bytes = fs::read(archive).with_context(reading)?;
    let bundle = Bundle::read(&bytes, &Verification::Unsigned, &Limits::default()).with_context(reading)?;
    if bundle.plan().is_none() {
        return Ok(None);
    }
    let policy = Policy::of(&bundle).with_context(reading)?;
    let has = |name: &String| find(&policy.program, name).is_some();
    Ok(entrypoints.iter().all(has).then_some(policy))
}

fn with_plan(plan: &Path, data: &[PathBuf]) -> anyhow::Result<Policy> {
    let bytes = fs::read(plan).with_context(|| format!("reading --plan {}", plan.display()))?;
    let file = match plan.extension() {
        Some(ending) if ending == "pb" => PlanFile::Protobuf(&bytes),
        _ => PlanFile::Json(&bytes),
    };
    let program = file.load(&Host).with_context(|| plan.display().to_string())?;
    let data = match data {
        [] => Value::from_json_str("{}")?,
        [file] => super::ask::document(file).context("--data beside --plan")?,
        _ => bail!("beside --plan there can be one file of --data"),
    };
    Ok(Policy { program, data })
}

/// The name under which a plan has an entrypoint: as it was typed when it was built.
pub fn find<'p>(program: &'p Program, entrypoint: &str) -> Option<&'p str> {
    let wanted = postern_policy::engine::normalize_entrypoint(entrypoint);
    program
        .entrypoints()
        .find(|name| postern_policy::engine::normalize_entrypoint(name) == wanted)
}
