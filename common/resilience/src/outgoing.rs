//! One outgoing call under three bounds: so many at once, so many that wait for a place, and a deadline for waiting and
//! calling together. The breaker stands between. Never retries: whoever calls knows whether that is safe.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit, TryAcquireError};
use tokio::time::{Instant, timeout_at};

use crate::breaker::{Outcome, Refused, State};
use crate::observe::Observer;
use crate::settings::BreakerSettings;
use crate::shared::CircuitBreaker;

/// The bounds of calls to one downstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutgoingSettings {
    /// Calls at once.
    pub max_in_flight: usize,
    /// Calls that may wait for a place; one more is refused at once.
    pub max_waiting: usize,
    /// How long one call may take, the wait for a place included.
    pub deadline: Duration,
    /// The breaker.
    pub breaker: BreakerSettings,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError<E> {
    /// The breaker is open, or half-open with its probes under way: nothing was sent.
    #[error(transparent)]
    Open(#[from] Refused),
    /// As many calls are under way, and wait, as may: nothing was sent.
    #[error("as many calls are under way as may be at once")]
    Full,
    /// No answer by the deadline.
    #[error("no answer within {0:?}")]
    Deadline(Duration),
    /// The call was made, and failed.
    #[error("{0}")]
    Failed(E),
}

/// Outgoing calls to one downstream.
#[derive(Debug)]
pub struct Outgoing<O: Observer> {
    places: Semaphore,
    /// Places of those that wait or call: all that are in here at all.
    entrance: Semaphore,
    breaker: CircuitBreaker<O>,
    observer: O,
    deadline: Duration,
}

impl<O: Observer + Clone> Outgoing<O> {
    /// Nothing under way, breaker closed.
    pub fn new(settings: OutgoingSettings, observer: O) -> Self {
        let all = settings.max_in_flight.saturating_add(settings.max_waiting);
        Self {
            places: Semaphore::new(settings.max_in_flight.min(Semaphore::MAX_PERMITS)),
            entrance: Semaphore::new(all.min(Semaphore::MAX_PERMITS)),
            breaker: CircuitBreaker::new(settings.breaker, observer.clone()),
            observer,
            deadline: settings.deadline,
        }
    }
}

impl<O: Observer> Outgoing<O> {
    /// The state of the breaker.
    pub fn state(&self) -> State {
        self.breaker.state()
    }

    /// Makes a call, if it may be made. `blames` says whether an error speaks against the downstream (no answer, a 5xx) or
    /// is an answer as good as any (a 404): only the former count for the breaker. A call that outlasts its deadline counts,
    /// if it had at least half of it to itself. One that is dropped counts neither way, so whoever drops it must not be
    /// quicker than the deadline as a rule.
    ///
    /// # Errors
    /// When it wasn't made, was too late, or failed.
    pub async fn call<T, E>(
        &self,
        call: impl Future<Output = Result<T, E>>,
        blames: impl FnOnce(&E) -> bool,
    ) -> Result<T, CallError<E>> {
        let until = Instant::now() + self.deadline;
        // Held to the end, so that waiting and calling are bounded together.
        let _entered = self.enter()?;
        let _place = self.place(until).await?;
        // Only now: a probe that waits for a place would keep the breaker half-open for nothing.
        let permit = self.breaker.admit()?;
        // Who waited long for a place gives the other side too little time to be blamed for not using it.
        let fair = until.saturating_duration_since(Instant::now()) >= self.deadline / 2;
        match timeout_at(until, call).await {
            Ok(Ok(value)) => {
                permit.settle(Outcome::Success);
                Ok(value)
            }
            Ok(Err(error)) => {
                let blamed = blames(&error);
                permit.settle(if blamed {
                    Outcome::Failure
                } else {
                    Outcome::Success
                });
                Err(CallError::Failed(error))
            }
            Err(_) => {
                permit.settle(if fair {
                    Outcome::Failure
                } else {
                    Outcome::Abandoned
                });
                Err(CallError::Deadline(self.deadline))
            }
        }
    }

    fn enter<E>(&self) -> Result<SemaphorePermit<'_>, CallError<E>> {
        self.entrance.try_acquire().map_err(|_| {
            self.observer.full();
            CallError::Full
        })
    }

    async fn place<E>(&self, until: Instant) -> Result<SemaphorePermit<'_>, CallError<E>> {
        match self.places.try_acquire() {
            Ok(place) => return Ok(place),
            // Who would wait for a place only to be refused needn't wait.
            Err(TryAcquireError::NoPermits) => self.breaker.open_now()?,
            Err(TryAcquireError::Closed) => return Err(CallError::Full),
        }
        match timeout_at(until, self.places.acquire()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) => Err(CallError::Full),
            Err(_) => {
                self.observer.late();
                Err(CallError::Deadline(self.deadline))
            }
        }
    }
}
