//! What others see of a breaker and of the calls through it: a hook, and the hook that tells Prometheus. Never acts on it.

use std::sync::Arc;

use metrics::{Counter, Gauge, counter, gauge};

use crate::breaker::State;

/// What the metrics are called; the host names them, as it does all of its metrics.
#[derive(Debug, Clone, Copy)]
pub struct MetricNames {
    /// A gauge: 1 for the state that a breaker is in, 0 for the others; labels `downstream` and `state`.
    pub state: &'static str,
    /// A counter of transitions; labels `downstream` and `to`.
    pub transitions: &'static str,
    /// A counter of calls that were not made; labels `downstream` and `reason`: `open` (the breaker), `full` (no place),
    /// `deadline` (no place in time).
    pub refused: &'static str,
}

/// Is told what a breaker does. Called under the breaker's lock: it counts, and returns.
pub trait Observer: Send + Sync {
    /// The breaker begins in this state.
    fn is_in(&self, state: State);
    /// It went from one state to another.
    fn moved(&self, from: State, to: State);
    /// It let a call not through.
    fn refused(&self);
    /// A call found no place among those under way.
    fn full(&self) {}
    /// A call waited for a place until its deadline.
    fn late(&self) {}
}

/// Observes nothing.
impl Observer for () {
    fn is_in(&self, _: State) {}
    fn moved(&self, _: State, _: State) {}
    fn refused(&self) {}
}

impl<O: Observer + ?Sized> Observer for Arc<O> {
    fn is_in(&self, state: State) {
        (**self).is_in(state);
    }

    fn moved(&self, from: State, to: State) {
        (**self).moved(from, to);
    }

    fn refused(&self) {
        (**self).refused();
    }

    fn full(&self) {
        (**self).full();
    }

    fn late(&self) {
        (**self).late();
    }
}

/// Tells Prometheus, through the `metrics` recorder that was installed before.
#[derive(Debug)]
pub struct Prometheus {
    states: [(State, Gauge); 3],
    transitions: [(State, Counter); 3],
    open: Counter,
    full: Counter,
    late: Counter,
}

impl Prometheus {
    /// The metrics of one downstream, under its name.
    pub fn of(names: &MetricNames, downstream: &str) -> Self {
        let name = || downstream.to_owned();
        let state = |state: State| {
            (
                state,
                gauge!(names.state, "downstream" => name(), "state" => state.as_str()),
            )
        };
        let transition = |state: State| {
            (
                state,
                counter!(names.transitions, "downstream" => name(), "to" => state.as_str()),
            )
        };
        let refused = |reason| counter!(names.refused, "downstream" => name(), "reason" => reason);
        Self {
            states: State::ALL.map(state),
            transitions: State::ALL.map(transition),
            open: refused("open"),
            full: refused("full"),
            late: refused("deadline"),
        }
    }
}

impl Observer for Prometheus {
    fn is_in(&self, now: State) {
        for (state, gauge) in &self.states {
            gauge.set(if *state == now { 1.0 } else { 0.0 });
        }
    }

    fn moved(&self, _: State, to: State) {
        self.is_in(to);
        for (_, counter) in self.transitions.iter().filter(|(state, _)| *state == to) {
            counter.increment(1);
        }
    }

    fn refused(&self) {
        self.open.increment(1);
    }

    fn full(&self) {
        self.full.increment(1);
    }

    fn late(&self) {
        self.late.increment(1);
    }
}
