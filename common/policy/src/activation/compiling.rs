//! The step that may need a process of another program, and may have none.

use std::sync::Arc;

use super::policy::Policy;
use super::refusal::{NoCompiler, Reason, Refusal, Step};
use super::steps::{Demand, Joined, Made, OURS, Ready};
use crate::compilation::{CompileJob, Compiled, RulePath, Target};
use crate::plan::fit::Unfit;
use crate::{EngineError, PlanFile};

/// Rego that waits for its compiler.
#[derive(Debug)]
pub struct Compiling {
    pub(super) job: CompileJob,
    pub(super) no_compiler: NoCompiler,
    pub(super) demand: Demand,
    pub(super) joined: Joined,
}

impl Compiling {
    /// What is to be compiled.
    #[must_use]
    pub fn job(&self) -> &CompileJob {
        &self.job
    }

    /// Why no plan that came with a bundle may run.
    #[must_use]
    pub fn why(&self) -> &Unfit {
        &self.no_compiler.unfit
    }

    /// The refusal where there is no compiler.
    #[must_use]
    pub fn without_compiler(self) -> Refusal {
        let candidate = self.joined.name();
        Refusal::new(
            Step::Compile,
            candidate.as_deref(),
            Reason::NoCompiler(self.no_compiler),
        )
    }

    /// The refusal where the compiler had none to give, or gave this.
    #[must_use]
    pub fn refused(self, reason: Reason) -> Refusal {
        Refusal::new(Step::Compile, self.joined.name().as_deref(), reason)
    }

    /// With what was compiled from this job.
    ///
    /// # Errors
    /// At [`Step::Check`], where this machine can't run the plan, or the policy has nothing of what is required.
    pub fn compiled(self, compiled: &Compiled) -> Result<Ready, Refusal> {
        let candidate = self.joined.name();
        let refuse = |reason: EngineError| Refusal::new(Step::Check, candidate.as_deref(), reason);
        let load = |error: String| refuse(EngineError::Load(error));
        let plan = compiled.plan_json();
        let mut program = self
            .demand
            .http_send
            .program(PlanFile::Json(plan))
            .map_err(refuse)?;
        // It was made in folders of ours, which nobody should hear of.
        let names = self.job().module_names();
        program.rename_files(|file| names.get(file).map(String::as_str));
        let unplanned = RulePath::of_plan(plan).map_err(load)?;
        let targets = compiled.targets().to_vec();
        if targets.len() != self.demand.wanted.len() {
            return Err(load("it is of another policy".to_owned()));
        }
        // Our module is a package that a policy finds that goes over all of them; without it there is none to find.
        let ours = |target: &Target| matches!(target, Target::Entrypoint(name) if name.starts_with(OURS));
        let sees_all = targets.iter().any(|target| match target {
            Target::Entrypoint(name) => program
                .entrypoint(name)
                .is_some_and(|id| program.data_reads(id).is_all()),
            Target::Data => false,
        });
        if sees_all && targets.iter().any(ours) {
            return Err(load(
                "the policy goes over all of `data`, and is asked for a path with a number or an odd name; ask a rule that \
                 refers to it instead"
                    .to_owned(),
            ));
        }
        let policy = Policy::Plan {
            program: Arc::new(program),
            unplanned: unplanned.into(),
        };
        Ok(Ready {
            made: Made::new(policy, targets, &self.demand),
            joined: self.joined,
        })
    }
}
