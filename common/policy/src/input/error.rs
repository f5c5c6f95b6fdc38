//! Why a request can't be made into an input, in our words and in OPA-Envoy's.

use postern_rego::host::go_quote;

/// A request that can't be made into an input; OPA-Envoy answers it with 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// A `%` that two hexadecimal digits don't follow.
    #[error("the {part} has an invalid escape `{}`", String::from_utf8_lossy(.escape))]
    Escape {
        /// Path, query or form.
        part: &'static str,
        /// The percent sign and what follows it, at most three bytes.
        escape: Vec<u8>,
    },
    /// A `;` between parameters, which readers understand differently.
    #[error("the {part} has a `;`, which doesn't separate parameters")]
    Semicolon {
        /// Query or form.
        part: &'static str,
    },
    /// More parameters than anybody sends.
    #[error("the {part} has more than {most} parameters")]
    TooManyParameters {
        /// Query or form.
        part: &'static str,
        /// How many there may be.
        most: usize,
    },
    /// A `content-length` that isn't a number.
    #[error("content-length is not a number")]
    ContentLength {
        /// What came.
        written: String,
    },
    /// The body says it is a form in parts.
    #[error("the body is not the form that its content-type announces: {problem}")]
    Multipart {
        /// What is wrong, in Go's words.
        problem: String,
    },
    /// The body says it is gRPC's.
    #[error("the body is not the gRPC message that it should be: {problem}")]
    Grpc {
        /// What is wrong, in Go's words.
        problem: String,
    },
    /// The body says it is JSON.
    #[error("the body is not the JSON that its content-type announces: {problem}")]
    JsonBody {
        /// What is wrong.
        problem: String,
        /// The same in the words of Go's decoder.
        go: String,
    },
}

impl InputError {
    /// What OPA-Envoy says, to the byte: Go's own errors.
    #[must_use]
    pub fn as_opa_envoy(&self) -> String {
        match self {
            Self::Escape { escape, .. } => format!("invalid URL escape {}", go_quote(escape)),
            Self::Semicolon { .. } => "invalid semicolon separator in query".to_owned(),
            Self::TooManyParameters { .. } => "number of URL query parameters exceeded limit".to_owned(),
            Self::ContentLength { written } => go_parse_int_error(written),
            Self::Multipart { problem } | Self::Grpc { problem } => problem.clone(),
            Self::JsonBody { go, .. } => go.clone(),
        }
    }
}

/// What Go's `strconv.ParseInt` says of a text that is no integer of 64 bits.
#[must_use]
pub fn go_parse_int_error(text: &str) -> String {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let why = if is_integer {
        "value out of range"
    } else {
        "invalid syntax"
    };
    format!("strconv.ParseInt: parsing {}: {why}", go_quote(text.as_bytes()))
}
