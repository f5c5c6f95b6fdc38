//! `status`: what is reported about bundles and plugins, and to whom.

use postern_config::ConfigError;

use crate::decision_logs::sink;
use crate::download::trigger;
use crate::section::Section;

/// What becomes of status.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// The service that it is sent to, as `POST /status[/partition]`.
    pub service: Option<String>,
    /// The last part of the path there.
    pub partition_name: Option<String>,
    /// It is written to the log.
    pub console: bool,
    /// It is shown in `/metrics`.
    pub prometheus: bool,
    /// Buckets of `bundle_loading_duration_ns`, in nanoseconds, ascending, if others than OPA's are wanted.
    pub bundle_loading_buckets_ns: Option<Vec<f64>>,
}

/// Reads `status`. To name it at all, be it as `null`, turns it on, if there is any way for it to go.
pub(crate) fn read(root: &Section<'_>, services: &[String]) -> Result<Option<Status>, ConfigError> {
    if root.node("status").is_none() {
        return Ok(None);
    }
    let section = root.section("status")?;
    trigger(&section)?;
    let console = section.flag("console")?;
    let prometheus = section.flag("prometheus")?;
    let collectors = section.section("prometheus_config")?.section("collectors")?;
    let duration = collectors.section("bundle_loading_duration_ns")?;
    let buckets = duration.numbers("buckets")?;
    if buckets
        .as_deref()
        .is_some_and(|buckets| !buckets.is_sorted_by(|a, b| a < b))
    {
        return Err(duration.error("buckets", "expected numbers that go up"));
    }
    let status = Status {
        service: sink(&section, services, console || prometheus)?,
        partition_name: section.word("partition_name")?,
        console,
        prometheus,
        bundle_loading_buckets_ns: buckets.filter(|buckets| !buckets.is_empty()),
    };
    let goes = console || prometheus || status.service.is_some();
    Ok(goes.then_some(status))
}
