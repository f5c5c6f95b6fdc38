//! `decision_logs` of OPA's configuration, as this process needs it: names resolved, defaults filled in, bounds checked.

use std::time::Duration;

/// `decision_logs`.
#[derive(Debug, Clone)]
pub(crate) struct LogSettings {
    /// `console`: whether events are written to the standard error output, as OPA does it.
    pub(crate) console: bool,
    /// Where they are sent, below the service's address: `/logs`, `/logs/<partition_name>` or `resource`.
    pub(crate) resource: String,
    /// `mask_decision`, slash-separated.
    pub(crate) mask_decision: String,
    /// `drop_decision`, slash-separated.
    pub(crate) drop_decision: String,
    pub(crate) reporting: Reporting,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            console: false,
            resource: "/logs".to_owned(),
            mask_decision: "/system/log/mask".to_owned(),
            drop_decision: "/system/log/drop".to_owned(),
            reporting: Reporting::default(),
        }
    }
}

/// `decision_logs.reporting`.
#[derive(Debug, Clone)]
pub(crate) struct Reporting {
    pub(crate) buffer_type: BufferType,
    /// Of the chunks that wait; [`super::buffer::MAX_WAITING_BYTES`] in any case.
    pub(crate) buffer_size_limit_bytes: Option<usize>,
    pub(crate) buffer_size_limit_events: usize,
    /// Of one chunk, compressed.
    pub(crate) upload_size_limit_bytes: usize,
    pub(crate) min_delay: Duration,
    pub(crate) max_delay: Duration,
    pub(crate) max_decisions_per_second: Option<f64>,
    pub(crate) trigger: Trigger,
}

impl Reporting {
    /// The least that `upload_size_limit_bytes` can be set to.
    pub(crate) const MIN_UPLOAD_SIZE_LIMIT_BYTES: usize = 90;
}

impl Default for Reporting {
    /// OPA's defaults.
    fn default() -> Self {
        Self {
            buffer_type: BufferType::Size,
            buffer_size_limit_bytes: None,
            buffer_size_limit_events: 10_000,
            upload_size_limit_bytes: 32_768,
            min_delay: Duration::from_secs(300),
            max_delay: Duration::from_secs(600),
            max_decisions_per_second: None,
            trigger: Trigger::Periodic,
        }
    }
}

/// What waits: chunks, or events that are made into chunks when they are uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BufferType {
    /// `size`.
    Size,
    /// `event`.
    Event,
}

/// When something is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// Every now and then.
    Periodic,
    /// As soon as a chunk is full, and every now and then.
    Immediate,
}
