//! Rego to plan, by the real compiler: `opa build -t plan` as a process with a deadline, in a folder of its own that
//! holds exactly the policy's files. Never changes the policy folder, never writes anything that outlives the call.

use std::{ffi::OsString, path::Path, time::Duration};

use postern_compiler::{Opa, RunError, RunLimits};
use postern_policy::{Bundle, BundleBuilder, BundleError, Limits, Verification};

use super::folder::{FolderError, PolicyFolder};

/// How long a compilation may take where nothing else is asked for; a thousand rules take a fifth of a second.
pub const COMPILE_DEADLINE: Duration = Duration::from_secs(60);
/// As much of opa's message as is passed on.
const MAX_MESSAGE_BYTES: usize = 8 * 1024;

/// What to compile.
#[derive(Clone, Copy, Debug)]
pub struct CompileRequest<'a> {
    /// The folder of Rego and data.
    pub policy_dir: &'a Path,
    /// What is to be asked, `orders/authz/decision` say; at least one.
    pub entrypoints: &'a [String],
    /// The compiler.
    pub opa: &'a Path,
    /// When to give up.
    pub deadline: Duration,
}

/// A policy as OPA compiled it.
#[derive(Clone, Debug)]
pub struct CompiledPolicy {
    built: Bundle,
}

/// Why there is no compiled policy.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The folder isn't a policy.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The policy is wrong, in OPA's words: file, line and what is expected.
    #[error("{message}")]
    Refused {
        /// What opa said.
        message: String,
    },
    /// It took too much, or couldn't be run at all.
    #[error(transparent)]
    NotRun(RunError),
    /// It couldn't be run.
    #[error("{opa} can't be run: {source}")]
    Run {
        /// The compiler.
        opa: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// What it made isn't a bundle.
    #[error("opa made a bundle that can't be read: {0}")]
    Output(#[from] BundleError),
    /// What it made has no plan.
    #[error("opa made a bundle without a plan; is it version 1 or newer?")]
    NoPlan,
}

/// Compiles a policy folder. Files whose names end in `_test.rego`, and hidden ones, are left out.
///
/// # Errors
/// [`CompileError::Refused`] where the policy is wrong; the others where it couldn't be compiled at all.
pub async fn compile(request: &CompileRequest<'_>) -> Result<CompiledPolicy, CompileError> {
    let run = |source| CompileError::Run {
        opa: request.opa.display().to_string(),
        source,
    };
    let folder = PolicyFolder::read(request.policy_dir)?;
    let stage = tempfile::Builder::new()
        .prefix("postern-compile-")
        .tempdir()
        .map_err(run)?;
    let (policy, archive) = (stage.path().join("policy"), stage.path().join("bundle.tar.gz"));
    std::fs::create_dir(&policy)
        .and_then(|()| folder.write_to(&policy))
        .map_err(run)?;

    let mut arguments = arguments(["build", "--target", "plan", "--bundle", ".", "--output"]);
    arguments.push(archive.clone().into());
    for entrypoint in request.entrypoints {
        arguments.extend(["--entrypoint".into(), entrypoint.into()]);
    }
    output_of(request.opa, request.deadline, Some(&policy), arguments).await?;
    CompiledPolicy::read(&std::fs::read(&archive).map_err(run)?)
}

/// Runs `opa`, and gives what it wrote.
async fn output_of(
    opa: &Path,
    deadline: Duration,
    folder: Option<&Path>,
    arguments: Vec<OsString>,
) -> Result<Vec<u8>, CompileError> {
    let limits = RunLimits {
        deadline,
        // Whoever types a command waits for it, and has the machine to themselves.
        memory_bytes: 4 << 30,
        ..RunLimits::default()
    };
    Ok(Opa::new(opa, limits).run(folder, arguments).await?)
}

impl From<RunError> for CompileError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Failed { said } => Self::Refused {
                message: message(said.as_bytes()),
            },
            other => Self::NotRun(other),
        }
    }
}

impl CompiledPolicy {
    fn read(archive: &[u8]) -> Result<Self, CompileError> {
        let built = Bundle::read(archive, &Verification::Unsigned, &Limits::default())?;
        if built.plan().is_none() {
            return Err(CompileError::NoPlan);
        }
        Ok(Self { built })
    }

    /// A bundle of all of it under this revision: plan, Rego, data, and what `.manifest` in the folder says besides.
    pub fn bundle(&self, revision: &str) -> BundleBuilder {
        let manifest = self.built.manifest();
        let mut builder = BundleBuilder::new(revision).roots(manifest.roots.iter().cloned());
        for (name, value) in &manifest.metadata {
            builder = builder.metadata(name, value.clone());
        }
        if let Some(version) = manifest.rego_version {
            builder = builder.rego_version(version);
        }
        for (pattern, version) in &manifest.file_rego_versions {
            builder = builder.file_rego_version(pattern, *version);
        }
        let contents = self.built.files().filter(|(path, _)| *path != ".manifest");
        contents.fold(builder, |builder, (path, content)| builder.file(path, content))
    }
}

fn arguments<const N: usize>(fixed: [&str; N]) -> Vec<OsString> {
    fixed.map(OsString::from).to_vec()
}

fn message(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said.get(..MAX_MESSAGE_BYTES).unwrap_or(said));
    let said = said.trim();
    let said = said.strip_prefix("error: ").unwrap_or(said);
    let said = said.strip_prefix("load error: bundle .: ").unwrap_or(said);
    if said.is_empty() {
        "opa failed and said nothing".to_owned()
    } else {
        said.to_owned()
    }
}

mod plan;
#[cfg(test)]
mod tests;

pub use plan::{PlanRequest, compile_plan, packages, parse};
