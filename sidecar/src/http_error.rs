//! Why an HTTP client of ours has no answer, in words for an operator.

use std::error::Error;

/// What lies behind `error`, outermost first. reqwest's own message says only that sending failed; none of the chain holds what
/// was sent.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    if causes.is_empty() {
        "no answer".to_owned()
    } else {
        causes.join(": ")
    }
}
