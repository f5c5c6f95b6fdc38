//! The counts of the hot path. A check takes one look into a map of routes and allocates nothing to be counted; counters are
//! made when something first happens, so that a code that never came has no line.

use std::collections::HashMap;
use std::fmt::{self, Write};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use metrics::{Counter, counter};
use postern_decide::{PolicyCache, Record, Stage, outcome};
use postern_telemetry::Code;
use quick_cache::DefaultHashBuilder;

use super::catalogue::{
    self, CHECK_SECONDS, CHECKS, DECISION_HITS, DECISION_MISSES, SHADOW, STAGE_SECONDS, TOKEN_HITS,
    TOKEN_MISSES, VALIDATIONS,
};
use super::histogram::Histogram;
use crate::report::Laps;

/// Checks take microseconds where all is well; the upper buckets show where it isn't.
const CHECK_BUCKETS: &[Duration] = &[
    Duration::from_micros(5),
    Duration::from_micros(10),
    Duration::from_micros(20),
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_micros(200),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_millis(2),
    Duration::from_millis(5),
    Duration::from_millis(25),
    Duration::from_millis(100),
];

/// A stage takes from some nanoseconds to a verified signature.
const STAGE_BUCKETS: &[Duration] = &[
    Duration::from_nanos(200),
    Duration::from_nanos(500),
    Duration::from_micros(1),
    Duration::from_micros(2),
    Duration::from_micros(5),
    Duration::from_micros(10),
    Duration::from_micros(50),
    Duration::from_micros(200),
    Duration::from_millis(1),
];

/// Counts checks, and tokens that applications ask about. The recorder must be installed before.
#[derive(Debug)]
pub(crate) struct CheckMetrics {
    /// Routes by name; one that isn't there yet is added when it first decides.
    routes: RwLock<HashMap<Arc<str>, Outcomes, DefaultHashBuilder>>,
    /// The same of what policies would have done.
    shadows: RwLock<HashMap<Arc<str>, Outcomes, DefaultHashBuilder>>,
    /// Checks that met no route.
    nowhere: Outcomes,
    validations: Outcomes,
    token_hits: Counter,
    token_misses: Counter,
    decision_hits: Counter,
    decision_misses: Counter,
    seconds: Histogram,
    stages: [Histogram; Stage::ALL.len()],
}

impl CheckMetrics {
    /// Makes the handles.
    pub(crate) fn register() -> Self {
        Self {
            routes: RwLock::default(),
            shadows: RwLock::default(),
            nowhere: Outcomes::of_checks(CHECKS, ""),
            validations: Outcomes::new(
                |ending, code| counter!(VALIDATIONS, "outcome" => if ending == Ending::Well { "valid" } else { "refused" }, "code" => code),
            ),
            token_hits: counter!(TOKEN_HITS),
            token_misses: counter!(TOKEN_MISSES),
            decision_hits: counter!(DECISION_HITS),
            decision_misses: counter!(DECISION_MISSES),
            seconds: Histogram::new(CHECK_BUCKETS),
            stages: Stage::ALL.map(|_| Histogram::new(STAGE_BUCKETS)),
        }
    }

    /// Counts one check.
    pub(crate) fn count(&self, record: &Record, took: Duration, laps: &Laps) {
        let code = if record.allowed {
            None
        } else {
            Some(record.code.unwrap_or(Code::Internal))
        };
        match &record.route {
            None => self.nowhere.count(code, record.left_to_proxy),
            Some(route) => {
                count_on(&self.routes, CHECKS, route, (code, record.left_to_proxy));
                if let Some(shadow) = &record.shadow {
                    count_on(&self.shadows, SHADOW, route, (shadow.code, shadow.left_to_proxy));
                }
            }
        }
        match record.policy_cache {
            PolicyCache::Unused => {}
            PolicyCache::Missed => self.decision_misses.increment(1),
            PolicyCache::Hit => self.decision_hits.increment(1),
        }
        if record.token_cached {
            self.token_hits.increment(1);
        } else if record.caller.issuer().is_some() {
            self.token_misses.increment(1);
        }
        self.seconds.record(took);
        for (stage, took) in laps.each() {
            if let Some(seconds) = self.stages.get(stage as usize) {
                seconds.record(took);
            }
        }
    }

    /// The histograms, in Prometheus' text format; a metric that nothing was counted in isn't there.
    ///
    /// # Errors
    /// Those of `out`.
    pub(crate) fn write_histograms(&self, out: &mut impl Write) -> fmt::Result {
        if !self.seconds.is_empty() {
            catalogue::write_head(out, CHECK_SECONDS)?;
            self.seconds.write_samples(out, CHECK_SECONDS, "")?;
        }
        let measured = Stage::ALL
            .iter()
            .zip(&self.stages)
            .filter(|(_, seconds)| !seconds.is_empty());
        for (index, (stage, seconds)) in measured.enumerate() {
            if index == 0 {
                catalogue::write_head(out, STAGE_SECONDS)?;
            }
            seconds.write_samples(out, STAGE_SECONDS, &format!("stage=\"{}\"", stage.as_str()))?;
        }
        Ok(())
    }

    /// Counts one check that was refused before it was read, and so met no route.
    pub(crate) fn count_unread(&self, code: Code) {
        self.nowhere.count(Some(code), false);
    }

    /// Counts one token that an application asked about; no code means that it is valid.
    pub(crate) fn count_validation(&self, refused: Option<Code>) {
        self.validations.count(refused, false);
    }
}

fn count_on(
    routes: &RwLock<HashMap<Arc<str>, Outcomes, DefaultHashBuilder>>,
    metric: &'static str,
    route: &Arc<str>,
    (code, left_to_proxy): (Option<Code>, bool),
) {
    let known = routes.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(outcomes) = known.get(route) {
        return outcomes.count(code, left_to_proxy);
    }
    drop(known);
    let mut routes = routes.write().unwrap_or_else(PoisonError::into_inner);
    let outcomes = routes
        .entry(Arc::clone(route))
        .or_insert_with(|| Outcomes::of_checks(metric, route));
    outcomes.count(code, left_to_proxy);
}

/// How something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Well,
    Refused,
    /// Not decided, and left to the proxy.
    LeftToProxy,
}

/// A counter of what went well, and one for each code that says why something didn't.
struct Outcomes {
    make: Box<dyn Fn(Ending, &'static str) -> Counter + Send + Sync>,
    well: OnceLock<Counter>,
    refused: Box<[OnceLock<Counter>]>,
    left_to_proxy: OnceLock<Box<[OnceLock<Counter>]>>,
}

impl Outcomes {
    fn new(make: impl Fn(Ending, &'static str) -> Counter + Send + Sync + 'static) -> Self {
        Self {
            make: Box::new(make),
            well: OnceLock::new(),
            refused: one_for_each_code(),
            left_to_proxy: OnceLock::new(),
        }
    }

    fn of_checks(metric: &'static str, route: &str) -> Self {
        let route = route.to_owned();
        Self::new(move |ending, code| {
            let outcome = outcome(ending == Ending::Well, ending == Ending::LeftToProxy);
            counter!(metric, "route" => route.clone(), "outcome" => outcome, "code" => code)
        })
    }

    fn count(&self, code: Option<Code>, left_to_proxy: bool) {
        let counter = match code {
            None => self.well.get_or_init(|| (self.make)(Ending::Well, "ok")),
            Some(code) => {
                let (slots, ending) = if left_to_proxy {
                    let slots = self.left_to_proxy.get_or_init(one_for_each_code);
                    (slots, Ending::LeftToProxy)
                } else {
                    (&self.refused, Ending::Refused)
                };
                // `Code::ALL` has the codes in the order of their declaration.
                let Some(slot) = slots.get(code as usize) else {
                    return;
                };
                slot.get_or_init(|| (self.make)(ending, code.as_str()))
            }
        };
        counter.increment(1);
    }
}

fn one_for_each_code() -> Box<[OnceLock<Counter>]> {
    Code::ALL.iter().map(|_| OnceLock::new()).collect()
}

impl fmt::Debug for Outcomes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
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
