//! OPA's builtin functions, each with exactly OPA's answers and failures. One that can't be exact isn't here: a plan
//! that needs it is refused when it is loaded. Nothing here reads a clock, knows other randomness
//! than the evaluation's seed, or does I/O.

mod aggregates;
mod arithmetic;
mod arrays;
mod bits;
mod cidr;
mod comparison;
mod display;
mod effects;
mod encoding;
#[cfg(feature = "glob")]
mod glob;
mod go_float;
mod go_fmt;
mod go_text;
mod graph;
#[cfg(feature = "graphql")]
mod graphql;
pub mod host;
pub mod http;
mod json;
#[cfg(feature = "json-schema")]
mod json_schema;
mod jwt;
mod numbers;
mod objects;
mod operands;
mod patch;
mod paths;
mod print;
mod query;
mod random;
#[cfg(feature = "regex")]
mod regex;
mod runtime;
mod semver;
mod sets;
mod split;
mod sprintf;
mod strings;
mod subset;
mod table;
#[cfg(feature = "template")]
mod template;
#[cfg(test)]
mod tests;
mod time;
mod trim;
mod types;
mod units;
mod uri;
mod uuid;
mod walk;
mod yaml;

pub use effects::{Effects, effects};
pub(crate) use table::lookup;
pub use table::names;

use std::collections::BTreeMap;

use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng as _, SeedableRng as _};

use crate::env::Env;
use crate::number::Number;
use crate::number::arithmetic::ArithmeticError;
use crate::value::Value;

/// A builtin function. `Ok(None)` is an undefined result. It gets as many operands as the plan gives it, and must
/// answer for any number and kind of them.
pub type BuiltinFn = fn(&mut Context<'_>, &[Value]) -> Result<Option<Value>, BuiltinError>;

/// Why a builtin gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuiltinError {
    /// An operand is of the wrong kind, or there is no result for it. The call is undefined, unless errors are strict.
    #[error("{0}")]
    Lenient(String),
    /// The evaluation can't go on, strict or not.
    #[error("{0}")]
    Halt(String),
    /// The call costs more than is left of the evaluation's statements.
    #[error("the evaluation's limit of statements is reached")]
    Exhausted,
    /// The host is to make this request, and to ask again with its answer.
    #[error("{0} has no answer yet")]
    NeedsHttp(Box<http::HttpRequest>),
}

/// What a builtin is given besides its operands.
pub struct Context<'a> {
    env: &'a Env,
    budget: u64,
    print: Option<&'a mut dyn FnMut(&str)>,
    /// Made from the seed when it is first drawn from.
    random: Option<Box<ChaCha12Rng>>,
    remembered: BTreeMap<(&'static str, Value), Value>,
}

impl<'a> Context<'a> {
    /// The surroundings of an evaluation, the statements that it has left, and where `print` goes, if anywhere.
    #[must_use]
    pub fn new(env: &'a Env, budget: u64, print: Option<&'a mut dyn FnMut(&str)>) -> Self {
        Self {
            env,
            budget,
            print,
            random: None,
            remembered: BTreeMap::new(),
        }
    }

    /// The instant of the evaluation, in nanoseconds since the Unix epoch.
    #[must_use]
    pub fn now_ns(&self) -> i64 {
        self.env.now_ns
    }

    /// What the host says of itself, if it does ([`Env::runtime`]).
    #[must_use]
    pub fn runtime(&self) -> Option<&'a Value> {
        self.env.runtime.as_ref()
    }

    /// What the host has answered to `http.send` so far ([`Env::http`]).
    #[must_use]
    pub fn http(&self) -> &'a http::HttpAnswers {
        &self.env.http
    }

    /// The next random bytes that the evaluation's seed gives. The same seed gives the same ones in the same order.
    ///
    /// # Errors
    /// [`BuiltinError::Exhausted`] when less is left than they cost.
    pub fn random<const N: usize>(&mut self) -> Result<[u8; N], BuiltinError> {
        self.spend(N.saturating_add(64))?;
        let env = self.env;
        let random = self
            .random
            .get_or_insert_with(|| Box::new(ChaCha12Rng::from_seed(env.seed)));
        let mut bytes = [0; N];
        random.fill_bytes(&mut bytes);
        Ok(bytes)
    }

    /// The value that `builtin` has under `key` in this evaluation: made once, when it is first asked for, and the same
    /// from then on. Nothing is remembered that has no value.
    ///
    /// # Errors
    /// Those of `make`, and [`BuiltinError::Exhausted`] when less is left than remembering costs.
    pub fn remember(
        &mut self,
        builtin: &'static str,
        key: &Value,
        make: impl FnOnce(&mut Self) -> Result<Option<Value>, BuiltinError>,
    ) -> Result<Option<Value>, BuiltinError> {
        // What is compared while looking, and kept afterwards.
        self.spend_on_all(key)?;
        let key = (builtin, key.clone());
        if let Some(known) = self.remembered.get(&key) {
            return Ok(Some(known.clone()));
        }
        // An entry takes memory for as long as the evaluation lasts, so there can't be millions.
        self.spend(1024)?;
        let made = make(self)?;
        if let Some(value) = &made {
            self.remembered.insert(key, value.clone());
        }
        Ok(made)
    }

    /// How many statements are left: builtins spend from it what they cost.
    #[must_use]
    pub fn budget(&self) -> u64 {
        self.budget
    }

    /// Sets how many statements are left.
    pub fn set_budget(&mut self, statements: u64) {
        self.budget = statements;
    }

    /// Takes the cost of `elements` looked at or made from the budget.
    ///
    /// # Errors
    /// [`BuiltinError::Exhausted`] when less is left than that.
    pub fn spend(&mut self, elements: usize) -> Result<(), BuiltinError> {
        // A statement is worth some tens of elements or bytes of builtin work.
        let cost = (elements as u64) / 16;
        self.budget = self.budget.checked_sub(cost).ok_or(BuiltinError::Exhausted)?;
        Ok(())
    }

    /// Takes the cost of looking at all of a value: parts that are shared count as often as they occur.
    fn spend_on_all(&mut self, value: &Value) -> Result<(), BuiltinError> {
        self.spend(usize::try_from(value.weight()).unwrap_or(usize::MAX))
    }

    /// Takes the cost of computing with a number, which goes with the square of its digits.
    fn spend_on(&mut self, number: &Number) -> Result<(), BuiltinError> {
        self.spend(number.size().saturating_pow(2) / 64)
    }

    fn print_line(&mut self, line: &str) {
        if let Some(print) = &mut self.print {
            print(line);
        }
    }

    fn prints(&self) -> bool {
        self.print.is_some()
    }
}

impl From<ArithmeticError> for BuiltinError {
    fn from(error: ArithmeticError) -> Self {
        match error {
            ArithmeticError::TooLarge => Self::Halt(error.to_string()),
            _ => Self::Lenient(error.to_string()),
        }
    }
}

/// What a builtin returns.
type Answer = Result<Option<Value>, BuiltinError>;

/// A defined result.
fn answer(value: impl Into<Value>) -> Answer {
    Ok(Some(value.into()))
}

/// A failure that leaves the call undefined.
fn fail<T>(message: impl Into<String>) -> Result<T, BuiltinError> {
    Err(BuiltinError::Lenient(message.into()))
}
