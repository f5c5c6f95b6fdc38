//! `decision_logs`: what becomes of each decision's event.

use postern_config::ConfigError;

use crate::decision_path::DecisionPath;
use crate::download::{delays, service, trigger};
use crate::section::Section;

const DEFAULT_MASK: &str = "/system/log/mask";
const DEFAULT_DROP: &str = "/system/log/drop";
const DEFAULT_RESOURCE: &str = "/logs";
const DEFAULT_DELAYS_SECONDS: (u64, u64) = (300, 600);
const DEFAULT_UPLOAD_BYTES: i64 = 32_768;
/// OPA's own bounds, which it applies without a word: an event without anything, and 4 GiB.
const UPLOAD_BYTES: (i64, i64) = (90, 4_294_967_296);
const DEFAULT_EVENTS: u64 = 10_000;

/// What becomes of decisions' events.
#[derive(Clone, Debug, PartialEq)]
pub struct DecisionLogs {
    /// The service that they are sent to.
    pub service: Option<String>,
    /// The path below its URL, `/logs` by default, `/logs/PARTITION` with `partition_name`.
    pub resource: String,
    /// They are written to the log.
    pub console: bool,
    /// The decision that names what is taken out of an event.
    pub mask_decision: DecisionPath,
    /// The decision that drops an event.
    pub drop_decision: DecisionPath,
    /// `nd_builtin_cache` is in them, if the configuration's own key says so, too.
    pub nd_builtin_cache: bool,
    /// How they are kept until they are sent.
    pub buffer: Buffer,
    /// Longest upload, in bytes, compressed.
    pub upload_size_limit_bytes: u64,
    /// With `trigger: immediate`: what fills an upload is sent at once, and the waits are for the rest.
    pub immediate: bool,
    /// Least wait between uploads, in seconds.
    pub min_delay_seconds: u64,
    /// Longest wait between uploads, in seconds.
    pub max_delay_seconds: u64,
    /// Most events in a second; the rest is dropped and counted.
    pub max_decisions_per_second: Option<f64>,
}

/// How events wait for their upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buffer {
    /// As compressed pieces of an upload.
    Size {
        /// Most bytes of them; OPA has no bound if none is given.
        limit_bytes: Option<u64>,
    },
    /// As events.
    Event {
        /// Most of them.
        limit_events: u64,
    },
}

/// Reads `decision_logs`. To name it at all, be it as `null`, turns it on, if there is any way for events to go.
pub(crate) fn read(root: &Section<'_>, services: &[String]) -> Result<Option<DecisionLogs>, ConfigError> {
    if root.node("decision_logs").is_none() {
        return Ok(None);
    }
    let section = root.section("decision_logs")?;
    let reporting = section.section("reporting")?;
    let immediate = reporting.text("trigger")?.as_deref() == Some("immediate");
    if !immediate {
        trigger(&reporting)?;
    }
    let console = section.flag("console")?;
    let (min_delay_seconds, max_delay_seconds) = delays(&reporting, DEFAULT_DELAYS_SECONDS)?;
    let upload = reporting
        .integer("upload_size_limit_bytes")?
        .unwrap_or(DEFAULT_UPLOAD_BYTES);
    let decision = |key, default: &str| {
        let path = section.text(key)?;
        Ok::<_, ConfigError>(DecisionPath::of_opa(path.as_deref().unwrap_or(default)))
    };
    let buffer = buffer(&reporting)?;
    let logs = DecisionLogs {
        service: sink(&section, services, console)?,
        resource: resource(&section)?,
        console,
        mask_decision: decision("mask_decision", DEFAULT_MASK)?,
        drop_decision: decision("drop_decision", DEFAULT_DROP)?,
        nd_builtin_cache: section.flag("nd_builtin_cache")?,
        buffer,
        upload_size_limit_bytes: upload.clamp(UPLOAD_BYTES.0, UPLOAD_BYTES.1).unsigned_abs(),
        immediate,
        min_delay_seconds,
        max_delay_seconds,
        max_decisions_per_second: rate(&reporting)?,
    };
    Ok((logs.console || logs.service.is_some()).then_some(logs))
}

/// The service that events or status go to: the only one, unless there is another way that they take.
pub(crate) fn sink(
    section: &Section<'_>,
    services: &[String],
    another: bool,
) -> Result<Option<String>, ConfigError> {
    let named = section.word("service")?.is_some();
    if !named && (another || services.is_empty()) {
        return Ok(None);
    }
    service(section, services).map(Some)
}

fn resource(section: &Section<'_>) -> Result<String, ConfigError> {
    if let Some(partition) = section.word("partition_name")? {
        return Ok(format!("{DEFAULT_RESOURCE}/{partition}"));
    }
    Ok(section
        .text("resource")?
        .unwrap_or_else(|| DEFAULT_RESOURCE.to_owned()))
}

fn buffer(reporting: &Section<'_>) -> Result<Buffer, ConfigError> {
    let above_0 = |key| match reporting.integer(key)? {
        None => Ok(None),
        Some(number @ 1..) => Ok(Some(number.unsigned_abs())),
        Some(_) => Err(reporting.error(key, "expected a number above 0")),
    };
    let bytes = above_0("buffer_size_limit_bytes")?;
    let events = above_0("buffer_size_limit_events")?;
    match (reporting.word("buffer_type")?.as_deref(), bytes, events) {
        (Some("event"), None, events) => Ok(Buffer::Event {
            limit_events: events.unwrap_or(DEFAULT_EVENTS),
        }),
        (Some("event"), Some(_), _) => Err(reporting.error(
            "buffer_size_limit_bytes",
            "the buffer of type `event` has no such limit; set buffer_size_limit_events",
        )),
        (None | Some("size"), _, Some(_)) => Err(reporting.error(
            "buffer_size_limit_events",
            "the buffer of type `size` has no such limit; set buffer_size_limit_bytes, or `buffer_type: event`",
        )),
        (None | Some("size"), limit_bytes, None) => Ok(Buffer::Size { limit_bytes }),
        (Some(_), ..) => Err(reporting.error("buffer_type", "expected one of size, event")),
    }
}

fn rate(reporting: &Section<'_>) -> Result<Option<f64>, ConfigError> {
    const KEY: &str = "max_decisions_per_second";
    let rate = reporting.number(KEY)?;
    if rate.is_some() && reporting.has("buffer_size_limit_bytes") {
        return Err(reporting.error(KEY, "set either this or buffer_size_limit_bytes"));
    }
    if rate.is_some_and(|rate| rate < 0.0) {
        return Err(reporting.error(KEY, "expected a number, not less than 0"));
    }
    Ok(rate)
}
