//! What a configuration asks for that isn't done, said once at start.

use std::fmt;

use crate::tree::Place;

/// A key or flag that is passed over, and why that changes no decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotHonoured {
    /// The key, such as `server.encoding`, or the flag, such as `--pprof`.
    pub key: String,
    /// Where it was written.
    pub at: Place,
    /// Why it has no effect.
    pub why: String,
}

impl NotHonoured {
    pub(crate) fn new(key: impl Into<String>, at: Place, why: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            at,
            why: why.into(),
        }
    }
}

impl fmt::Display for NotHonoured {
    /// One line, in the form of an error: `opa.yaml:12: server.encoding: …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.at
            .error(self.key.clone(), format!("not honoured: {}", self.why))
            .fmt(f)
    }
}
