//! A folder of Rego, made into what can run: found, compiled by `opa`, put into a bundle. Shared by `dev`, `bundle` and
//! `policy`.

mod compile;
mod folder;
mod locate;

pub use compile::{
    COMPILE_DEADLINE, CompileError, CompileRequest, PlanRequest, compile, compile_plan, packages, parse,
};
pub use folder::PolicyFolder;
pub use locate::{MissingTool, locate_opa};
