//! Where log lines go and what they look like: to standard error, JSON for machines, pretty on a terminal.
//! It never decides what is logged; each part does, and the filter `POSTERN_LOG` narrows it.

mod json;

use std::io::{self, IsTerminal as _};

use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::fmt::time::SystemTime;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

pub use json::JsonLines;

/// The environment variable with the filter: `info`, `debug`, `postern_sidecar=debug,warn`. Default `info`.
pub const FILTER_VARIABLE: &str = "POSTERN_LOG";

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// Pretty if standard error is a terminal, JSON otherwise.
    #[default]
    Auto,
    /// One JSON object per line; see [`JsonLines`].
    Json,
    /// The same, over several lines each.
    JsonPretty,
    /// For people.
    Pretty,
}

/// Why logging can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The filter can't be read.
    #[error(
        "{FILTER_VARIABLE}: {0}; write a level or directives, `info` or `postern_sidecar=debug,warn` say"
    )]
    Filter(String),
    /// Another subscriber is there already.
    #[error("logging was set up before")]
    AlreadySet,
}

/// Sets up logging for the process. `component` names the part in each JSON line: `sidecar`, `control-plane`.
///
/// # Errors
/// When `POSTERN_LOG` can't be read as a filter, or when logging was set up before.
pub fn init(format: LogFormat, component: &'static str) -> Result<(), InitError> {
    init_unless_said(format, component, "")
}

/// As [`init`], with a filter that holds where `POSTERN_LOG` says nothing.
///
/// # Errors
/// As [`init`].
pub fn init_unless_said(format: LogFormat, component: &'static str, filter: &str) -> Result<(), InitError> {
    let said = std::env::var(FILTER_VARIABLE).unwrap_or_default();
    let filter = if said.is_empty() { filter } else { &said };
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .parse(filter)
        .map_err(|error| InitError::Filter(error.to_string()))?;
    let registry = tracing_subscriber::registry().with(filter);
    let pretty = match format {
        LogFormat::Auto => io::stderr().is_terminal(),
        LogFormat::Json | LogFormat::JsonPretty => false,
        LogFormat::Pretty => true,
    };
    if pretty {
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(io::stderr)
            .with_ansi(io::stderr().is_terminal());
        registry.with(layer).try_init()
    } else {
        registry
            .with(JsonLines::new(component, SystemTime, io::stderr).indented(format == LogFormat::JsonPretty))
            .try_init()
    }
    .map_err(|_| InitError::AlreadySet)
}
