//! OPA's plans, executed: values, the plan machine, builtins. Knows nothing of Envoy or of Postern.
//!
//! Rego is compiled by OPA itself (`opa build -t plan`); a [`Program`] is that plan, checked and made compact, and
//! [`Program::evaluate`] runs it over an `input`, a `data` document and an [`Env`]. What can't run exactly as OPA runs
//! it is refused by [`Program::load`].
//!
//! ```
//! use postern_rego::{Env, NoHost, Program, Value};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // What `opa build -t plan -e greeting` writes for `greeting := input.name`, shortened.
//! let plan = br#"{"static": {"strings": [{"value": "result"}, {"value": "name"}]}, "plans": {"plans": [
//!     {"name": "greeting", "blocks": [{"stmts": [
//!         {"type": "DotStmt", "stmt": {"source": {"type": "local", "value": 0},
//!             "key": {"type": "string_index", "value": 1}, "target": 2}},
//!         {"type": "MakeObjectStmt", "stmt": {"target": 3}},
//!         {"type": "ObjectInsertStmt", "stmt": {"object": 3, "key": {"type": "string_index", "value": 0},
//!             "value": {"type": "local", "value": 2}}},
//!         {"type": "ResultSetAddStmt", "stmt": {"value": 3}}]}]}]}}"#;
//! let program = Program::load(plan, &NoHost)?;
//! let greeting = program.entrypoint("greeting").ok_or("no such entrypoint")?;
//! let input = Value::from_json_str(r#"{"name": "Ada"}"#)?;
//! let env = Env::new(1_700_000_000_000_000_000, [0; 32]);
//! let result = program.evaluate(greeting, Some(&input), &Value::Null, &env)?;
//! assert_eq!(result, Some(Value::from("Ada")));
//! # Ok(())
//! # }
//! ```
//!
//! Each folder has one job: `value` (values and their order), `json` (text in and out), `number`, `plan` (`plan.json`
//! as data), `program` (checked and lowered), `reads` (what of `input` it can look at), `machine` (executes),
//! `builtins`.

mod builtins;
mod document;
mod env;
mod error;
mod json;
mod machine;
mod number;
mod plan;
mod program;
mod reads;
mod value;

pub use builtins::{
    BuiltinError, BuiltinFn, Context, Effects, effects as builtin_effects, host, names as builtin_names,
};
pub use document::{Document, Input, Member, Part};
pub use env::{Env, Limits};
pub use error::{EvalError, Limit, LoadError, Place};
pub use json::JsonError;
pub use number::Number;
#[doc(hidden)]
pub use program::Planted;
pub use program::{EntrypointId, HostBuiltins, NoHost, Program};
pub use reads::Reads;
pub use value::{Array, MAX_NESTING, MAX_WEIGHT, Object, ObjectIter, Set, SetIter, Value};
