//! What is told of each decision: counted, logged where the operator wants lines, and kept for a while, so that somebody who
//! holds its id can ask why. Never changes a decision, and never waits.

mod entry;
mod laps;
mod recent;

use std::time::Duration;

use postern_decide::{Authenticated, Record, Refusal, RequestView};
use postern_telemetry::CorrelationId;

use crate::decision_log::DecisionLog;
use crate::metrics::CheckMetrics;
use postern_decide::Now;

pub(crate) use laps::Laps;
pub(crate) use recent::Recent;

/// Tells of decisions.
#[derive(Debug)]
pub(crate) struct Reporter {
    pub(crate) metrics: CheckMetrics,
    pub(crate) log: DecisionLog,
    pub(crate) recent: Recent,
}

impl Reporter {
    /// One decision was made at `at`; `laps` is what its stages took, where that was measured.
    pub(crate) fn decided(
        &self,
        record: &Record,
        request: &RequestView<'_>,
        at: Now,
        took: Duration,
        laps: &Laps,
    ) {
        self.metrics.count(record, took, laps);
        self.log.write(record, request);
        self.recent.keep(record, request, at, took);
    }

    /// A token that an application asked about was verified, or not.
    pub(crate) fn validated(
        &self,
        correlation_id: &CorrelationId,
        verified: Result<&Authenticated, &Refusal>,
    ) {
        self.metrics
            .count_validation(verified.err().map(|refusal| refusal.code));
        self.log.write_validation(correlation_id, verified);
    }
}
