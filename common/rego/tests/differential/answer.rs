//! A decision, OPA's or ours, as far as the two must agree: the value as Rego writes it, the kind of error, what is printed.

use std::fmt;

use postern_rego::{Env, EvalError, Program, Value};

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// `None` where it is undefined or an error.
    pub(crate) value: Option<String>,
    /// An error's code, such as `eval_conflict_error`.
    pub(crate) code: Option<String>,
    /// An error's words, which are only shown.
    pub(crate) message: String,
    pub(crate) prints: Vec<String>,
}

impl Answer {
    /// The kind of error. OPA tells operands of the wrong type from other failures of builtins in strict mode; for a host
    /// both are a builtin's failure.
    fn class(&self) -> Option<&str> {
        match self.code.as_deref() {
            Some("eval_type_error") => Some("eval_builtin_error"),
            other => other,
        }
    }

    /// Whether this, which is ours, is what OPA answers.
    pub(crate) fn is(&self, theirs: &Answer) -> bool {
        let Some(class) = theirs.class() else {
            // A plan may visit the rules of a partial object in another order.
            let sorted = |answer: &Answer| {
                let mut lines = answer.prints.clone();
                lines.sort();
                lines
            };
            return (&self.value, self.class()) == (&theirs.value, None) && sorted(self) == sorted(theirs);
        };
        // In strict mode OPA reports the first failure of a builtin in place of a conflict, which it may find later than it
        // is found here.
        let same = self.class() == Some(class)
            || (self.class(), class) == (Some("eval_conflict_error"), "eval_builtin_error");
        // OPA evaluates rules again to say where they conflict, and prints again.
        same && self.prints.iter().all(|line| theirs.prints.contains(line))
    }

    /// As [`Answer::is`], as long as this machine may evaluate what OPA doesn't: rules whose key isn't asked for, for one.
    pub(crate) fn may_be(&self, theirs: &Answer) -> bool {
        let more = self.code.is_some() || self.prints.len() > theirs.prints.len();
        self.is(theirs) || (more && (self.code.is_some() || self.value == theirs.value))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.value, &self.code) {
            (Some(value), _) => f.write_str(value)?,
            (None, Some(code)) => write!(f, "{code}: {}", self.message)?,
            (None, None) => f.write_str("undefined")?,
        }
        if self.prints.is_empty() {
            Ok(())
        } else {
            write!(f, ", printing {:?}", self.prints)
        }
    }
}

/// An error that is ours alone: a limit, or what this machine says that it doesn't do.
pub(crate) const STOPPED: &str = "stopped";

/// What this machine answers.
pub(crate) fn ours(program: &Program, entrypoint: &str, input: &Value, data: &Value, strict: bool) -> Answer {
    let mut env = Env::new(1_700_000_000_000_000_000, [7; 32]);
    env.strict_builtin_errors = strict;
    let mut prints = Vec::new();
    let id = program
        .entrypoint(entrypoint)
        .unwrap_or_else(|| panic!("the plan lacks {entrypoint}"));
    let result = program.results_with_print(id, Some(input), data, &env, &mut |line| {
        prints.push(line.to_owned());
    });
    let (value, code, message) = match result {
        Ok(set) => (
            set.nth(0)
                .and_then(|found| found.get("result"))
                .map(|value| format!("{value:?}")),
            None,
            String::new(),
        ),
        Err(error) => (None, Some(code(&error)), error.to_string()),
    };
    Answer {
        value,
        code: code.map(ToOwned::to_owned),
        message,
        prints,
    }
}

fn code(error: &EvalError) -> &'static str {
    match error {
        EvalError::RuleConflict { .. }
        | EvalError::FunctionConflict { .. }
        | EvalError::KeyConflict { .. } => "eval_conflict_error",
        EvalError::Builtin { message, .. }
            if message.contains("not supported") || message.contains("refused") =>
        {
            STOPPED
        }
        EvalError::Builtin { .. } => "eval_builtin_error",
        _ => STOPPED,
    }
}
