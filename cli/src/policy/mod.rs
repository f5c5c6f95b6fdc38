//! A folder of Rego, made into what can run: found, compiled by `opa`, put into a bundle. Shared by `dev` and `bundle`.

mod compile;
mod folder;
mod locate;

pub use compile::{COMPILE_DEADLINE, CompileError, CompileRequest, compile};
pub use folder::PolicyFolder;
pub use locate::{MissingTool, locate_opa};
