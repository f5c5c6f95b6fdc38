//! Why there is no new bundle, in the words of OPA's status.

use http::StatusCode;
use postern_policy::activation::Reason;
use serde_json::{Value as Json, json};

use crate::opa::status::BundleError;
use crate::sync::ActivationError;

/// Why there is no new bundle.
#[derive(Debug)]
pub(super) enum Problem {
    /// There was no answer.
    Request(String),
    /// There was another one than a bundle.
    Status(u16),
    /// The answer broke off, or is too long.
    Body(String),
    /// What came isn't what it must be.
    Refused(ActivationError),
    /// Anything else.
    Other(String),
}

/// OPA's `types.MsgCompileModuleError`.
const COMPILING: &str = "error(s) occurred while compiling module(s)";

impl Problem {
    /// A refusal; `missing` is why there is no compiler.
    pub(super) fn of(error: ActivationError, missing: &Option<String>) -> Self {
        if let (ActivationError::Refused(refusal), Some(missing)) = (&error, missing)
            && matches!(*refusal.reason, Reason::NoCompiler(_))
        {
            return Self::Other(format!("{error}; {missing}"));
        }
        Self::Refused(error)
    }

    /// Whether the server has something else now than what it had, or nothing: what was refused before is no longer to come into
    /// force.
    pub(super) fn is_of_what_is_served(&self) -> bool {
        match self {
            Self::Refused(_) => true,
            Self::Status(status) => matches!(status, 404 | 410),
            Self::Request(_) | Self::Body(_) | Self::Other(_) => false,
        }
    }

    /// As the status has it.
    pub(super) fn told(&self) -> BundleError {
        let plain = |message: String| BundleError {
            message,
            ..BundleError::default()
        };
        match self {
            Self::Request(problem) => plain(format!("request failed: {problem}")),
            Self::Status(status) => {
                let reason = StatusCode::from_u16(*status).ok();
                let reason = reason
                    .and_then(|status| status.canonical_reason())
                    .unwrap_or_default();
                BundleError {
                    message: format!("server replied with {reason}"),
                    http_code: Some(*status),
                    errors: Vec::new(),
                }
            }
            Self::Body(problem) => plain(format!("bundle read failed: {problem}")),
            Self::Other(problem) => plain(problem.clone()),
            Self::Refused(error) => {
                let text = error.to_string();
                let compile = matches!(error, ActivationError::Refused(refusal)
                    if matches!(*refusal.reason, Reason::Compile(_)));
                let errors = if compile { errors_in(&text) } else { Vec::new() };
                if errors.is_empty() {
                    return plain(text);
                }
                BundleError {
                    message: COMPILING.to_owned(),
                    http_code: None,
                    errors,
                }
            }
        }
    }

    /// For the log.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Refused(error) => error.to_string(),
            _ => self.told().message,
        }
    }
}

/// The errors that opa tells of a policy, a line each (one alone follows its heading): `file:row: code: message`. It doesn't tell
/// columns there.
fn errors_in(text: &str) -> Vec<Json> {
    let error = |line: &str| {
        let line = line.strip_prefix("1 error occurred: ").unwrap_or(line);
        let (place, rest) = line.split_once(": ")?;
        let (code, message) = rest.split_once(": ")?;
        let (file, row) = place.rsplit_once(':')?;
        let row: u32 = row.parse().ok()?;
        if !code.starts_with("rego_") || code.contains(' ') {
            return None;
        }
        let location = json!({ "file": file, "row": row });
        Some(json!({ "code": code, "message": message, "location": location }))
    };
    text.lines().filter_map(|line| error(line.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_errors_are_told_as_opa_tells_them() {
        let told = Problem::Status(404).told();
        assert_eq!(told.message, "server replied with Not Found");
        assert_eq!(told.http_code, Some(404));
        assert_eq!(
            Problem::Request("x".to_owned()).told().message,
            "request failed: x"
        );
    }

    #[test]
    fn errors_of_a_policy_are_told_one_by_one() {
        let text = "2 errors occurred:\na/p.rego:3: rego_unsafe_var_error: var x is unsafe\nrego_type_error: no place\n\
                    a/p.rego:7: rego_type_error: undefined function data.b.f";
        assert_eq!(
            errors_in(text),
            [
                json!({"code": "rego_unsafe_var_error", "message": "var x is unsafe", "location": {"file": "a/p.rego", "row": 3}}),
                json!({"code": "rego_type_error", "message": "undefined function data.b.f", "location": {"file": "a/p.rego", "row": 7}}),
            ]
        );
        let one = errors_in("1 error occurred: a/p.rego:3: rego_type_error: undefined function f");
        assert_eq!(one[0]["location"], json!({"file": "a/p.rego", "row": 3}));
        assert!(errors_in("the plan is too large").is_empty());
    }
}
