//! What an evaluation may still take: statements, memory, time. One countdown for all work; the clock is asked only
//! when a slice of it is used up, so that an evaluation that is short never asks, and one without a time limit has
//! one slice.

use std::fmt;
use std::time::Duration;

use crate::env::Env;
use crate::error::Limit;

/// Statements between two looks at the clock, some tenths of a millisecond: a look costs a thousandth of that.
const SLICE: u64 = 4096;

/// How long an evaluation may take, and the host's clock, which tells. This crate never reads one of its own.
///
/// The clock is first asked after some thousands of statements, and the time counts from then on. What a builtin does
/// in one go isn't interrupted, but all of them pay for what they do in pieces that take milliseconds at most.
#[derive(Clone, Copy)]
pub struct TimeLimit {
    max: Duration,
    clock: fn() -> Duration,
}

impl TimeLimit {
    /// At most `max` by `clock`: the time since any moment that stays the same, and never goes backwards.
    #[must_use]
    pub const fn new(max: Duration, clock: fn() -> Duration) -> Self {
        Self { max, clock }
    }

    /// The longest that it may take.
    #[must_use]
    pub const fn max(self) -> Duration {
        self.max
    }
}

impl TimeLimit {
    /// What the clock says now.
    #[must_use]
    pub fn now(self) -> Duration {
        (self.clock)()
    }

    /// The limit of what is left when some of the time is spent; `None` where nothing is. For evaluations that are made
    /// anew, and share one limit.
    #[must_use]
    pub fn less(self, spent: Duration) -> Option<Self> {
        let max = self.max.checked_sub(spent).filter(|left| !left.is_zero())?;
        Some(Self { max, ..self })
    }

    /// The earlier of two ends: this limit's, or after `max`.
    #[must_use]
    pub fn at_most(self, max: Duration) -> Self {
        Self {
            max: self.max.min(max),
            ..self
        }
    }
}

impl PartialEq for TimeLimit {
    fn eq(&self, other: &Self) -> bool {
        self.max == other.max && std::ptr::fn_addr_eq(self.clock, other.clock)
    }
}

impl Eq for TimeLimit {}

impl fmt::Debug for TimeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeLimit")
            .field("max", &self.max)
            .finish_non_exhaustive()
    }
}

/// The countdown of one evaluation.
#[derive(Debug)]
pub(crate) struct Meter<'a> {
    env: &'a Env,
    /// Statements left of this slice.
    slice: u64,
    /// Statements left beyond it.
    reserve: u64,
    /// Bytes left.
    memory: u64,
    /// When the clock was first asked.
    began: Option<Duration>,
}

/// What a countdown has come to, without the surroundings of its evaluation.
#[derive(Debug)]
pub(crate) struct Spent {
    slice: u64,
    reserve: u64,
    memory: u64,
    began: Option<Duration>,
}

impl Spent {
    pub(crate) fn resume(self, env: &Env) -> Meter<'_> {
        Meter {
            env,
            slice: self.slice,
            reserve: self.reserve,
            memory: self.memory,
            began: self.began,
        }
    }
}

impl<'a> Meter<'a> {
    pub(crate) fn pause(self) -> Spent {
        Spent {
            slice: self.slice,
            reserve: self.reserve,
            memory: self.memory,
            began: self.began,
        }
    }

    pub(crate) fn new(env: &'a Env, statements: u64) -> Self {
        let slice = if env.time_limit.is_some() {
            statements.min(SLICE)
        } else {
            statements
        };
        Self {
            env,
            slice,
            reserve: statements - slice,
            memory: env.limits.max_memory,
            began: None,
        }
    }

    /// What the evaluation is given.
    pub(crate) fn env(&self) -> &'a Env {
        self.env
    }

    /// Statements left.
    pub(crate) fn left(&self) -> u64 {
        self.slice.saturating_add(self.reserve)
    }

    /// Takes `statements` from what is left.
    #[inline]
    pub(crate) fn spend(&mut self, statements: u64) -> Result<(), Limit> {
        match self.slice.checked_sub(statements) {
            Some(left) => {
                self.slice = left;
                Ok(())
            }
            None => self.next_slice(statements),
        }
    }

    /// Begins another slice, unless there is none, or the time is over.
    #[cold]
    fn next_slice(&mut self, statements: u64) -> Result<(), Limit> {
        let Some(left) = self.left().checked_sub(statements) else {
            (self.slice, self.reserve) = (0, 0);
            return Err(Limit::Statements);
        };
        self.slice = left;
        self.reserve = 0;
        let Some(time) = self.env.time_limit else {
            return Ok(());
        };
        let now = (time.clock)();
        let began = *self.began.get_or_insert(now);
        self.slice = left.min(SLICE);
        self.reserve = left - self.slice;
        if now.saturating_sub(began) > time.max {
            // Whoever spends again after this meets it again.
            self.slice = 0;
            return Err(Limit::Time);
        }
        Ok(())
    }

    /// Bytes that may still be built.
    pub(crate) fn room(&self) -> u64 {
        self.memory
    }

    /// Takes `bytes` of memory, about to be filled, from what is left.
    #[inline]
    pub(crate) fn build(&mut self, bytes: u64) -> Result<(), Limit> {
        match self.memory.checked_sub(bytes) {
            Some(left) => {
                self.memory = left;
                Ok(())
            }
            None => Err(Limit::Memory),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        static LOOKS: Cell<u32> = const { Cell::new(0) };
    }

    /// A millisecond later each time it is asked.
    fn ticking() -> Duration {
        LOOKS.set(LOOKS.get() + 1);
        Duration::from_millis(u64::from(LOOKS.get()))
    }

    fn env(limit: Option<Duration>) -> Env {
        LOOKS.set(0);
        let mut env = Env::new(0, [0; 32]);
        env.time_limit = limit.map(|max| TimeLimit::new(max, ticking));
        env
    }

    #[test]
    fn the_clock_is_asked_once_a_slice() {
        let env = env(Some(Duration::from_secs(9)));
        let mut meter = Meter::new(&env, 10 * SLICE);
        (0..SLICE).try_for_each(|_| meter.spend(1)).unwrap();
        assert_eq!(LOOKS.get(), 0, "what is short never asks");
        (0..5 * SLICE).try_for_each(|_| meter.spend(1)).unwrap();
        assert_eq!(LOOKS.get(), 5);
        assert_eq!(meter.left(), 4 * SLICE);
        assert_eq!(meter.spend(4 * SLICE + 1), Err(Limit::Statements));
        assert_eq!(meter.spend(1), Err(Limit::Statements));
    }

    #[test]
    fn without_a_time_limit_only_statements_count() {
        let env = env(None);
        let mut meter = Meter::new(&env, 10 * SLICE);
        meter.spend(10 * SLICE).unwrap();
        assert_eq!(LOOKS.get(), 0);
        assert_eq!(meter.spend(1), Err(Limit::Statements));
    }

    #[test]
    fn time_that_is_over_stays_over() {
        let env = env(Some(Duration::from_millis(3)));
        let mut meter = Meter::new(&env, u64::MAX);
        let spent = (0..u64::MAX)
            .take_while(|_| meter.spend(SLICE / 2).is_ok())
            .count();
        // Begun at the first look, and over at the fifth: four milliseconds. Each look is for three.
        assert_eq!((LOOKS.get(), spent), (5, 14));
        assert_eq!(meter.spend(1), Err(Limit::Time));
        assert_eq!(meter.spend(SLICE * 3), Err(Limit::Time));
    }

    #[test]
    fn a_large_cost_is_a_look_at_the_clock_at_once() {
        let env = env(Some(Duration::ZERO));
        let mut meter = Meter::new(&env, 100 * SLICE);
        meter.spend(2 * SLICE).unwrap();
        assert_eq!(LOOKS.get(), 1);
        assert_eq!(meter.spend(2 * SLICE), Err(Limit::Time));
    }

    #[test]
    fn memory_is_a_sum() {
        let mut env = env(None);
        env.limits.max_memory = 100;
        let mut meter = Meter::new(&env, 10);
        meter.build(60).unwrap();
        assert_eq!(meter.build(41), Err(Limit::Memory));
        meter.build(40).unwrap();
        assert_eq!(meter.build(1), Err(Limit::Memory));
        assert_eq!(meter.left(), 10);
    }
}
