//! Runs OPA's compiler (`opa`), for whoever has Rego and needs a plan: the sidecar, when a bundle comes without one, and the
//! command line. The process is bounded in time, memory and output, has nothing of ours in its surroundings, works in a
//! folder of its own that is gone afterwards, and stays behind everything else that the machine has to do.
//!
//! - [`Opa`] is the program, and one run of it.
//! - [`Compiler`] makes plans of [`CompileJob`](postern_policy::compilation::CompileJob)s, and keeps them on disk by what they
//!   were made from, so that a restart with the same policy needs no compiler.
//! - [`loose`] reads files and folders as `opa run` does, which is no compiling, but the same disk.
//! - [`locate_opa`] finds the program.

mod compiler;
mod kept;
mod locate;
pub mod loose;
mod opa;

pub use compiler::{CompileError, Compiler};
pub use locate::{MissingTool, locate_opa, program_in_path};
pub use opa::{Opa, RunError, RunLimits};
