//! `decision_logs` of OPA's configuration, as this process needs it: names resolved, defaults filled in, bounds checked.

use std::time::Duration;

use postern_opa_config::{Buffer, DecisionLogs};

/// `decision_logs`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LogSettings {
    /// `console`: whether events are written to the standard error output, as OPA does it.
    pub(crate) console: bool,
    /// Where they are sent, below the service's address: `/logs`, `/logs/<partition_name>` or `resource`.
    pub(crate) resource: String,
    /// `mask_decision`, slash-separated.
    pub(crate) mask_decision: String,
    /// `drop_decision`, slash-separated.
    pub(crate) drop_decision: String,
    /// `nd_builtin_cache`, of the whole configuration.
    pub(crate) tells_calls: bool,
    pub(crate) reporting: Reporting,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            console: false,
            resource: "/logs".to_owned(),
            mask_decision: "system/log/mask".to_owned(),
            drop_decision: "system/log/drop".to_owned(),
            tells_calls: false,
            reporting: Reporting::default(),
        }
    }
}

impl From<&DecisionLogs> for LogSettings {
    fn from(logs: &DecisionLogs) -> Self {
        let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        let usual = Reporting::default();
        let (buffer_type, limit_bytes, limit_events) = match logs.buffer {
            Buffer::Size { limit_bytes } => (
                BufferType::Size,
                limit_bytes.map(bytes),
                usual.buffer_size_limit_events,
            ),
            Buffer::Event { limit_events } => (BufferType::Event, None, bytes(limit_events)),
        };
        Self {
            console: logs.console,
            resource: logs.resource.clone(),
            mask_decision: logs.mask_decision.entrypoint(),
            drop_decision: logs.drop_decision.entrypoint(),
            tells_calls: false,
            reporting: Reporting {
                buffer_type,
                buffer_size_limit_bytes: limit_bytes,
                buffer_size_limit_events: limit_events,
                upload_size_limit_bytes: bytes(logs.upload_size_limit_bytes),
                min_delay: Duration::from_secs(logs.min_delay_seconds),
                max_delay: Duration::from_secs(logs.max_delay_seconds),
                max_decisions_per_second: logs.max_decisions_per_second,
                trigger: if logs.immediate {
                    Trigger::Immediate
                } else {
                    Trigger::Periodic
                },
            },
        }
    }
}

/// `decision_logs.reporting`.
#[derive(Debug, Clone, PartialEq)]
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

#[cfg(test)]
mod tests {
    use postern_opa_config::DecisionPath;

    use super::*;

    #[test]
    fn what_the_configuration_leaves_out_is_opas_default() {
        let logs = DecisionLogs {
            service: None,
            resource: "/logs".to_owned(),
            console: false,
            mask_decision: DecisionPath::of_opa("/system/log/mask"),
            drop_decision: DecisionPath::of_opa("/system/log/drop"),
            nd_builtin_cache: false,
            buffer: Buffer::Size { limit_bytes: None },
            upload_size_limit_bytes: 32_768,
            immediate: false,
            min_delay_seconds: 300,
            max_delay_seconds: 600,
            max_decisions_per_second: None,
        };
        assert_eq!(LogSettings::from(&logs), LogSettings::default());
        let events = DecisionLogs {
            buffer: Buffer::Event { limit_events: 5 },
            immediate: true,
            ..logs
        };
        let reporting = LogSettings::from(&events).reporting;
        assert_eq!(reporting.buffer_type, BufferType::Event);
        assert_eq!(reporting.buffer_size_limit_events, 5);
        assert_eq!(reporting.trigger, Trigger::Immediate);
    }
}
