//! `http.send` without a network: what the policy asks for is checked and handed to the host ([`BuiltinError::NeedsHttp`]),
//! which asks the same question again with the answer in [`Env::http`](crate::Env). One request object has one answer in
//! an evaluation, as in OPA (`topdown/http.go`). Not among this crate's own builtins: a host that can answer gives
//! [`send`] under its name, and without one a policy that calls it is refused when it is loaded.
//!
//! What differs from OPA: an answer of any status is kept for the evaluation (OPA asks again after a 500, say); whether any is
//! kept beyond it (`cache`, `force_cache`) is the host's business; the words of an error (`error.message`) are our own.

mod answers;
mod content_type;
mod headers;
mod options;
mod request;
mod response;
#[cfg(test)]
mod tests;
mod url;

pub use answers::{HttpAnswers, HttpFailure, HttpResponse};
pub use request::{HttpKeep, HttpRequest};
pub use url::plain_url;

use super::display::shown;
use super::{Answer, BuiltinError, Context, answer, operands};
use crate::value::{Object, Value};

/// The name that hosts give [`send`] under.
pub const NAME: &str = "http.send";

/// `http.send`, for [`HostBuiltins`](crate::HostBuiltins).
///
/// # Errors
/// [`BuiltinError::NeedsHttp`] where the host hasn't answered yet; OPA's failures; and `Halt` for what isn't supported.
pub fn send(context: &mut Context<'_>, operands: &[Value]) -> Result<Option<Value>, BuiltinError> {
    let object = operands::object(operands, 1)?;
    // It is looked through, quoted and compared.
    context.spend_on_all(operands::any(operands, 1)?)?;
    let raises = match object.get_str("raise_error") {
        None => true,
        Some(Value::Bool(raises)) => *raises,
        Some(_) => {
            return Err(BuiltinError::Lenient(
                "invalid value for raise_error field".to_owned(),
            ));
        }
    };
    match answered(context, object) {
        Err(Failure::Internal(message)) if !raises => failed("eval_http_send_internal_error", &message),
        Err(Failure::Network(message)) if !raises => failed("eval_http_send_network_error", &message),
        Err(failure) => Err(failure.into()),
        Ok(value) => answer(value),
    }
}

/// The response's value, if the host has answered.
fn answered(context: &mut Context<'_>, object: &Object) -> Result<Value, Failure> {
    let request = HttpRequest::new(context, object)?;
    let answers = context.http();
    // Each answer there is is compared with.
    for _ in 0..answers.len() {
        context.spend_on_all(request.key())?;
    }
    match answers.find(request.key()) {
        Some(Ok(response)) => response::value(context, response, &request),
        Some(Err(HttpFailure::Network(message))) => Err(Failure::Network(message.clone())),
        Some(Err(HttpFailure::Broken(message))) => Err(Failure::Internal(message.clone())),
        Some(Err(HttpFailure::Refused(message))) => Err(halt(message.clone())),
        None if answers.is_off() => Err(halt("no request may be made here".to_owned())),
        None if answers.is_full() => Err(halt(format!(
            "a decision may make {} different requests, and this is one more",
            answers.len()
        ))),
        None => Err(Failure::Stop(BuiltinError::NeedsHttp(Box::new(request)))),
    }
}

/// Why there is no response.
enum Failure {
    /// The request can't be made.
    Internal(String),
    /// It was made, and failed.
    Network(String),
    /// The evaluation can't go on.
    Stop(BuiltinError),
}

impl From<BuiltinError> for Failure {
    fn from(error: BuiltinError) -> Self {
        match error {
            BuiltinError::Lenient(message) => Self::Internal(message),
            error => Self::Stop(error),
        }
    }
}

impl From<Failure> for BuiltinError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Internal(message) | Failure::Network(message) => Self::Lenient(message),
            Failure::Stop(error) => error,
        }
    }
}

fn internal<T>(message: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Internal(message.into()))
}

fn halt(message: String) -> Failure {
    Failure::Stop(BuiltinError::Halt(message))
}

/// What OPA has an answer to, and this machine hasn't.
fn refuse<T>(what: impl std::fmt::Display) -> Result<T, Failure> {
    Err(halt(format!("{what}, which is not supported")))
}

/// What a request with `raise_error: false` answers when it fails.
fn failed(code: &str, message: &str) -> Answer {
    let error = Value::object_from([("code", Value::from(code)), ("message", Value::from(message))]);
    answer(Value::object_from([
        ("status_code", Value::from(0)),
        ("error", error),
    ]))
}
