//! Files, folders and bundles as `opa` takes them on its own command line, made into a plan. Unlike a policy folder they
//! are read by opa itself, tests included, and nothing of them is meant to be published.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use postern_policy::{Bundle, Limits, Verification};
use serde::Deserialize;

use super::{CompileError, arguments, output_of};

/// What to compile.
#[derive(Clone, Copy, Debug)]
pub struct PlanRequest<'a> {
    /// Rego and data, or bundles.
    pub paths: &'a [PathBuf],
    /// The folder that they are relative to, where that isn't the current one.
    pub folder: Option<&'a Path>,
    /// Whether the paths are bundles.
    pub bundled: bool,
    /// What is to be asked, `orders/authz/decision` say; at least one.
    pub entrypoints: &'a [String],
    /// Names of files and folders to leave out.
    pub ignore: &'a [String],
    /// Whether this is Rego from before OPA 1.0.
    pub v0_compatible: bool,
    /// How much opa optimises, 0 to 2.
    pub optimize: u8,
    /// The compiler.
    pub opa: &'a Path,
    /// When to give up.
    pub deadline: Duration,
}

/// Compiles into a bundle with a plan.
///
/// # Errors
/// [`CompileError::Refused`] where the policy is wrong; the others where it couldn't be compiled at all.
pub async fn compile_plan(request: &PlanRequest<'_>) -> Result<Bundle, CompileError> {
    let failed = |source| CompileError::Run {
        opa: request.opa.display().to_string(),
        source,
    };
    let stage = tempfile::Builder::new()
        .prefix("postern-compile-")
        .tempdir()
        .map_err(failed)?;
    let archive = stage.path().join("bundle.tar.gz");
    let mut arguments = arguments(["build", "--target", "plan", "--output"]);
    arguments.push(archive.clone().into());
    arguments.push(format!("--optimize={}", request.optimize).into());
    if request.bundled {
        arguments.push("--bundle".into());
    }
    if request.v0_compatible {
        arguments.push("--v0-compatible".into());
    }
    arguments.extend(
        request
            .ignore
            .iter()
            .map(|pattern| format!("--ignore={pattern}").into()),
    );
    arguments.extend(
        request
            .entrypoints
            .iter()
            .map(|entrypoint| format!("--entrypoint={entrypoint}").into()),
    );
    arguments.push("--".into());
    arguments.extend(request.paths.iter().map(Into::into));
    output_of(request.opa, request.deadline, request.folder, arguments).await?;
    let archive = std::fs::read(&archive).map_err(failed)?;
    let bundle = Bundle::read(&archive, &Verification::Unsigned, &Limits::default())?;
    if bundle.plan().is_none() {
        return Err(CompileError::NoPlan);
    }
    Ok(bundle)
}

/// The packages in a file, folder or bundle, `data.orders.authz` say, as `opa inspect` lists them.
///
/// # Errors
/// As [`compile_plan`].
pub async fn packages(
    path: &Path,
    v0_compatible: bool,
    opa_path: &Path,
    deadline: Duration,
) -> Result<Vec<String>, CompileError> {
    #[derive(Deserialize)]
    struct Inspected {
        #[serde(default)]
        namespaces: BTreeMap<String, Vec<String>>,
    }
    let mut arguments = arguments(["inspect", "--format", "json"]);
    if v0_compatible {
        arguments.push("--v0-compatible".into());
    }
    arguments.extend(["--".into(), path.into()]);
    let said = output_of(opa_path, deadline, None, arguments).await?;
    let inspected: Inspected = serde_json::from_slice(&said).map_err(|error| CompileError::Run {
        opa: opa_path.display().to_string(),
        source: error.into(),
    })?;
    // Where there is only data, there is no package.
    let is_package = |files: &[String]| files.iter().any(|file| file.ends_with(".rego"));
    let packages = inspected
        .namespaces
        .into_iter()
        .filter(|(_, files)| is_package(files));
    Ok(packages.map(|(name, _)| name).collect())
}

/// What opa's parser says of a file of Rego: its package and rules, with where they stand.
///
/// # Errors
/// As [`compile_plan`].
pub async fn parse(
    text: &str,
    v0_compatible: bool,
    opa_path: &Path,
    deadline: Duration,
) -> Result<serde_json::Value, CompileError> {
    let failed = |source| CompileError::Run {
        opa: opa_path.display().to_string(),
        source,
    };
    let stage = tempfile::Builder::new()
        .prefix("postern-parse-")
        .tempdir()
        .map_err(failed)?;
    let file = stage.path().join("policy.rego");
    std::fs::write(&file, text).map_err(failed)?;
    let mut arguments = arguments(["parse", "--format", "json", "--json-include", "locations"]);
    if v0_compatible {
        arguments.push("--v0-compatible".into());
    }
    arguments.extend(["--".into(), file.into()]);
    let said = output_of(opa_path, deadline, None, arguments).await?;
    serde_json::from_slice(&said).map_err(|error| failed(error.into()))
}
