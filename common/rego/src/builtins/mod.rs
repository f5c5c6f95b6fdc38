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
mod span;
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
#[cfg(feature = "glob")]
pub(crate) use glob::matches as glob_match;
pub use span::Span;
pub use table::lookup;
pub use table::names;
pub(crate) use yaml::document as yaml_document;

use std::collections::BTreeMap;

use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng as _, SeedableRng as _};

use crate::calls::Calls;
use crate::env::Env;
use crate::error::Limit;
use crate::meter::{Meter, TimeLimit};
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
    /// The call costs more than is left of what the evaluation is limited to.
    #[error("the evaluation's limit of {0} is reached")]
    Exhausted(Limit),
    /// The host is to make this request, and to ask again with its answer.
    #[error("{0} has no answer yet")]
    NeedsHttp(Box<http::HttpRequest>),
}

/// What an element costs in a collection that is made at once: a value, half as much again for an object's key, and what is
/// kept while it is sorted.
const ELEMENT_BYTES: usize = 64;

/// What a builtin is given besides its operands.
pub struct Context<'a> {
    pub(crate) meter: Meter<'a>,
    /// Elements that don't make a statement yet.
    crumbs: u64,
    print: Option<&'a mut dyn FnMut(&str)>,
    /// Made from the seed when it is first drawn from.
    random: Option<Box<ChaCha12Rng>>,
    remembered: BTreeMap<(&'static str, Value), Value>,
    /// When else the evaluation would have gone the same way, as far as the clock was looked at.
    span: Span,
}

/// A [`Context`] between two calls, for a host that can't keep hold of what it borrows meanwhile: what is left of the limits,
/// what is remembered, the randomness as far as it was drawn.
#[derive(Debug)]
pub struct Paused {
    meter: crate::meter::Spent,
    crumbs: u64,
    random: Option<Box<ChaCha12Rng>>,
    remembered: BTreeMap<(&'static str, Value), Value>,
    span: Span,
}

impl Paused {
    /// Goes on where it was paused; `env` is the evaluation's still.
    #[must_use]
    pub fn resume<'a>(self, env: &'a Env, print: Option<&'a mut dyn FnMut(&str)>) -> Context<'a> {
        Context {
            meter: self.meter.resume(env),
            crumbs: self.crumbs,
            print,
            random: self.random,
            remembered: self.remembered,
            span: self.span,
        }
    }

    /// When else the evaluation would have gone the same way so far.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }
}

impl<'a> Context<'a> {
    /// To go on later, in the same evaluation.
    #[must_use]
    pub fn pause(self) -> Paused {
        Paused {
            meter: self.meter.pause(),
            crumbs: self.crumbs,
            random: self.random,
            remembered: self.remembered,
            span: self.span,
        }
    }

    /// The surroundings of an evaluation, the statements that it may take, and where `print` goes, if anywhere.
    #[must_use]
    pub fn new(env: &'a Env, statements: u64, print: Option<&'a mut dyn FnMut(&str)>) -> Self {
        Self {
            meter: Meter::new(env, statements),
            crumbs: 0,
            print,
            random: None,
            remembered: BTreeMap::new(),
            span: Span::ALWAYS,
        }
    }

    pub(crate) fn time_limit(&self) -> Option<TimeLimit> {
        self.meter.env().time_limit
    }

    /// The instant of the evaluation, in nanoseconds since the Unix epoch. Whoever looks at it binds the evaluation's
    /// answer to it ([`Span`]); [`Context::judge`] is for those who know better.
    #[must_use]
    pub fn now_ns(&mut self) -> i64 {
        self.judge(|now_ns| (now_ns, Span::instant(now_ns)))
    }

    /// What comes of the instant of the evaluation, and when else the same would have.
    pub fn judge<T>(&mut self, judge: impl FnOnce(i64) -> (T, Span)) -> T {
        let now_ns = self.meter.env().now_ns;
        let (judged, span) = judge(now_ns);
        // Who says that it doesn't even hold now is wrong about the rest, too.
        let span = if span.contains(now_ns) {
            span
        } else {
            Span::instant(now_ns)
        };
        self.span = self.span.and(span);
        judged
    }

    /// When else the evaluation would have gone the same way so far.
    pub(crate) fn span(&self) -> Span {
        self.span
    }

    /// What the host says of itself, if it does ([`Env::runtime`]).
    #[must_use]
    pub fn runtime(&self) -> Option<&'a Value> {
        self.meter.env().runtime.as_ref()
    }

    /// Where calls are told of, if anywhere ([`Env::calls`]).
    pub(crate) fn calls(&self) -> Option<&'a Calls> {
        self.meter.env().calls.as_ref()
    }

    /// What the host has answered to `http.send` so far ([`Env::http`]).
    #[must_use]
    pub fn http(&self) -> &'a http::HttpAnswers {
        &self.meter.env().http
    }

    /// The next random bytes that the evaluation's seed gives. The same seed gives the same ones in the same order.
    ///
    /// # Errors
    /// [`BuiltinError::Exhausted`] when less is left than they cost.
    pub fn random<const N: usize>(&mut self) -> Result<[u8; N], BuiltinError> {
        self.spend(N.saturating_add(64))?;
        let env = self.meter.env();
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
        self.build(256)?;
        let made = make(self)?;
        if let Some(value) = &made {
            self.remembered.insert(key, value.clone());
        }
        Ok(made)
    }

    /// How many statements are left: builtins spend from it what they cost.
    #[must_use]
    pub fn budget(&self) -> u64 {
        self.meter.left()
    }

    /// Takes as many statements from those left.
    ///
    /// # Errors
    /// [`BuiltinError::Exhausted`] when there are less, or the evaluation's time is over.
    pub fn spend_statements(&mut self, statements: u64) -> Result<(), BuiltinError> {
        self.meter.spend(statements).map_err(BuiltinError::Exhausted)
    }

    /// Takes the cost of `elements` looked at or made from the statements left. Said before the work is done, and in
    /// pieces where there is much of it: the time that an evaluation has is looked at here.
    ///
    /// # Errors
    /// As [`Context::spend_statements`].
    pub fn spend(&mut self, elements: usize) -> Result<(), BuiltinError> {
        // A statement is worth some tens of elements or bytes of builtin work.
        let elements = self.crumbs.saturating_add(elements as u64);
        self.crumbs = elements % 16;
        self.spend_statements(elements / 16)
    }

    /// Takes `bytes` of memory, about to be filled with what wasn't there before, from what the evaluation may build.
    ///
    /// # Errors
    /// [`BuiltinError::Exhausted`] when less is left than that.
    pub fn build(&mut self, bytes: usize) -> Result<(), BuiltinError> {
        self.meter.build(bytes as u64).map_err(BuiltinError::Exhausted)
    }

    /// Whether so many bytes may be built; takes none of them. For a string that becomes the call's answer, whose bytes are
    /// counted then, and for what is thrown away.
    ///
    /// # Errors
    /// [`BuiltinError::Exhausted`] where they may not.
    pub fn room(&self, bytes: usize) -> Result<(), BuiltinError> {
        if bytes as u64 > self.meter.room() {
            return Err(BuiltinError::Exhausted(Limit::Memory));
        }
        Ok(())
    }

    /// Takes the cost of a collection that is about to be made of as many elements or members: the work, and the memory
    /// of the collection itself.
    ///
    /// # Errors
    /// As [`Context::spend`] and [`Context::build`].
    pub fn make(&mut self, elements: usize) -> Result<(), BuiltinError> {
        self.spend(elements)?;
        self.build(elements.saturating_mul(ELEMENT_BYTES))
    }

    /// Takes the cost of looking at all of a value: parts that are shared count as often as they occur.
    fn spend_on_all(&mut self, value: &Value) -> Result<(), BuiltinError> {
        self.spend_on_weight(value.weight())
    }

    fn spend_on_weight(&mut self, weight: u64) -> Result<(), BuiltinError> {
        self.spend(usize::try_from(weight).unwrap_or(usize::MAX))
    }

    /// Takes the cost of looking a value up among others: it is compared with some of them.
    fn spend_on_search(&mut self, key: &Value) -> Result<(), BuiltinError> {
        match key.weight() {
            0..16 => Ok(()),
            weight => self.spend_on_weight(weight.saturating_mul(8)),
        }
    }

    /// Takes the cost of putting values of that weight into order: each is compared as often as their number has binary
    /// digits.
    fn spend_on_sort(&mut self, weight: u64, values: usize) -> Result<(), BuiltinError> {
        let rounds = u64::from(usize::BITS - values.leading_zeros());
        self.spend_on_weight(weight.saturating_mul(rounds))
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
