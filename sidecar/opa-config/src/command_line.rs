//! What the flags say about the process itself: where it listens, how it starts, stops and logs.

use postern_config::ConfigError;

use crate::address::Address;
use crate::pflag::Given;

const DEFAULT_ADDRESS: &str = "localhost:8181";
const DEFAULT_ADDRESS_V0: &str = ":8181";
const DEFAULT_GRACE_SECONDS: i64 = 10;
const DEFAULT_SOCKET_MODE: &str = "755";

/// How the process serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where OPA's HTTP API is served.
    pub addresses: Vec<Address>,
    /// Where only `/health` and `/metrics` are.
    pub diagnostic_addresses: Vec<Address>,
    /// The mode of Unix sockets.
    pub unix_socket_mode: u32,
    /// HTTP/2 without TLS is served on all of them, too.
    pub h2c: bool,
    /// How long listening waits for bundles and plugins, in seconds; not at all if there is none. The process ends then.
    pub ready_timeout_seconds: Option<u64>,
    /// How long requests may take to end when the process is told to, in seconds.
    pub shutdown_grace_seconds: u64,
    /// How long requests are taken on then, before that, in seconds.
    pub shutdown_wait_seconds: u64,
    /// Of connections to services.
    pub min_tls: MinTls,
    /// The configuration is read again when its file changes.
    pub watch_config: bool,
}

/// The oldest TLS that is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinTls {
    /// TLS 1.2, also where OPA would go below.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// How the process logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Logging {
    /// What is logged.
    pub level: LogLevel,
    /// How it is written.
    pub format: LogFormat,
}

/// What is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Everything.
    Debug,
    /// What operators want to know.
    Info,
    /// What went wrong.
    Error,
}

/// How a log line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// JSON, a line each.
    Json,
    /// JSON over several lines.
    JsonPretty,
}

pub(crate) fn server(given: &Given) -> Result<Server, ConfigError> {
    let v0 = given.is_on("v0-compatible") && !given.is_on("v1-compatible");
    let default = if v0 { DEFAULT_ADDRESS_V0 } else { DEFAULT_ADDRESS };
    let mode = given.last("unix-socket-perm").unwrap_or(DEFAULT_SOCKET_MODE);
    let mode = u32::from_str_radix(mode, 8).ok().filter(|mode| *mode <= 0o7777);
    let seconds = |name, default: i64| u64::try_from(given.integer(name).unwrap_or(default)).unwrap_or(0);
    off(given, "authentication")?;
    off(given, "authorization")?;
    Ok(Server {
        addresses: match given.all("addr") {
            [] => vec![address(given, "addr", default)?],
            _ => addresses(given, "addr")?,
        },
        diagnostic_addresses: addresses(given, "diagnostic-addr")?,
        unix_socket_mode: mode
            .ok_or_else(|| given.wrong("unix-socket-perm", "expected an octal mode, such as 755"))?,
        h2c: given.is_on("h2c"),
        ready_timeout_seconds: given
            .integer("ready-timeout")
            .and_then(|seconds| u64::try_from(seconds).ok())
            .filter(|seconds| *seconds > 0),
        shutdown_grace_seconds: seconds("shutdown-grace-period", DEFAULT_GRACE_SECONDS),
        shutdown_wait_seconds: seconds("shutdown-wait-period", 0),
        min_tls: match given.last("min-tls-version") {
            Some("1.3") => MinTls::Tls13,
            _ => MinTls::Tls12,
        },
        watch_config: given.is_on("watch-config"),
    })
}

pub(crate) fn logging(given: &Given) -> Logging {
    Logging {
        level: match given.last("log-level") {
            Some("debug") => LogLevel::Debug,
            Some("error") => LogLevel::Error,
            _ => LogLevel::Info,
        },
        format: match given.last("log-format") {
            Some("text") => LogFormat::Text,
            Some("json-pretty") => LogFormat::JsonPretty,
            _ => LogFormat::Json,
        },
    }
}

fn off(given: &Given, name: &str) -> Result<(), ConfigError> {
    match given.last(name) {
        None | Some("off") => Ok(()),
        Some(_) => Err(given.wrong(
            name,
            "not offered: the HTTP API has only health, metrics, configuration and status; take the flag out and let --addr \
             be localhost or a Unix socket",
        )),
    }
}

fn addresses(given: &Given, name: &str) -> Result<Vec<Address>, ConfigError> {
    given
        .all(name)
        .iter()
        .map(|text| address(given, name, text))
        .collect()
}

fn address(given: &Given, name: &str, text: &str) -> Result<Address, ConfigError> {
    Address::parse(text, "http").map_err(|message| given.wrong(name, message))
}
