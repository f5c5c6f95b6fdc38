//! What is counted of the decision log, under OPA's names.

use std::sync::atomic::{AtomicU64, Ordering};

/// A counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::opa) enum Counter {
    /// Events over `max_decisions_per_second`.
    RateLimited,
    /// Events, or chunks of them, for which there was no room.
    NoRoom,
    /// Those of them that were chunks.
    NoRoomForBytes,
    /// Events that are larger than a chunk may be.
    NotEncoded,
    /// Events that were sent without `nd_builtin_cache`, to make them small enough.
    WithoutNdBuiltinCache,
    /// Events that are larger than a chunk may be, with all that is in them.
    TooLarge,
    /// Chunks that were taken by the service.
    Uploaded,
    /// Attempts that failed.
    NotUploaded,
}

impl Counter {
    /// All of them, in OPA's order (`v1/plugins/status/metrics.go`).
    pub(in crate::opa) const ALL: [Self; 8] = [
        Self::RateLimited,
        Self::NoRoom,
        Self::NoRoomForBytes,
        Self::NotEncoded,
        Self::WithoutNdBuiltinCache,
        Self::TooLarge,
        Self::Uploaded,
        Self::NotUploaded,
    ];

    /// OPA's name of it.
    pub(in crate::opa) const fn name(self) -> &'static str {
        match self {
            Self::RateLimited => "decision_logs_dropped_rate_limit_exceeded",
            Self::NoRoom => "decision_logs_dropped_buffer_size_limit_exceeded",
            Self::NoRoomForBytes => "decision_logs_dropped_buffer_size_limit_bytes_exceeded",
            Self::NotEncoded => "decision_logs_encoding_failure",
            Self::WithoutNdBuiltinCache => "decision_logs_nd_builtin_cache_dropped",
            Self::TooLarge => "enc_log_exceeded_upload_size_limit_bytes",
            Self::Uploaded => "decision_logs_chunks_uploaded",
            Self::NotUploaded => "decision_logs_chunks_upload_failed",
        }
    }
}

/// The counts.
#[derive(Debug, Default)]
pub(in crate::opa) struct Counters([AtomicU64; Counter::ALL.len()]);

impl Counters {
    /// Counts `many`.
    pub(in crate::opa) fn add(&self, counter: Counter, many: u64) {
        if let Some(count) = self.0.get(counter as usize) {
            count.fetch_add(many, Ordering::Relaxed);
        }
    }

    /// How many there were.
    pub(in crate::opa) fn of(&self, counter: Counter) -> u64 {
        self.0
            .get(counter as usize)
            .map_or(0, |count| count.load(Ordering::Relaxed))
    }
}
