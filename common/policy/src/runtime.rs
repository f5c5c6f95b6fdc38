//! What policies are told of where they run (`opa.runtime()`): the members that OPA documents, and of them only what is no
//! secret. OPA tells its whole environment and its configuration.

use postern_rego::{Object, Value};

/// The version of OPA whose compiler makes the plans and whose answers these are.
pub const OPA_VERSION: &str = "1.22.2";

/// `{"commit": "", "env": {}, "version": …}`: the version is OPA's, so that a policy that looks for what came with one finds
/// it; there is no build of OPA's that it came from; and what a process was started with stays its own.
#[must_use]
pub fn runtime() -> Value {
    Value::object_from([
        ("commit", Value::from("")),
        ("env", Value::from(Object::default())),
        ("version", Value::from(OPA_VERSION)),
    ])
}
