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
//! Where to begin:
//! - [`Program`] is a plan that can run: its entrypoints, what they read ([`Reads`]), evaluation.
//! - [`Value`] is a Rego value: JSON's, sets, objects with keys of any kind; [`Number`] one of any size.
//! - [`Input`] is what a policy is asked about: a value, or a [`Document`] that its host makes as it is looked at.
//! - [`Env`] is the instant, the seed and the [`Limits`] of one evaluation. Nothing else is read from the surroundings.
//! - [`Recording`] is what one evaluation did, told to people.
//! - [`HostBuiltins`] adds builtins, or replaces some; [`host`] helps to write them, [`BuiltinFn`] is one.
//! - [`builtin_names`] and [`builtin_effects`] say which builtins there are, and what their answers depend on.
//! - [`LoadError`] is why a plan is refused, [`EvalError`] why an evaluation has no answer; both say where in the Rego.
//!
//! # Features
//! `glob`, `graphql`, `json-schema`, `regex`, `template` and `time-zones` bring the builtins of that name; all are on by
//! default. What is left out refuses the policies that need it.
//!
//! # Inside
//! Each folder has one job: `value` (values and their order), `json` (text in and out), `number`, `plan` (`plan.json` and
//! `plan.pb` as data), `program` (checked and lowered; `program/op.rs` says what each operation means and where OPA says so,
//! `program/index` finds the rules that OPA would visit), `reads` (what of `input` and `data` it can look at), `machine`
//! (executes), `builtins`.

mod builtins;
mod calls;
mod document;
mod env;
mod error;
mod hash;
mod json;
mod machine;
mod meter;
mod number;
mod plan;
mod program;
mod reads;
mod record;
mod text;
mod value;

pub use builtins::{
    BuiltinError, BuiltinFn, Context, Effects, Paused, Span, effects as builtin_effects, host, http,
    lookup as builtin, names as builtin_names,
};
pub use calls::Calls;
pub use document::{Document, Input, Member, Part, Parts, Sink, tell};
pub use env::{Env, Limits};
pub use error::{Conflicting, ConflictingValue, EvalError, Limit, LoadError, Place};
pub use json::JsonError;
pub use meter::TimeLimit;
pub use number::Number;
pub use plan::ProtobufError;
#[doc(hidden)]
pub use program::Planted;
pub use program::{EntrypointId, HostBuiltins, NoHost, Program};
pub use reads::Reads;
pub use record::{Event, Happened, RecordLimits, Recording, Skipped};
#[cfg(feature = "glob")]
pub use text::glob_match;
pub use value::{Array, MAX_NESTING, MAX_WEIGHT, Object, ObjectIter, Set, SetIter, Value};

/// The example of the README, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
