//! The circuit breaker as values: each state holds only what that state knows, a step consumes the old one, and time comes
//! in as an argument. Never reads a clock, never waits, never counts a call twice.
//!
//! ```text
//!            failures_to_open in a row                     `open` is over
//!  Closed ──────────────────────────────────► Open ◄────────────────────► HalfOpen
//!     ▲                                          a probe fails                 │
//!     └────────────────────────────────────────────────────────────────────────┘
//!                              successes_to_close probes succeed
//! ```
//!
//! A call is admitted with a [`Pass`] and settled with it. A pass belongs to the period that it was given in: what an older
//! call comes to, once the breaker has moved on, says nothing about now and changes nothing.

use std::time::Duration;

use crate::settings::BreakerSettings;

/// A moment on a clock that only goes forward, counted from wherever its owner began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Moment(pub Duration);

impl Moment {
    fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }
}

/// The three states by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Calls go through.
    Closed,
    /// Calls are refused at once.
    Open,
    /// A few calls go through, to see whether all may again.
    HalfOpen,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Closed, Self::Open, Self::HalfOpen];

    /// Its name in metrics and in /snapshot.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The other side did its work, whatever it answered.
    Success,
    /// The other side did not: no answer, too late, or one that says so.
    Failure,
    /// Nobody waited for it: neither for nor against the other side.
    Abandoned,
}

/// Leave for one call. Settled by value, so that no call counts twice.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a pass that is never settled holds its place while the breaker is half-open"]
pub struct Pass {
    period: u64,
}

/// The breaker lets no call through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the circuit breaker lets no call through for another {retry_after:?}")]
pub struct Refused {
    /// After which time another try makes sense; zero while probes are under way, which may end at any time.
    pub retry_after: Duration,
}

/// A circuit breaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    phase: Phase,
    /// Counts transitions, so that a pass knows whether it is of now.
    period: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Closed(Closed),
    Open(Open),
    HalfOpen(HalfOpen),
}

/// Calls go through; failures since the last success are counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Closed {
    failures: u32,
}

/// Calls are refused until then.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Open {
    until: Moment,
}

impl Open {
    fn refusal(&self, now: Moment) -> Refused {
        Refused {
            retry_after: self.until.0.saturating_sub(now.0),
        }
    }
}

/// Some calls go through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct HalfOpen {
    under_way: u32,
    successes: u32,
}

impl Breaker {
    /// A closed one.
    #[must_use]
    pub fn new() -> Self {
        Self {
            phase: Phase::Closed(Closed::default()),
            period: 0,
        }
    }

    /// The state it is in. An open one stays open until the first call after its time, which finds it half-open.
    #[must_use]
    pub fn state(&self) -> State {
        match self.phase {
            Phase::Closed(_) => State::Closed,
            Phase::Open(_) => State::Open,
            Phase::HalfOpen(_) => State::HalfOpen,
        }
    }

    /// Why a call at `now` would be refused, if the breaker is open then. Changes nothing.
    #[must_use]
    pub fn refuses(&self, now: Moment) -> Option<Refused> {
        match &self.phase {
            Phase::Open(open) if now < open.until => Some(open.refusal(now)),
            Phase::Closed(_) | Phase::Open(_) | Phase::HalfOpen(_) => None,
        }
    }

    /// Asks to let a call through at `now`.
    pub fn admit(self, settings: &BreakerSettings, now: Moment) -> (Self, Result<Pass, Refused>) {
        match &self.phase {
            Phase::Closed(_) => {
                let pass = self.pass();
                (self, Ok(pass))
            }
            Phase::Open(open) if now < open.until => {
                let refused = open.refusal(now);
                (self, Err(refused))
            }
            Phase::Open(_) => self.moved(Phase::HalfOpen(HalfOpen::default())).probe(settings),
            Phase::HalfOpen(_) => self.probe(settings),
        }
    }

    /// Learns at `now` what came of the call that `pass` was for.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a pass is used up, so that no call is settled twice"
    )]
    pub fn settle(self, settings: &BreakerSettings, pass: Pass, outcome: Outcome, now: Moment) -> Self {
        if pass.period != self.period {
            return self;
        }
        match (&self.phase, outcome) {
            (Phase::Closed(_), Outcome::Success) => self.in_place(Phase::Closed(Closed::default())),
            (Phase::Closed(closed), Outcome::Failure) => {
                let failures = closed.failures.saturating_add(1);
                if failures >= settings.failures_to_open.get() {
                    self.opened(settings, now)
                } else {
                    self.in_place(Phase::Closed(Closed { failures }))
                }
            }
            (Phase::HalfOpen(_), Outcome::Failure) => self.opened(settings, now),
            (Phase::HalfOpen(half_open), Outcome::Success | Outcome::Abandoned) => {
                let successes = half_open.successes + u32::from(outcome == Outcome::Success);
                if successes >= settings.successes_to_close.get() {
                    self.moved(Phase::Closed(Closed::default()))
                } else {
                    let under_way = half_open.under_way.saturating_sub(1);
                    self.in_place(Phase::HalfOpen(HalfOpen { under_way, successes }))
                }
            }
            // An open breaker gives no pass, so no pass is of its period.
            (Phase::Closed(_), Outcome::Abandoned) | (Phase::Open(_), _) => self,
        }
    }

    fn probe(self, settings: &BreakerSettings) -> (Self, Result<Pass, Refused>) {
        let Phase::HalfOpen(half_open) = &self.phase else {
            let retry_after = settings.open;
            return (self, Err(Refused { retry_after }));
        };
        if half_open.under_way >= settings.half_open_probes.get() {
            let retry_after = Duration::ZERO;
            return (self, Err(Refused { retry_after }));
        }
        let phase = Phase::HalfOpen(HalfOpen {
            under_way: half_open.under_way + 1,
            ..half_open.clone()
        });
        let probing = self.in_place(phase);
        let pass = probing.pass();
        (probing, Ok(pass))
    }

    fn opened(self, settings: &BreakerSettings, now: Moment) -> Self {
        self.moved(Phase::Open(Open {
            until: now.plus(settings.open),
        }))
    }

    fn in_place(self, phase: Phase) -> Self {
        Self { phase, ..self }
    }

    fn moved(self, phase: Phase) -> Self {
        Self {
            phase,
            period: self.period.wrapping_add(1),
        }
    }

    fn pass(&self) -> Pass {
        Pass { period: self.period }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self::new()
    }
}
