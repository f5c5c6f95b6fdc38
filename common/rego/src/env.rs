//! What one evaluation is given besides its input and data: the time, a seed, and bounds. Never read from the
//! surroundings.

use crate::builtins::http::HttpAnswers;
use crate::calls::Calls;
use crate::meter::TimeLimit;
use crate::value::Value;

/// The surroundings of one evaluation, which sees one instant and one source of randomness throughout.
#[derive(Debug, Clone)]
pub struct Env {
    /// The time, in nanoseconds since the Unix epoch (`time.now_ns`).
    pub now_ns: i64,
    /// Where `rand.intn` and `uuid.rfc4122` draw from.
    pub seed: [u8; 32],
    /// What the host says of itself, `opa.runtime`'s answer: an object with `config`, `env` and `version`, say. Without
    /// it that is an empty object. A policy can read whatever is put here, but credentials in `config`.
    pub runtime: Option<Value>,
    /// Where the evaluation is stopped.
    pub limits: Limits,
    /// How long it may take, by the host's clock; any time where there is none, which [`Limits`] bound, too.
    pub time_limit: Option<TimeLimit>,
    /// Whether a builtin's failure is an error; otherwise the call is undefined, which is OPA's default.
    pub strict_builtin_errors: bool,
    /// What the host has answered to `http.send`, and how many requests it answers; none unless it says so.
    pub http: HttpAnswers,
    /// Where calls of builtins are told of that don't answer alike each time; nowhere unless the host says so.
    pub calls: Option<Calls>,
}

impl Env {
    /// Default limits, no limit of time, lenient builtins.
    #[must_use]
    pub fn new(now_ns: i64, seed: [u8; 32]) -> Self {
        Env {
            now_ns,
            seed,
            runtime: None,
            limits: Limits::default(),
            time_limit: None,
            strict_builtin_errors: false,
            http: HttpAnswers::default(),
            calls: None,
        }
    }
}

/// The bounds of one evaluation. A policy that reaches one fails with
/// [`EvalError::LimitReached`](crate::EvalError::LimitReached).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Statements executed, those of each iteration counted.
    pub max_statements: u64,
    /// Functions that call each other.
    pub max_depth: usize,
    /// Local variables of all running functions together.
    pub max_locals: usize,
    /// Bytes of all values that are built, those that are dropped again counted, too. What is part of the input, of the
    /// data and of the program isn't built, and what is shared isn't built twice.
    pub max_memory: u64,
}

impl Default for Limits {
    /// Ten million statements (a good part of a second), 512 nested calls, a million local variables, 256 MiB.
    fn default() -> Self {
        Limits {
            max_statements: 10_000_000,
            max_depth: 512,
            max_locals: 1_000_000,
            max_memory: 256 * 1024 * 1024,
        }
    }
}
