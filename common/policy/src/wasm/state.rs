//! What an instance knows besides its memory: how far it may go, what the evaluation in it was given, and why it failed.

use std::sync::Arc;
use std::time::Duration;

use postern_rego::http::HttpRequest;
use postern_rego::{BuiltinFn, Env, Limit, Part, Paused, TimeLimit};
use wasmtime::ResourceLimiter;

use super::abi::Exports;

/// A builtin that a module calls its host for.
#[derive(Clone)]
pub(super) struct Builtin {
    pub(super) id: i32,
    pub(super) name: Arc<str>,
    pub(super) function: BuiltinFn,
}

/// Of one instance.
pub(super) struct State {
    pub(super) exports: Option<Arc<Exports>>,
    pub(super) builtins: Arc<[Builtin]>,
    pub(super) evaluation: Evaluation,
    pub(super) memory: MemoryLimit,
}

/// Of one evaluation.
#[derive(Default)]
pub(super) struct Evaluation {
    /// What builtins are given, where the module calls any; on loan while one runs.
    pub(super) env: Option<Box<Env>>,
    /// How far they have come.
    pub(super) context: Option<Paused>,
    pub(super) clock: Clock,
    /// Whether a builtin's failure is an error.
    pub(super) strict: bool,
    /// The first failure of a builtin, where errors are strict: it is told in place of whatever comes of it.
    pub(super) failed: Option<Failure>,
    /// Why the module was stopped.
    pub(super) stopped: Option<Failure>,
    /// Whether parts of the input may be left out.
    pub(super) leaves_out: bool,
}

/// How long it may take.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clock {
    pub(super) time: Option<TimeLimit>,
    /// When the clock was first asked.
    pub(super) began: Option<Duration>,
}

impl Clock {
    /// No end.
    pub(super) const NONE: Self = Self {
        time: None,
        began: None,
    };

    /// The time runs from now on, where it doesn't yet.
    pub(super) fn start(&mut self) {
        if self.began.is_none() {
            self.began = self.time.map(TimeLimit::now);
        }
    }

    fn is_over(&mut self) -> bool {
        let Some(time) = self.time else { return false };
        let now = time.now();
        let began = *self.began.get_or_insert(now);
        now.saturating_sub(began) > time.max()
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The module gave up, in its words (`opa_abort`).
    Abort(String),
    /// A builtin failed, and failures are errors, or this one can't be passed over.
    Builtin { name: Arc<str>, message: String },
    /// The host is to make a request first.
    NeedsHttp(Box<HttpRequest>),
    /// It was stopped.
    Limit { limit: Limit, bound: u64 },
    /// It looked at a part of the input that was left out; at this one, where that can be told.
    LeftOut(Option<Part>),
    /// It did what no module of OPA's does.
    Broken(String),
}

/// How much memory there may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct MemoryLimit {
    /// In bytes.
    pub(super) most: usize,
    /// Whether more was asked for.
    pub(super) refused: bool,
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let may = desired <= self.most;
        self.refused |= !may;
        Ok(may)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // Modules have a table of their functions, which doesn't grow.
        Ok(desired <= 100_000)
    }

    fn memories(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        1
    }

    fn instances(&self) -> usize {
        1
    }
}

impl State {
    pub(super) fn new(builtins: Arc<[Builtin]>, most_memory: usize) -> Self {
        Self {
            exports: None,
            builtins,
            evaluation: Evaluation::default(),
            memory: MemoryLimit {
                most: most_memory,
                refused: false,
            },
        }
    }

    /// Why it goes no further; the error that stops the module.
    pub(super) fn stop(&mut self, failure: Failure) -> wasmtime::Error {
        self.evaluation.stopped.get_or_insert(failure);
        wasmtime::Error::msg("the evaluation is stopped")
    }

    /// Whether its time is over, as its host's clock has it.
    pub(super) fn is_late(&mut self) -> bool {
        self.evaluation.clock.is_over()
    }
}
