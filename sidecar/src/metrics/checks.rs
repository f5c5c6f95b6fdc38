//! The counts of the hot path. A check takes one look into a map of routes and allocates nothing to be counted; counters are
//! made when something first happens, so that a code that never came has no line.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use metrics::{Counter, Histogram, counter, histogram};
use postern_decide::{Record, Stage};
use postern_telemetry::Code;

use super::catalogue::{CHECK_SECONDS, CHECKS, STAGE_SECONDS, TOKEN_HITS, TOKEN_MISSES, VALIDATIONS};
use crate::report::Laps;

/// Counts checks, and tokens that applications ask about. The recorder must be installed before.
#[derive(Debug)]
pub(crate) struct CheckMetrics {
    /// Routes by name; one that isn't there yet is added when it first decides.
    routes: RwLock<HashMap<Arc<str>, Outcomes>>,
    /// Checks that met no route.
    nowhere: Outcomes,
    validations: Outcomes,
    token_hits: Counter,
    token_misses: Counter,
    seconds: Histogram,
    stages: [Histogram; Stage::ALL.len()],
}

impl CheckMetrics {
    /// Makes the handles.
    pub(crate) fn register() -> Self {
        Self {
            routes: RwLock::default(),
            nowhere: Outcomes::of_checks(""),
            validations: Outcomes::new(
                |outcome, code| counter!(VALIDATIONS, "outcome" => if outcome { "valid" } else { "refused" }, "code" => code),
            ),
            token_hits: counter!(TOKEN_HITS),
            token_misses: counter!(TOKEN_MISSES),
            seconds: histogram!(CHECK_SECONDS),
            stages: Stage::ALL.map(|stage| histogram!(STAGE_SECONDS, "stage" => stage.as_str())),
        }
    }

    /// Counts one check.
    pub(crate) fn count(&self, record: &Record, took: Duration, laps: &Laps) {
        let refused = if record.allowed {
            None
        } else {
            Some(record.code.unwrap_or(Code::Internal))
        };
        match &record.route {
            None => self.nowhere.count(refused),
            Some(route) => self.count_on(route, refused),
        }
        if record.token_cached {
            self.token_hits.increment(1);
        } else if record.issuer.is_some() {
            self.token_misses.increment(1);
        }
        self.seconds.record(took.as_secs_f64());
        for (stage, took) in laps.each() {
            if let Some(seconds) = self.stages.get(stage as usize) {
                seconds.record(took.as_secs_f64());
            }
        }
    }

    /// Counts one check that was refused before it was read, and so met no route.
    pub(crate) fn count_unread(&self, code: Code) {
        self.nowhere.count(Some(code));
    }

    /// Counts one token that an application asked about; no code means that it is valid.
    pub(crate) fn count_validation(&self, refused: Option<Code>) {
        self.validations.count(refused);
    }

    fn count_on(&self, route: &Arc<str>, refused: Option<Code>) {
        let known = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(outcomes) = known.get(route) {
            return outcomes.count(refused);
        }
        drop(known);
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        let outcomes = routes
            .entry(Arc::clone(route))
            .or_insert_with(|| Outcomes::of_checks(route));
        outcomes.count(refused);
    }
}

/// A counter of what went well, and one for each code that says why something didn't.
struct Outcomes {
    make: Box<dyn Fn(bool, &'static str) -> Counter + Send + Sync>,
    well: OnceLock<Counter>,
    refused: Box<[OnceLock<Counter>]>,
}

impl Outcomes {
    fn new(make: impl Fn(bool, &'static str) -> Counter + Send + Sync + 'static) -> Self {
        Self {
            make: Box::new(make),
            well: OnceLock::new(),
            refused: Code::ALL.iter().map(|_| OnceLock::new()).collect(),
        }
    }

    fn of_checks(route: &str) -> Self {
        let route = route.to_owned();
        Self::new(move |allowed, code| {
            let outcome = if allowed { "allowed" } else { "denied" };
            counter!(CHECKS, "route" => route.clone(), "outcome" => outcome, "code" => code)
        })
    }

    fn count(&self, refused: Option<Code>) {
        let counter = match refused {
            None => self.well.get_or_init(|| (self.make)(true, "ok")),
            Some(code) => {
                // `Code::ALL` has the codes in the order of their declaration.
                let Some(slot) = self.refused.get(code as usize) else {
                    return;
                };
                slot.get_or_init(|| (self.make)(false, code.as_str()))
            }
        };
        counter.increment(1);
    }
}

impl std::fmt::Debug for Outcomes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Outcomes(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_its_place_among_all() {
        for (place, code) in Code::ALL.iter().enumerate() {
            assert_eq!(*code as usize, place, "{code}");
        }
        for (place, stage) in Stage::ALL.iter().enumerate() {
            assert_eq!(*stage as usize, place);
        }
    }
}
