//! OPA's plans, executed: values, the plan machine, builtins. Knows nothing of Envoy or of Postern.

mod builtins;
mod env;
mod error;
mod json;
mod machine;
mod number;
mod plan;
mod program;
mod value;

pub use builtins::{BuiltinError, BuiltinFn, Context, names as builtin_names};
pub use env::{Env, Limits};
pub use error::{EvalError, Limit, LoadError, Place};
pub use json::JsonError;
pub use number::Number;
pub use program::{EntrypointId, HostBuiltins, NoHost, Program};
pub use value::{Array, MAX_NESTING, Object, ObjectIter, Set, SetIter, Value};
