//! What can go wrong: when a plan is loaded ([`LoadError`]), and when it is run ([`EvalError`]).

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use crate::builtins::http::HttpRequest;
use crate::json::JsonError;
use crate::plan::ProtobufError;

/// Why a plan was refused. Nothing of it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The bytes aren't JSON, or not in the shape of a plan.
    #[error("the plan can't be read: {0}")]
    Malformed(#[from] JsonError),
    /// The bytes aren't protobuf, or not in the shape of a plan.
    #[error("the plan can't be read: {0}")]
    MalformedProtobuf(#[from] ProtobufError),
    /// A kind of statement that this machine doesn't know.
    #[error("{place}: unknown statement `{name}`; this machine runs the plans of OPA 1.22")]
    UnknownStatement {
        /// What the plan calls it.
        name: String,
        /// Where it stands.
        place: Place,
    },
    /// The plan declares a builtin that neither this crate nor the host has.
    #[error("unknown builtin function `{0}`: neither this machine nor its host has it")]
    UnknownBuiltin(String),
    /// A call names neither a function of the plan nor a builtin that it declares.
    #[error("{place}: call of `{name}`, which the plan neither defines nor declares")]
    UnknownFunction {
        /// The name called.
        name: String,
        /// Where it is called.
        place: Place,
    },
    /// An index points outside of its table.
    #[error("{place}: {table} {index} doesn't exist, there are {len}")]
    IndexOutOfRange {
        /// Which table.
        table: &'static str,
        /// The index.
        index: i64,
        /// How many entries the table has.
        len: usize,
        /// Where it is used.
        place: Place,
    },
    /// A statement lacks a field, or is wrong in some other way.
    #[error("{place}: {problem}")]
    Invalid {
        /// What is wrong.
        problem: String,
        /// Where.
        place: Place,
    },
    /// The plan is larger, or nests deeper, than this machine takes on.
    #[error("{place}: {what} is over the bound of {bound}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much may be.
        bound: usize,
        /// Where.
        place: Place,
    },
    /// A function calls itself, directly or through others.
    #[error("{0} is recursive")]
    Recursion(String),
    /// A rule is at a path that holds base data (OPA's `rego_compile_error` when a bundle is activated).
    #[error(
        "rego_compile_error: conflicting rule for data path {path} found: rename the rule, or leave the data out"
    )]
    DataConflict {
        /// The path, `a/b/c`.
        path: String,
    },
    /// Two functions, builtins or entrypoints have one name, or two functions one path.
    #[error("{kind} `{name}` is defined twice")]
    DefinedTwice {
        /// What: `function`, `builtin`, `entrypoint` or `path`.
        kind: &'static str,
        /// The name.
        name: String,
    },
}

/// Where in a policy something is: the function or entrypoint of the plan and, where the plan has them, file, row and
/// column of the Rego that it came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The function or entrypoint, as the plan names it.
    pub function: Arc<str>,
    /// The Rego file; empty if unknown.
    pub file: Arc<str>,
    /// The row, from 1; 0 if unknown.
    pub row: u32,
    /// The column, from 1; 0 if unknown.
    pub column: u32,
}

impl Place {
    /// What places are ordered by.
    pub(crate) fn order(&self) -> (&str, u32, u32) {
        (&self.file, self.row, self.column)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}:{}:{}", self.file, self.row, self.column)?;
        }
        match (self.file.is_empty(), self.function.is_empty()) {
            (false, false) => write!(f, " ({})", self.function),
            (true, false) => f.write_str(&self.function),
            (false, true) => Ok(()),
            (true, true) => f.write_str("plan"),
        }
    }
}

/// `g0.data.a.b` is the plan's name for the rule `data.a.b`; the number grows where a `with` shadows rules.
pub(crate) fn rule_name(function: &str) -> &str {
    match function.split_once('.') {
        Some((generation, rest)) if generation.starts_with('g') => rest,
        _ => function,
    }
}

/// Why an evaluation gave no answer. An undefined answer is none of these.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EvalError {
    /// A complete rule had two values (OPA's `eval_conflict_error`).
    #[error("{place}: eval_conflict_error: rule {rule} produced conflicting values")]
    RuleConflict {
        /// The rule's path, such as `data.a.b`.
        rule: String,
        /// Where it got the second one.
        place: Place,
        /// What its rules give.
        values: Conflicting,
    },
    /// A function had two values for the same arguments (OPA's `eval_conflict_error`).
    #[error(
        "{place}: eval_conflict_error: function {function} produced conflicting values for the same inputs"
    )]
    FunctionConflict {
        /// The function's path, such as `data.a.f`.
        function: String,
        /// Where it got the second one.
        place: Place,
        /// What its rules give for these arguments.
        values: Conflicting,
    },
    /// A key of an object had two values (OPA's `eval_conflict_error`).
    #[error("{place}: eval_conflict_error: object keys must be unique")]
    KeyConflict {
        /// Where it got the second one.
        place: Place,
    },
    /// A builtin failed, and either its failures are never passed over or strict errors were asked for.
    #[error("{place}: eval_builtin_error: {builtin}: {message}")]
    Builtin {
        /// The builtin's name.
        builtin: String,
        /// What it says.
        message: String,
        /// Where it was called.
        place: Place,
    },
    /// `http.send` asks for a request that the host hasn't answered ([`Env::http`](crate::Env)). It may make it and evaluate
    /// again, with the same time and seed.
    #[error("{place}: http.send: {request} has no answer yet")]
    NeedsHttp {
        /// The request.
        request: Box<HttpRequest>,
        /// Where it is asked for.
        place: Place,
    },
    /// The evaluation was stopped at one of its [`Limits`](crate::Limits).
    #[error("{place}: stopped at the limit of {bound} {limit}")]
    LimitReached {
        /// Which limit.
        limit: Limit,
        /// What it was set to.
        bound: u64,
        /// Where the evaluation was.
        place: Place,
    },
}

/// The values of a conflict: what each rule gives first, if it is another than the first of all. There are none where evaluating
/// the rules again, which they are found by, doesn't come to the conflict again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conflicting {
    /// In the order of their rules' places, ten at most.
    pub values: Vec<ConflictingValue>,
    /// Whether there are more.
    pub more: bool,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictingValue {
    /// The value as Rego writes it, cut after 80 characters.
    pub value: String,
    /// Where the rule begins that gives it.
    pub place: Place,
}

/// As OPA adds them to a message.
impl fmt::Display for Conflicting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.values.is_empty() {
            return Ok(());
        }
        f.write_str(":")?;
        for ConflictingValue { value, place } in &self.values {
            write!(f, "\n  {value} at ")?;
            match (place.file.is_empty(), place.row) {
                (true, 0) => f.write_str("<unknown>")?,
                (true, row) => write!(f, "{row}:{}", place.column)?,
                (false, row) => write!(f, "{}:{row}", place.file)?,
            }
        }
        if self.more { f.write_str("\n  ...") } else { Ok(()) }
    }
}

impl EvalError {
    /// The same, of a conflict with these values.
    pub(crate) fn with_values(mut self, found: Conflicting) -> Self {
        if let Self::RuleConflict { values, .. } | Self::FunctionConflict { values, .. } = &mut self {
            *values = found;
        }
        self
    }

    /// Where the evaluation was.
    #[must_use]
    pub fn place(&self) -> &Place {
        match self {
            Self::RuleConflict { place, .. }
            | Self::FunctionConflict { place, .. }
            | Self::KeyConflict { place }
            | Self::Builtin { place, .. }
            | Self::NeedsHttp { place, .. }
            | Self::LimitReached { place, .. } => place,
        }
    }

    /// What OPA says of it, as callers of `rego.Eval` see it: where, its code, its message (`topdown/errors.go`, and
    /// `topdown/conflicts.go` for the values of a conflict, which take lines of their own).
    #[must_use]
    pub fn as_opa(&self) -> String {
        let message = match self {
            Self::RuleConflict { rule, values, .. } => {
                format!("rule {rule} produced conflicting values{values}")
            }
            Self::FunctionConflict { function, values, .. } => {
                format!("function {function} produced conflicting values for the same inputs{values}")
            }
            Self::KeyConflict { .. } => "object keys must be unique".to_owned(),
            Self::Builtin { builtin, message, .. } => format!("{builtin}: {message}"),
            Self::NeedsHttp { request, .. } => format!("http.send: {request} has no answer"),
            // It has no such limits, but those of its caller.
            Self::LimitReached {
                limit: Limit::Time, ..
            } => return format!("{}: caller cancelled query execution", self.code()),
            Self::LimitReached { limit, bound, .. } => format!("stopped at the limit of {bound} {limit}"),
        };
        let place = self.place();
        match (place.file.is_empty(), place.row) {
            (_, 0) => format!("{}: {message}", self.code()),
            (true, row) => format!("{row}:{}: {}: {message}", place.column, self.code()),
            (false, row) => format!("{}:{row}: {}: {message}", place.file, self.code()),
        }
    }

    /// OPA's code for it (`topdown/errors.go`); what is stopped at a limit is cancelled there.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::RuleConflict { .. } | Self::FunctionConflict { .. } | Self::KeyConflict { .. } => {
                "eval_conflict_error"
            }
            Self::Builtin { .. } | Self::NeedsHttp { .. } => "eval_builtin_error",
            Self::LimitReached { .. } => "eval_cancel_error",
        }
    }
}

/// The limits that an evaluation can be stopped at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// Statements executed.
    Statements,
    /// Functions that call each other.
    CallDepth,
    /// Local variables of all running functions together.
    Locals,
    /// Collections within collections.
    Nesting,
    /// The size of a value, shared parts counted as often as they occur.
    Weight,
    /// Bytes of the values that were built.
    Memory,
    /// Time, in milliseconds.
    Time,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Limit::Statements => "statements",
            Limit::CallDepth => "nested calls",
            Limit::Locals => "local variables",
            Limit::Nesting => "nested collections",
            Limit::Weight => "values within a value",
            Limit::Memory => "bytes of memory",
            Limit::Time => "milliseconds",
        })
    }
}
