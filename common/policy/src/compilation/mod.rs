//! A [`Collection`](crate::collection::Collection) made into a plan by OPA's compiler: what it is given, what its answer means. Runs nothing itself; whoever
//! can start a process ([`Attempt::files`], [`Attempt::arguments`]) does.
//!
//! `opa build` fails as a whole where an entrypoint is no rule, which OPA itself answers with base data or with nothing.
//! Packages tell before it runs which paths can't be rules. The few that can and aren't are learnt from what it says, and
//! the build is tried again. Paths that `-e` can't spell (`data.a[0]`) are rules of a module of ours that refer to them;
//! since such a module is seen by a policy that goes over all packages, those are refused together.

mod attempt;
mod job;
mod message;
mod plan;
mod unplanned;

pub use attempt::{Attempt, Next};
pub use job::{CompileJob, Wanted};
pub use message::CompileRefusal;
pub use plan::{Compiled, CompiledError, Target};
pub use unplanned::{RuleConflict, RulePath};

/// The package of our module. Nobody else's is called so; where one is, it is refused.
const PACKAGE: &str = "postern__entrypoints";
/// What the module's file is called in its folder.
const FILE: &str = "postern__entrypoints.rego";
