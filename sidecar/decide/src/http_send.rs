//! Requests that a policy asks for (`http.send`): not made here, and not forgotten meanwhile what the decision was made
//! with. It goes on with the same moment, randomness and DPoP proof, so that the policy asks for the same request again,
//! finds its answer, and comes further.

use std::fmt;
use std::time::Duration;

use postern_policy::http::{HttpAnswers, HttpFailure, HttpRequest, HttpResponse};

use crate::dpop::ProofId;
use crate::entropy::Entropy;
use crate::now::Now;

/// How many different requests one decision may make, one after the other.
pub const MAX_HTTP_REQUESTS: usize = 4;

/// A request that the policy asks for, of a route that allows it (`Route::http_send`). The host knows which hosts may be
/// asked, and says of others that it refuses ([`HttpFailure::Refused`]).
#[derive(Debug, Clone)]
pub struct HttpSend {
    request: Box<HttpRequest>,
    so_far: Resumption,
}

/// What an interrupted decision goes on with. Only good for the request that it was made for.
#[derive(Clone)]
pub struct Resumption {
    pub(crate) now: Now,
    pub(crate) entropy: Entropy,
    pub(crate) answers: HttpAnswers,
    /// The proof that this very check has used up.
    pub(crate) spent_proof: Option<ProofId>,
    /// How long evaluations have taken so far.
    pub(crate) spent_time: Duration,
}

impl HttpSend {
    pub(crate) fn new(request: Box<HttpRequest>, so_far: Resumption) -> Self {
        Self { request, so_far }
    }

    /// What is asked for.
    pub fn request(&self) -> &HttpRequest {
        &self.request
    }

    /// The moment of the decision.
    pub fn now(&self) -> Now {
        self.so_far.now
    }

    /// What the decision goes on with, now that there is an answer.
    #[must_use]
    pub fn answered(self, answer: Result<HttpResponse, HttpFailure>) -> Resumption {
        let mut resumption = self.so_far;
        resumption.answers.add(*self.request, answer);
        resumption
    }
}

impl Resumption {
    /// What a decision begins with that no request may interrupt.
    pub fn new(now: Now, entropy: Entropy) -> Self {
        Self {
            now,
            entropy,
            answers: HttpAnswers::default(),
            spent_proof: None,
            spent_time: Duration::ZERO,
        }
    }

    /// The moment of the decision.
    pub fn now(&self) -> Now {
        self.now
    }

    /// The randomness of the decision.
    pub fn entropy(&self) -> &Entropy {
        &self.entropy
    }
}

impl fmt::Debug for Resumption {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answers = self.answers.len();
        formatter
            .debug_struct("Resumption")
            .field("answers", &answers)
            .finish_non_exhaustive()
    }
}
