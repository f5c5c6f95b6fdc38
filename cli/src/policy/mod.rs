//! A folder of Rego, made into what can run: found, compiled by `opa`, put into a bundle. Shared by `dev`, `bundle` and
//! `policy`.

mod compile;
mod folder;

pub use compile::{
    COMPILE_DEADLINE, CompileError, CompileRequest, PlanRequest, compile, compile_plan, packages, parse,
};
pub use folder::PolicyFolder;
pub use postern_compiler::{MissingTool, locate_opa};
