//! A plan, checked and made compact: every index in range, every function and builtin resolved, every constant made.
//! Immutable, shared by all who evaluate. Says what runs, never how (`machine`).

mod body;
mod build;
mod comprehensions;
mod constants;
mod enumerate;
pub(crate) mod index;
mod live;
mod local_set;
mod locals;
mod op;
mod optimize;
mod overlap;
mod paths;
mod planted;
mod prints;
mod rules;
mod scopes;
mod share;
mod sources;
mod tree;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use crate::builtins::{BuiltinFn, Effects, Span};
use crate::document::Input;
use crate::env::Env;
use crate::error::{EvalError, LoadError, Place};
use crate::machine::{self, Results};
use crate::plan;
use crate::reads::{Reach, Reads};
use crate::record::Recording;
use crate::value::{Set, Value};

pub(crate) use op::{Address, Asked, Collection, Function, Local, NOWHERE, Op, Operand, Path, Source};
use paths::Paths;
pub use planted::Planted;
use rules::Rule;
pub(crate) use rules::{Mark, RuleId};

/// Names an entrypoint of the [`Program`] that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EntrypointId(u32);

/// Builtins that the host adds to this crate's own, or puts in their place.
pub trait HostBuiltins {
    /// The function that OPA calls `name`, if the host has one. It is asked before this crate's own are.
    fn builtin(&self, name: &str) -> Option<BuiltinFn>;

    /// What the answer of one that the host has depends on besides its operands. Unless the host says, on everything:
    /// for those that are as OPA has them, [`builtin_effects`](crate::builtin_effects) knows.
    fn effects(&self, name: &str) -> Effects {
        let _ = name;
        Effects::ALL
    }
}

/// A host without builtins of its own.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHost;

impl HostBuiltins for NoHost {
    fn builtin(&self, _name: &str) -> Option<BuiltinFn> {
        None
    }
}

/// A plan that can run.
///
/// Loading refuses whatever this machine would not do exactly as OPA: an unknown statement or builtin, an index out of
/// range, recursion. Evaluation is a pure function of the arguments; a program can be shared by any number of threads.
pub struct Program {
    pub(crate) code: Vec<Op>,
    /// Where each operation of the code comes from.
    spots: Vec<Spot>,
    rules: Vec<Rule>,
    names: Vec<Arc<str>>,
    files: Vec<Arc<str>>,
    pub(crate) constants: Vec<Value>,
    pub(crate) calls: Vec<op::Call>,
    pub(crate) builtin_calls: Vec<op::BuiltinCall>,
    pub(crate) dynamic_calls: Vec<op::DynamicCall>,
    pub(crate) withs: Vec<op::With>,
    pub(crate) indices: Vec<index::Index>,
    pub(crate) walks: Vec<Path>,
    /// The ways from `data` to what lookups of base documents begin at.
    pub(crate) places: Vec<Box<[Operand]>>,
    pub(crate) builtins: Vec<Builtin>,
    pub(crate) functions: Vec<Function>,
    pub(crate) paths: Paths,
    /// How many functions remember their result.
    pub(crate) memos: u32,
    entrypoints: Vec<Entrypoint>,
}

/// A builtin that the plan declares.
pub(crate) struct Builtin {
    pub(crate) name: Arc<str>,
    pub(crate) function: BuiltinFn,
    pub(crate) has_result: bool,
}

/// A query of the plan.
pub(crate) struct Entrypoint {
    pub(crate) name: Arc<str>,
    pub(crate) entry: Address,
    pub(crate) locals: u32,
    pub(crate) reach: Reach,
}

/// Where an operation comes from: indices of names and files, row and column, and its rule.
#[derive(Clone, Copy)]
struct Spot {
    name: u32,
    file: Option<u32>,
    row: u32,
    column: u32,
    rule: Option<RuleId>,
    mark: Mark,
}

impl Program {
    /// Loads a `plan.json`, as `opa build -t plan` writes it.
    ///
    /// # Errors
    /// When the plan can't be read, or something in it can't run. Nothing is half loaded.
    pub fn load(plan_json: &[u8], host: &dyn HostBuiltins) -> Result<Program, LoadError> {
        Program::load_with(plan_json, host, Planted::default())
    }

    /// Loads a `plan.pb`, as `opa build -t plan --format proto` writes it (OPA's `v1/ir/plan.proto`).
    ///
    /// # Errors
    /// As [`Program::load`].
    pub fn load_protobuf(plan_pb: &[u8], host: &dyn HostBuiltins) -> Result<Program, LoadError> {
        build(&mut plan::read_protobuf(plan_pb)?, host, Planted::default())
    }

    /// As [`Program::load`], with mistakes: for tests that must see them.
    ///
    /// # Errors
    /// As [`Program::load`].
    #[doc(hidden)]
    pub fn load_with(
        plan_json: &[u8],
        host: &dyn HostBuiltins,
        planted: Planted,
    ) -> Result<Program, LoadError> {
        build(&mut plan::read(plan_json)?, host, planted)
    }

    /// The names of the entrypoints, as given to `opa build -e`: `orders/authz/decision`.
    pub fn entrypoints(&self) -> impl Iterator<Item = &str> {
        self.entrypoints.iter().map(|entrypoint| entrypoint.name.as_ref())
    }

    /// The entrypoint of that name.
    #[must_use]
    pub fn entrypoint(&self, name: &str) -> Option<EntrypointId> {
        let found = self
            .entrypoints
            .iter()
            .zip(0..)
            .find(|(entrypoint, _)| entrypoint.name.as_ref() == name);
        found.map(|(_, index)| EntrypointId(index))
    }

    /// The names of the builtins that the plan calls.
    pub fn builtins(&self) -> impl Iterator<Item = &str> {
        self.builtins.iter().map(|builtin| builtin.name.as_ref())
    }

    /// Which parts of `input` an evaluation of this entrypoint can look at: the others need not be there. Derived once,
    /// when the plan is loaded.
    #[must_use]
    pub fn reads(&self, entrypoint: EntrypointId) -> &Reads {
        &self.reach(entrypoint).input
    }

    /// Which parts of the base document `data` an evaluation of this entrypoint can look at, with the same promise as
    /// [`Program::reads`]: the others need not be there, and may change without changing an answer. Rules aren't in it;
    /// where rules and data are asked for as one document, it is the data below that is named.
    #[must_use]
    pub fn data_reads(&self, entrypoint: EntrypointId) -> &Reads {
        &self.reach(entrypoint).data
    }

    /// What the answer of this entrypoint can depend on besides `input` and `data`: what any builtin does that can be
    /// called from it. Of a host's own builtins the host says it ([`HostBuiltins::effects`]).
    #[must_use]
    pub fn effects(&self, entrypoint: EntrypointId) -> Effects {
        self.reach(entrypoint).effects
    }

    fn reach(&self, EntrypointId(index): EntrypointId) -> &Reach {
        // An id of another program: nothing is known of it.
        const ALL: &Reach = &Reach::ALL;
        self.entrypoints
            .get(index as usize)
            .map_or(ALL, |entrypoint| &entrypoint.reach)
    }

    /// Evaluates an entrypoint that `opa build` made; `None` is undefined. The input is a value, or
    /// a [`Document`](crate::Document) that is made as the policy looks at it; without one, what refers to it is undefined.
    ///
    /// # Errors
    /// A conflict, a builtin's failure where those are errors, or a limit reached.
    pub fn evaluate<'e>(
        &'e self,
        entrypoint: EntrypointId,
        input: impl Into<Input<'e>>,
        data: &'e Value,
        env: &'e Env,
    ) -> Result<Option<Value>, EvalError> {
        Ok(self.run(entrypoint, input.into(), data, env, None)?.into_value())
    }

    /// As [`Program::evaluate`], and says at which other instants the answer would have been the same, as far as the clock
    /// has a part in it.
    ///
    /// # Errors
    /// As [`Program::evaluate`].
    pub fn evaluate_dated<'e>(
        &'e self,
        EntrypointId(index): EntrypointId,
        input: impl Into<Input<'e>>,
        data: &'e Value,
        env: &'e Env,
    ) -> Result<(Option<Value>, Span), EvalError> {
        let Some(entrypoint) = self.entrypoints.get(index as usize) else {
            return Ok((None, Span::ALWAYS));
        };
        let input = input.into();
        let (results, span) = machine::run_dated(self, entrypoint, &input, data, env)?;
        Ok((results.into_value(), span))
    }

    /// Evaluates a query: an object of its variables for each way in which it holds.
    ///
    /// # Errors
    /// As [`Program::evaluate`].
    pub fn results<'e>(
        &'e self,
        entrypoint: EntrypointId,
        input: impl Into<Input<'e>>,
        data: &'e Value,
        env: &'e Env,
    ) -> Result<Set, EvalError> {
        Ok(self.run(entrypoint, input.into(), data, env, None)?.into_set())
    }

    /// As [`Program::results`], and hands each line that the policy prints to `print`. Without this, `print` does
    /// nothing.
    ///
    /// # Errors
    /// As [`Program::evaluate`].
    pub fn results_with_print<'e>(
        &'e self,
        entrypoint: EntrypointId,
        input: impl Into<Input<'e>>,
        data: &'e Value,
        env: &'e Env,
        print: &'e mut dyn FnMut(&str),
    ) -> Result<Set, EvalError> {
        Ok(self
            .run(entrypoint, input.into(), data, env, Some(print))?
            .into_set())
    }

    /// As [`Program::evaluate`], and writes down what happened. Slower by a multiple, and with the same answer.
    ///
    /// # Errors
    /// As [`Program::evaluate`].
    pub fn evaluate_recorded<'e>(
        &'e self,
        EntrypointId(index): EntrypointId,
        input: impl Into<Input<'e>>,
        data: &'e Value,
        env: &'e Env,
        recording: &mut Recording,
    ) -> Result<Option<Value>, EvalError> {
        let Some(entrypoint) = self.entrypoints.get(index as usize) else {
            return Ok(None);
        };
        let input = input.into();
        machine::run_recorded(self, entrypoint, &input, data, env, recording).map(Results::into_value)
    }

    fn run<'e>(
        &'e self,
        EntrypointId(index): EntrypointId,
        input: Input<'e>,
        data: &'e Value,
        env: &'e Env,
        print: Option<&'e mut dyn FnMut(&str)>,
    ) -> Result<Results, EvalError> {
        // To a shorter lifetime, that of the input's place here.
        let print = print.map(|print| print as &mut dyn FnMut(&str));
        match self.entrypoints.get(index as usize) {
            Some(entrypoint) => machine::run(self, entrypoint, &input, data, env, print),
            // An id of another program: nothing is defined there.
            None => Ok(Results::default()),
        }
    }

    /// Where the operation at `at` comes from.
    pub(crate) fn place(&self, at: Address) -> Place {
        self.spots
            .get(at as usize)
            .map_or_else(Place::default, |spot| self.spot_place(spot))
    }

    fn spot_place(&self, spot: &Spot) -> Place {
        let file = spot.file.and_then(|file| self.files.get(file as usize)).cloned();
        Place {
            function: self.names.get(spot.name as usize).cloned().unwrap_or_default(),
            file: file.unwrap_or_default(),
            row: spot.row,
            column: spot.column,
        }
    }
}

fn build(plan: &mut plan::Plan, host: &dyn HostBuiltins, planted: Planted) -> Result<Program, LoadError> {
    let heads = tree::arrange(plan);
    comprehensions::spell(plan);
    let known = index::Virtual::of(plan, &heads);
    enumerate::one_by_one(plan, heads.into_iter().map(|heads| heads.documents).collect());
    build::build(plan, &known, host, planted)
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("entrypoints", &self.entrypoints().collect::<Vec<_>>())
            .field("functions", &self.functions.len())
            .field("operations", &self.code.len())
            .finish_non_exhaustive()
    }
}
