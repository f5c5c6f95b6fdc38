//! What policies are told of where they run, as OPA tells it (`v1/runtime/info`): the configuration without its credentials, and
//! the whole environment.

use std::fmt;

use postern_opa_config::Plan;
use postern_policy::{OPA_VERSION, Object, Value};

/// The answer of `opa.runtime`; none where policies are told only what everybody may know. Never shown: there are secrets in
/// environments.
#[derive(Clone, Default)]
pub(crate) struct Runtime(pub(crate) Option<Value>);

impl Runtime {
    /// What a process started by `plan` tells its policies.
    pub(super) fn of(plan: &Plan) -> Self {
        let config = plan.told_to_policy().to_string();
        // What isn't UTF-8 in it stands as U+FFFD, as OPA's own text would have it.
        let environment: Object = std::env::vars_os()
            .map(|(name, value)| {
                let text = |text: std::ffi::OsString| Value::from(text.to_string_lossy().as_ref());
                (text(name), text(value))
            })
            .collect();
        Self(Some(Value::object_from([
            ("authorization_enabled", Value::from(false)),
            ("commit", Value::from("")),
            ("config", Value::from_json_str(&config).unwrap_or(Value::Null)),
            ("env", Value::from(environment)),
            ("skip_known_schema_check", Value::from(false)),
            ("version", Value::from(OPA_VERSION)),
        ])))
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Runtime")
    }
}
