//! `plugins.envoy_ext_authz_grpc`: what the plugin serves Envoy.

use postern_config::ConfigError;

use crate::address::Address;
use crate::decision_path::DecisionPath;
use crate::section::Section;

const DEFAULT_ADDRESS: &str = ":9191";
const DEFAULT_PATH: &str = "envoy/authz/allow";
const DEFAULT_RECEIVED_BYTES: i64 = 4 * 1024 * 1024;
const DEFAULT_SENT_BYTES: i64 = i32::MAX as i64;
const DEFAULT_BUCKETS: [f64; 11] = [1e-6, 5e-6, 1e-5, 5e-5, 1e-4, 5e-4, 1e-3, 3e-3, 5e-3, 0.1, 1.0];

/// The plugin's names, the present one first.
pub(crate) const NAMES: [&str; 2] = ["envoy_ext_authz_grpc", "envoy.ext_authz.grpc"];

/// What the plugin's configuration says.
#[derive(Clone, Debug, PartialEq)]
pub struct ExtAuthz {
    /// Where Envoy's Checks are served.
    pub address: Address,
    /// The decision.
    pub decision: Decision,
    /// Every answer is OK, and the decision is logged.
    pub dry_run: bool,
    /// A policy that comes to no decision denies, with 500 and a problem document. Ours; the plugin knows only errors of
    /// gRPC's.
    pub denies_on_policy_error: bool,
    /// gRPC reflection is served.
    pub enable_reflection: bool,
    /// The file of descriptors with which gRPC bodies are read.
    pub proto_descriptor: Option<String>,
    /// Longest request, in bytes.
    pub max_received_bytes: u64,
    /// Longest answer, in bytes.
    pub max_sent_bytes: u64,
    /// No `parsed_body`, no `truncated_body`.
    pub skip_request_body_parse: bool,
    /// `grpc_request_duration_seconds` is kept.
    pub enable_performance_metrics: bool,
    /// Its buckets, in seconds, ascending.
    pub duration_buckets_seconds: Vec<f64>,
}

/// What is decided by, and what decision logs call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// `path`.
    Path(DecisionPath),
    /// `query`, a reference.
    Query(DecisionPath),
}

impl Decision {
    /// Where the decision is.
    #[must_use]
    pub const fn path(&self) -> &DecisionPath {
        let (Self::Path(path) | Self::Query(path)) = self;
        path
    }
}

/// The plugin, by either of its names, if it is configured.
pub(crate) fn read(root: &Section<'_>) -> Result<Option<ExtAuthz>, ConfigError> {
    let plugins = root.section("plugins")?;
    let mut found = None;
    for (name, node) in plugins.entries() {
        if !NAMES.contains(&name) {
            return Err(plugins.error(
                name,
                "no such plugin is built in, here or in opa-envoy-plugin; take it out",
            ));
        }
        if found.is_some() {
            return Err(plugins.error(
                name,
                format!(
                    "the plugin is configured by both of its names; keep `{}`",
                    NAMES[0]
                ),
            ));
        }
        found = Some(plugin(&Section::of(node, plugins.key(name))?)?);
    }
    Ok(found)
}

fn plugin(plugin: &Section<'_>) -> Result<ExtAuthz, ConfigError> {
    let address = plugin.text("addr")?.unwrap_or_else(|| DEFAULT_ADDRESS.to_owned());
    let buckets = plugin.numbers("grpc-request-duration-seconds-buckets")?;
    let buckets = buckets.unwrap_or_else(|| DEFAULT_BUCKETS.to_vec());
    if !buckets.is_sorted_by(|a, b| a < b) {
        return Err(plugin.error(
            "grpc-request-duration-seconds-buckets",
            "expected numbers that go up",
        ));
    }
    Ok(ExtAuthz {
        address: Address::parse(&address, "grpc").map_err(|message| plugin.error("addr", message))?,
        decision: decision(plugin)?,
        dry_run: plugin.flag("dry-run")?,
        denies_on_policy_error: denies_on_policy_error(plugin)?,
        enable_reflection: plugin.flag("enable-reflection")?,
        proto_descriptor: plugin.word("proto-descriptor")?,
        max_received_bytes: size(plugin, "grpc-max-recv-msg-size", DEFAULT_RECEIVED_BYTES)?,
        max_sent_bytes: size(plugin, "grpc-max-send-msg-size", DEFAULT_SENT_BYTES)?,
        skip_request_body_parse: plugin.flag("skip-request-body-parse")?,
        enable_performance_metrics: plugin.flag("enable-performance-metrics")?,
        duration_buckets_seconds: buckets,
    })
}

fn denies_on_policy_error(plugin: &Section<'_>) -> Result<bool, ConfigError> {
    const KEY: &str = "on-policy-error";
    match plugin.word(KEY)?.as_deref() {
        None | Some("error") => Ok(false),
        Some("deny") => Ok(true),
        Some(_) => Err(plugin.error(KEY, "expected one of error, deny")),
    }
}

fn decision(plugin: &Section<'_>) -> Result<Decision, ConfigError> {
    match (plugin.word("path")?, plugin.word("query")?) {
        (Some(_), Some(_)) => Err(plugin.error(
            "query",
            "invalid config: specify a value for only the \"path\" field; take `query` out",
        )),
        (path, None) => {
            let path = path.unwrap_or_else(|| DEFAULT_PATH.to_owned());
            Ok(Decision::Path(DecisionPath::of_plugin(&path)))
        }
        (None, Some(query)) => DecisionPath::of_query(&query)
            .map(Decision::Query)
            .ok_or_else(|| {
                plugin.error(
                "query",
                "only a plain reference such as data.envoy.authz.allow is understood, which is the same as \
                 `path: envoy/authz/allow`; make a rule of any other query and name it by `path`",
            )
            }),
    }
}

fn size(plugin: &Section<'_>, key: &str, default: i64) -> Result<u64, ConfigError> {
    let bytes = plugin.integer(key)?.unwrap_or(default);
    match u64::try_from(bytes) {
        Ok(bytes @ 1..) => Ok(bytes),
        _ => Err(plugin.error(key, "expected a number of bytes above 0")),
    }
}
