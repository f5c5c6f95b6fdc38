//! The names of the document's members, made once per thread: a clone is a count, not an allocation, and a count that no
//! other thread touches.

use postern_rego::Value;

use super::reads::Part;

/// Texts that most requests share: methods, schemes, protocols, ways to authenticate.
const WORDS: [&str; 14] = [
    "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "http", "https", "HTTP/1.1", "HTTP/2", "jwt",
    "mtls", "api_key",
];

/// Names and words as values.
pub(super) struct Names {
    /// By the numbers of the parts.
    parts: Vec<Value>,
    words: [Value; WORDS.len()],
    /// `{"encoding": "protojson", "ext_authz": "v3"}`, as OPA-Envoy has it.
    pub(super) version: Value,
}

impl Names {
    fn new() -> Self {
        Names {
            parts: Part::all().map(|part| Value::from(part.name())).collect(),
            words: WORDS.map(Value::from),
            version: Value::object_from([("encoding", "protojson"), ("ext_authz", "v3")]),
        }
    }

    /// Calls `with` with this thread's names.
    pub(super) fn with<T>(with: impl FnOnce(&Names) -> T) -> T {
        thread_local! {
            static NAMES: Names = Names::new();
        }
        NAMES.with(with)
    }

    /// The name of a part.
    pub(super) fn of(&self, part: Part) -> Value {
        let known = self.parts.get(part as usize).cloned();
        known.unwrap_or_else(|| part.name().into())
    }

    /// A text as a value; shared if it is a common one.
    pub(super) fn word(&self, text: &str) -> Value {
        let known = self.words.iter().find(|word| word.as_str() == Some(text));
        known.cloned().unwrap_or_else(|| text.into())
    }
}
