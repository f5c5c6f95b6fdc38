//! What stops an evaluation, before it is known where; with the place it becomes an [`EvalError`].

use std::sync::Arc;

use super::Machine;
use crate::builtins::http::HttpRequest;
use crate::error::{EvalError, Limit, Place, rule_name};
use crate::program::{Address, Program};
use crate::value::{MAX_NESTING, MAX_WEIGHT, Value};

/// A reason to stop.
#[derive(Debug)]
pub(super) enum Fault {
    /// A rule or function had a second value.
    ValueConflict,
    /// An object's key had a second value.
    KeyConflict,
    Builtin {
        name: Arc<str>,
        message: String,
    },
    Limit {
        limit: Limit,
        bound: u64,
    },
    /// The host has to be asked first.
    NeedsHttp(Box<HttpRequest>),
}

impl Fault {
    pub(super) const TOO_NESTED: Fault = Fault::Limit {
        limit: Limit::Nesting,
        bound: MAX_NESTING as u64,
    };

    pub(super) const TOO_HEAVY: Fault = Fault::Limit {
        limit: Limit::Weight,
        bound: MAX_WEIGHT,
    };

    /// That a value that was built is within bounds.
    pub(super) fn check(value: &Value) -> Result<(), Fault> {
        if value.nesting() > MAX_NESTING {
            return Err(Fault::TOO_NESTED);
        }
        if value.weight() > MAX_WEIGHT {
            Err(Fault::TOO_HEAVY)
        } else {
            Ok(())
        }
    }

    /// Says what happened at the operation `at`.
    pub(super) fn into_error(self, program: &Program, at: Address) -> EvalError {
        let place = program.place(at);
        match self {
            Fault::ValueConflict => value_conflict(program, place),
            Fault::KeyConflict => EvalError::KeyConflict { place },
            Fault::Builtin { name, message } => EvalError::Builtin {
                builtin: name.to_string(),
                message,
                place,
            },
            Fault::Limit { limit, bound } => EvalError::LimitReached { limit, bound, place },
            Fault::NeedsHttp(request) => EvalError::NeedsHttp { request, place },
        }
    }
}

fn value_conflict(program: &Program, place: Place) -> EvalError {
    let name = rule_name(&place.function).to_owned();
    let function = program
        .functions
        .iter()
        .find(|function| function.name == place.function);
    // A rule has no parameters but input and data.
    if function.is_some_and(|function| function.params > 2) {
        EvalError::FunctionConflict {
            function: name,
            place,
        }
    } else {
        EvalError::RuleConflict { rule: name, place }
    }
}

impl Machine<'_> {
    pub(super) fn out_of_statements(&self) -> Fault {
        Fault::Limit {
            limit: Limit::Statements,
            bound: self.limits.max_statements,
        }
    }

    pub(super) fn too_many_locals(&self) -> Fault {
        Fault::Limit {
            limit: Limit::Locals,
            bound: self.limits.max_locals as u64,
        }
    }

    pub(super) fn too_deep(&self) -> Fault {
        Fault::Limit {
            limit: Limit::CallDepth,
            bound: self.limits.max_depth as u64,
        }
    }

    /// Takes from the statements left.
    pub(super) fn spend(&mut self, statements: u64) -> Result<(), Fault> {
        let Some(left) = self.budget.checked_sub(statements) else {
            return Err(self.out_of_statements());
        };
        self.budget = left;
        Ok(())
    }

    /// Pays for comparing with a value: nothing for scalars, a statement for some tens of values.
    pub(super) fn spend_on(&mut self, weight: u64) -> Result<(), Fault> {
        if weight < 32 {
            Ok(())
        } else {
            self.spend(weight / 32)
        }
    }
}
