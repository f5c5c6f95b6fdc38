//! What stops an evaluation, before it is known where; with the place it becomes an [`EvalError`].

use std::sync::Arc;
use std::time::Duration;

use super::Machine;
use crate::builtins::http::HttpRequest;
use crate::error::{Conflicting, EvalError, Limit, Place, rule_name};
use crate::program::{Address, Operand, Program};
use crate::value::{MAX_NESTING, MAX_WEIGHT, Value};

/// Values that are lighter ([`Value::weight`]) are compared for nothing.
pub(super) const LIGHT: u64 = 32;

/// How many values a key is compared with where it is looked up, about.
pub(super) const COMPARISONS: u64 = 8;

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
            values: Conflicting::default(),
        }
    } else {
        EvalError::RuleConflict {
            rule: name,
            place,
            values: Conflicting::default(),
        }
    }
}

impl Machine<'_> {
    /// That one of what a meter counts is used up.
    #[cold]
    pub(super) fn used_up(&self, limit: Limit) -> Fault {
        let bound = match limit {
            Limit::Statements => self.limits.max_statements,
            Limit::Memory => self.limits.max_memory,
            Limit::Time => self.context.time_limit().map_or(0, |time| millis(time.max())),
            Limit::CallDepth => self.limits.max_depth as u64,
            Limit::Locals => self.limits.max_locals as u64,
            Limit::Nesting => MAX_NESTING as u64,
            Limit::Weight => MAX_WEIGHT,
        };
        Fault::Limit { limit, bound }
    }

    pub(super) fn too_many_locals(&self) -> Fault {
        self.used_up(Limit::Locals)
    }

    pub(super) fn too_deep(&self) -> Fault {
        self.used_up(Limit::CallDepth)
    }

    /// Takes from the statements left.
    #[inline]
    pub(super) fn spend(&mut self, statements: u64) -> Result<(), Fault> {
        match self.context.meter.spend(statements) {
            Ok(()) => Ok(()),
            Err(limit) => Err(self.used_up(limit)),
        }
    }

    /// Pays for comparing with a value: nothing for scalars, a statement for some tens of values.
    #[inline]
    pub(super) fn spend_on(&mut self, weight: u64) -> Result<(), Fault> {
        if weight < LIGHT {
            Ok(())
        } else {
            self.spend(weight / LIGHT)
        }
    }

    /// Pays for looking something up by an operand's value.
    #[inline(always)]
    pub(super) fn spend_on_key(&mut self, key: Operand) -> Result<(), Fault> {
        if key.is_light_constant() || self.read(key).is_none_or(Value::is_light) {
            return Ok(());
        }
        self.spend_on_heavy_key(key)
    }

    #[cold]
    fn spend_on_heavy_key(&mut self, key: Operand) -> Result<(), Fault> {
        // It is compared with several others.
        let weight = self.read(key).map_or(0, Value::weight);
        self.spend(weight / LIGHT * COMPARISONS)
    }

    /// Takes from the memory left.
    #[inline]
    pub(super) fn build(&mut self, bytes: u64) -> Result<(), Fault> {
        match self.context.meter.build(bytes) {
            Ok(()) => Ok(()),
            Err(limit) => Err(self.used_up(limit)),
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
