//! What is said where a module isn't taken, or has no answer.

use std::time::Duration;

use postern_rego::{EvalError, Limit, Place};

use super::state::Failure;
use crate::EngineError;
use crate::engine::Stopped;

/// Of a module that was given all of its input.
const BESIDE: &str = "it looks beside its memory";

pub(super) fn milliseconds(time: Option<Duration>) -> u64 {
    time.map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

pub(super) fn limit(name: &str, limit: Limit, bound: u64) -> EngineError {
    let place = Place {
        function: name.into(),
        ..Place::default()
    };
    EngineError::Limit((&EvalError::LimitReached { limit, bound, place }).into())
}

/// Why an evaluation has no answer: in our words, and in those of an OPA that runs the module.
pub(super) fn told(name: &str, failure: Failure) -> EngineError {
    let code = "internal_error";
    let stopped = |problem: String, opa: &str| {
        EngineError::Evaluation(Stopped {
            problem,
            opa: format!("{code}: {opa}"),
            code,
            place: None,
        })
    };
    match failure {
        Failure::Limit { limit: which, bound } => limit(name, which, bound),
        Failure::NeedsHttp(request) => EngineError::NeedsHttp(request),
        Failure::Abort(message) => stopped(format!("{name}: {message}"), &message),
        Failure::Builtin {
            name: builtin,
            message,
        } => stopped(
            format!("{name}: eval_builtin_error: {builtin}: {message}"),
            &message,
        ),
        Failure::LeftOut(_) => stopped(format!("{name}: policy.wasm: {BESIDE}"), BESIDE),
        Failure::Broken(problem) => stopped(format!("{name}: policy.wasm: {problem}"), &problem),
    }
}

/// Why a module isn't taken.
pub(super) fn words(failure: Failure) -> String {
    match failure {
        Failure::Abort(message) => format!("it gives up when it is loaded: {message}"),
        Failure::Builtin { name, message } => format!("{name}: {message}"),
        Failure::NeedsHttp(_) => "it makes requests when it is loaded".to_owned(),
        Failure::Limit { limit, .. } => format!("it takes too many {limit} when it is loaded"),
        Failure::LeftOut(_) => BESIDE.to_owned(),
        Failure::Broken(problem) => problem,
    }
}

pub(super) fn refused(problem: String) -> EngineError {
    EngineError::Wasm(problem)
}
