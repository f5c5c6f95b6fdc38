//! Outgoing calls that can't take their caller down with them (R9.5): a circuit breaker for what is behind them, a bound
//! on how many there are at once, and a deadline for each.
//!
//! ```text
//! Outgoing::call ──► a place (bounded, else Full) ──► breaker (else Open, at once) ──► the call, until the deadline
//! ```
//!
//! | file | job |
//! |---|---|
//! | [`breaker`] | the circuit breaker as values: closed, open, half-open; time comes in as an argument |
//! | [`settings`] | its four numbers |
//! | [`shared`] | one breaker for many tasks; what is admitted is settled, also when a task is dropped |
//! | [`outgoing`] | breaker, places and deadline around one call |
//! | [`observe`] | state and transitions, as Prometheus sees them |
//!
//! It never makes a call itself, never retries, and never answers in the place of what didn't answer.

pub mod breaker;
pub mod observe;
pub mod outgoing;
pub mod settings;
pub mod shared;

pub use breaker::{Breaker, Moment, Outcome, Pass, Refused, State};
pub use observe::{MetricNames, Observer, Prometheus};
pub use outgoing::{CallError, Outgoing, OutgoingSettings};
pub use settings::{BreakerSettings, SettingsError};
pub use shared::{CircuitBreaker, Permit};
