//! Why something doesn't become active: at which step, which bundle, what to do.

use std::fmt;

use super::order::OlderBundle;
use crate::collection::CollectionError;
use crate::compilation::{CompileRefusal, RuleConflict};
use crate::plan::fit::Unfit;
use crate::{BundleError, DeltaError, EngineError};

/// A step on the way to being active.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Archive, signature, manifest.
    Verify,
    /// Not older than what was in force.
    Order,
    /// A delta, on what is in force.
    Patch,
    /// With the other parts: roots, packages, data.
    Join,
    /// Rego to plan.
    Compile,
    /// The plan loads, has what is asked, and no rule is where data is.
    Check,
    /// It answers.
    Try,
}

impl Step {
    /// For logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Order => "order",
            Self::Patch => "patch",
            Self::Join => "join",
            Self::Compile => "compile",
            Self::Check => "check",
            Self::Try => "try",
        }
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The archive, or its signature.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// It is an older one.
    #[error(transparent)]
    Older(#[from] OlderBundle),
    /// What changes of it can't be changed.
    #[error(transparent)]
    Delta(#[from] DeltaError),
    /// It doesn't go with the others.
    #[error(transparent)]
    Collection(#[from] CollectionError),
    /// OPA doesn't compile it.
    #[error(transparent)]
    Compile(#[from] CompileRefusal),
    /// It must be compiled, and there is nothing to do it.
    #[error("{0}")]
    NoCompiler(NoCompiler),
    /// The compiler doesn't run, or doesn't end.
    #[error("{0}")]
    Compiler(String),
    /// A rule is where data is.
    #[error(transparent)]
    Conflict(#[from] RuleConflict),
    /// The policy can't be run, or doesn't answer.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Rego, and no compiler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoCompiler {
    pub(super) unfit: Unfit,
    /// The first Rego file, where there is Rego and no plan.
    pub(super) rego: Option<(String, usize)>,
    pub(super) entrypoints: Vec<String>,
}

impl fmt::Display for NoCompiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.unfit, &self.rego) {
            (Unfit::Engine { reason, .. }, _) => return reason.fmt(f),
            (Unfit::NoPlan { .. }, None) => return EngineError::NoPolicy.fmt(f),
            (Unfit::NoPlan { .. }, Some((first, count))) => {
                write!(f, "the bundle has Rego ({first}")?;
                if *count > 1 {
                    write!(f, " and {} more", count - 1)?;
                }
                f.write_str(") but no plan.json")?;
            }
            (unfit, _) => unfit.fmt(f)?,
        }
        let entrypoints: Vec<String> = self.entrypoints.iter().map(|name| format!("-e {name}")).collect();
        let entrypoints = if entrypoints.is_empty() {
            "-e <entrypoint>".to_owned()
        } else {
            entrypoints.join(" ")
        };
        write!(
            f,
            "; build it with `postern bundle build {entrypoints} …` or `opa build -t plan {entrypoints} …`, or let opa compile \
             it here (`policy.opa`)"
        )
    }
}

/// A part that doesn't become active.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// At which step.
    pub step: Step,
    /// Whom it is about: the bundle that was to become active, or those that the reason names; none where only files outside
    /// of bundles are in it.
    pub bundles: Vec<String>,
    /// What is wrong, and what to do.
    pub reason: Box<Reason>,
}

impl Refusal {
    pub(super) fn new(step: Step, candidate: Option<&str>, reason: impl Into<Reason>) -> Self {
        let reason = reason.into();
        let named: Vec<String> = match &reason {
            Reason::Collection(error) => error.bundles().into_iter().map(str::to_owned).collect(),
            Reason::Compile(error) => error.bundles.clone(),
            _ => Vec::new(),
        };
        let bundles = if named.is_empty() {
            candidate.map(str::to_owned).into_iter().collect()
        } else {
            named
        };
        Self {
            step,
            bundles,
            reason: Box::new(reason),
        }
    }
}
