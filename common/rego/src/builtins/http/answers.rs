//! What the host has answered so far in one evaluation.

use std::fmt;
use std::sync::Arc;

use super::request::HttpRequest;
use crate::value::Value;

/// What a server answered.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status line without the protocol, `200 OK`.
    pub status: String,
    /// The status.
    pub status_code: u16,
    /// The headers in the order in which they came, as Go's client would show them; names in any case. Values are text.
    pub headers: Vec<(String, String)>,
    /// The body, decoded from its transfer coding.
    pub body: Vec<u8>,
}

impl fmt::Debug for HttpResponse {
    /// Without what the server says.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("HttpResponse")
            .field("status", &self.status)
            .field("body", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why there is no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpFailure {
    /// The request failed as it would have for OPA: no connection, no answer within the policy's own `timeout`. Undefined,
    /// or an object with `status_code` 0, as the policy says by `raise_error`.
    Network(String),
    /// It was answered, and the answer broke off or took too long. As [`HttpFailure::Network`], but for the code.
    Broken(String),
    /// The host doesn't make it, or not to its end, where OPA would. The evaluation ends with this message.
    Refused(String),
}

type Answered = Result<HttpResponse, HttpFailure>;

/// The answers of one evaluation, and how many there may be. By default there may be none. A clone shares them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HttpAnswers {
    known: Vec<(Value, Arc<Answered>)>,
    most: usize,
}

impl HttpAnswers {
    /// None yet, of `most` different requests.
    #[must_use]
    pub fn up_to(most: usize) -> Self {
        Self {
            known: Vec::new(),
            most,
        }
    }

    /// Adds the answer to a request.
    pub fn add(&mut self, request: HttpRequest, answer: Result<HttpResponse, HttpFailure>) {
        if self.known.len() < self.most {
            self.known.push((request.into_key(), Arc::new(answer)));
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether there are none yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    pub(super) fn is_off(&self) -> bool {
        self.most == 0
    }

    pub(super) fn is_full(&self) -> bool {
        self.known.len() >= self.most
    }

    pub(super) fn find(&self, key: &Value) -> Option<&Answered> {
        let found = self.known.iter().find(|(known, _)| known == key)?;
        Some(&found.1)
    }
}
