//! One breaker for many tasks. What was admitted is settled: by word, or as abandoned when its task goes away. The lock is
//! held for a step of the state machine and never across an await.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::breaker::{Breaker, Moment, Outcome, Pass, Refused, State};
use crate::observe::Observer;
use crate::settings::BreakerSettings;

/// A breaker that tasks share.
#[derive(Debug)]
pub struct CircuitBreaker<O: Observer> {
    settings: BreakerSettings,
    breaker: Mutex<Breaker>,
    observer: O,
    began: Instant,
}

/// Leave for one call through a [`CircuitBreaker`]. Dropped without a word, it counts neither way.
#[derive(Debug)]
#[must_use = "say what came of the call"]
pub struct Permit<'b, O: Observer> {
    breaker: &'b CircuitBreaker<O>,
    pass: Option<Pass>,
}

impl<O: Observer> CircuitBreaker<O> {
    /// A closed breaker. Its time is tokio's, from now on.
    pub fn new(settings: BreakerSettings, observer: O) -> Self {
        observer.is_in(State::Closed);
        Self {
            settings,
            breaker: Mutex::new(Breaker::new()),
            observer,
            began: Instant::now(),
        }
    }

    /// The state it is in.
    pub fn state(&self) -> State {
        self.lock().state()
    }

    /// Asks to let a call through.
    ///
    /// # Errors
    /// While it is open, or half-open with as many probes under way as may be.
    pub fn admit(&self) -> Result<Permit<'_, O>, Refused> {
        let admitted = self.step(Breaker::admit);
        if admitted.is_err() {
            self.observer.refused();
        }
        Ok(Permit {
            breaker: self,
            pass: Some(admitted?),
        })
    }

    /// Whether a call would be refused because the breaker is open. Asks for nothing and changes nothing.
    pub(crate) fn open_now(&self) -> Result<(), Refused> {
        let refused = self.lock().refuses(self.now());
        if refused.is_some() {
            self.observer.refused();
        }
        refused.map_or(Ok(()), Err)
    }

    fn settle(&self, pass: Pass, outcome: Outcome) {
        self.step(|breaker, settings, now| (breaker.settle(settings, pass, outcome, now), ()));
    }

    fn step<T>(&self, step: impl FnOnce(Breaker, &BreakerSettings, Moment) -> (Breaker, T)) -> T {
        let now = self.now();
        let mut breaker = self.lock();
        let before = breaker.state();
        let (stepped, result) = step(breaker.clone(), &self.settings, now);
        *breaker = stepped;
        let after = breaker.state();
        if before != after {
            // Still under the lock: observers are told of transitions in the order in which they happened.
            self.observer.moved(before, after);
        }
        result
    }

    fn now(&self) -> Moment {
        Moment(self.began.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, Breaker> {
        // A step doesn't panic; if an observer does, the step before it is whole.
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<O: Observer> Permit<'_, O> {
    /// The call came back, or failed.
    pub fn settle(mut self, outcome: Outcome) {
        self.settle_once(outcome);
    }

    fn settle_once(&mut self, outcome: Outcome) {
        if let Some(pass) = self.pass.take() {
            self.breaker.settle(pass, outcome);
        }
    }
}

impl<O: Observer> Drop for Permit<'_, O> {
    fn drop(&mut self) {
        self.settle_once(Outcome::Abandoned);
    }
}
