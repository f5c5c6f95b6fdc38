//! An error as it leaves a service: what callers may know, and beside it what only the log may.
//! It never decides how it looks on a surface; [`crate::Problem`] and `Error::to_status` do.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::Code;
use crate::text::cut;

/// How many field violations an error carries; further ones are left out, so that it fits into HTTP/2 trailers.
pub const MAX_FIELDS: usize = 16;

/// How long a message can be, in bytes; the rest is cut off.
pub const MAX_MESSAGE_BYTES: usize = 1024;

/// How long a field's name can be, in bytes; the rest is cut off.
const MAX_FIELD_BYTES: usize = 128;

/// How long a field's description can be, in bytes; the rest is cut off.
const MAX_DESCRIPTION_BYTES: usize = 256;

/// A field of the request, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldViolation {
    /// The path to the field, `audience[0]` say.
    pub field: String,
    /// What was expected there.
    pub description: String,
}

/// A failure with a stable code. All but its cause is safe to show to callers.
#[derive(Debug, Clone)]
pub struct Error {
    code: Code,
    message: String,
    fields: Vec<FieldViolation>,
    retry_after_seconds: Option<u32>,
    cause: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// A failure whose `message` callers will read: it says what was expected and what to do, and holds nothing
    /// internal. Where `code` asks for a pause before the next try, a default one is set.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Error {
            code,
            message: cut(message.into(), MAX_MESSAGE_BYTES),
            fields: Vec::new(),
            retry_after_seconds: code.retry_after_seconds(),
            cause: None,
        }
    }

    /// A failure that is not the caller's fault. Callers learn only that; the log gets `cause`.
    #[must_use]
    pub fn internal(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(Code::Internal, Code::Internal.meaning()).with_cause(cause)
    }

    /// Something that the answer needs is not available. Callers learn only that; the log gets `cause`.
    #[must_use]
    pub fn unavailable(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(Code::Unavailable, Code::Unavailable.meaning()).with_cause(cause)
    }

    /// Fields of the request that are wrong; add each by [`Error::with_field`].
    #[must_use]
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(Code::ValidationFailed, message)
    }

    /// Adds a field that is wrong; of more than [`MAX_FIELDS`] only the first are kept.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>, description: impl Into<String>) -> Self {
        if self.fields.len() < MAX_FIELDS {
            self.fields.push(FieldViolation {
                field: cut(field.into(), MAX_FIELD_BYTES),
                description: cut(description.into(), MAX_DESCRIPTION_BYTES),
            });
        }
        self
    }

    /// Says after how many seconds trying again makes sense.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// Keeps what happened, for the log only.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.cause = Some(Arc::from(cause.into()));
        self
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// What callers read.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The fields that are wrong; empty for most errors.
    #[must_use]
    pub fn fields(&self) -> &[FieldViolation] {
        &self.fields
    }

    /// Seconds to wait before trying again, where that makes sense.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u32> {
        self.retry_after_seconds
    }

    /// The whole story for the log: this error, then each cause, joined by `: `. Not for callers.
    #[must_use]
    pub fn log_detail(&self) -> String {
        let mut detail = self.to_string();
        let mut next = self.source();
        while let Some(cause) = next {
            detail.push_str(": ");
            detail.push_str(&cause.to_string());
            next = cause.source();
        }
        detail
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause
            .as_deref()
            .map(|cause| cause as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_told_to_the_log_and_to_nobody_else() {
        let error = Error::internal("no space left on /var/lib/postern");
        assert!(!error.to_string().contains("/var/lib"));
        assert!(!error.message().contains("/var/lib"));
        assert!(
            error
                .log_detail()
                .ends_with(": no space left on /var/lib/postern")
        );
    }

    #[test]
    fn what_would_not_fit_is_cut_between_characters() {
        let error = (0..100).fold(Error::validation("ß".repeat(1_000)), |error, _| {
            error.with_field("€".repeat(1_000), "x")
        });
        assert_eq!(error.message(), "ß".repeat(MAX_MESSAGE_BYTES / 2));
        assert_eq!(error.fields().len(), MAX_FIELDS);
        assert_eq!(error.fields()[0].field, "€".repeat(MAX_FIELD_BYTES / 3));
    }
}
