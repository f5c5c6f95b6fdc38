//! What there is to tell, and its form in the status API (OPA's `UpdateRequestV1` and the types that it is made of).

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::opa::log::nanoseconds;

/// Go's zero time, as JSON and in nanoseconds as far as Go's arithmetic goes.
const NEVER: &str = "0001-01-01T00:00:00Z";
const NEVER_NS: i64 = -6_795_364_578_871_345_152;

/// The state of a plugin.
#[allow(dead_code, reason = "OPA's states; no plugin comes into some of them here")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PluginState {
    /// It runs.
    Ok,
    /// It doesn't, yet.
    NotReady,
    /// It failed.
    Error,
    /// It runs, and not all is well.
    Warn,
}

impl PluginState {
    /// OPA's word for it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::NotReady => "NOT_READY",
            Self::Error => "ERROR",
            Self::Warn => "WARN",
        }
    }
}

/// How a bundle does. Times are nanoseconds since the epoch; `None` is never.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct BundleStatus {
    pub(crate) name: String,
    pub(crate) active_revision: String,
    pub(crate) last_successful_activation: Option<i64>,
    /// `snapshot` or `delta`.
    pub(crate) kind: String,
    /// Of the archive, bytes; 0 where it wasn't measured.
    pub(crate) size: u64,
    pub(crate) last_successful_download: Option<i64>,
    pub(crate) last_successful_request: Option<i64>,
    pub(crate) last_request: Option<i64>,
    /// `bundle_error` where the last one was refused.
    pub(crate) code: String,
    pub(crate) message: String,
    /// What is wrong with its Rego, error by error.
    pub(crate) errors: Vec<Json>,
    /// `timer_rego_module_compile_ns` and the like.
    pub(crate) metrics: BTreeMap<String, i64>,
    pub(crate) http_code: Option<u16>,
}

/// Why a bundle was refused, or didn't come.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct BundleError {
    pub(crate) message: String,
    /// What the server answered, where that was it.
    pub(crate) http_code: Option<u16>,
    /// What is wrong with its Rego, error by error.
    pub(crate) errors: Vec<Json>,
}

impl BundleStatus {
    /// Of a bundle that nothing is known of yet.
    pub(crate) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// Sets an error; `None` takes back the last one.
    pub(crate) fn set_error(&mut self, error: Option<BundleError>) {
        let code = if error.is_some() { "bundle_error" } else { "" };
        let BundleError {
            message,
            http_code,
            errors,
        } = error.unwrap_or_default();
        code.clone_into(&mut self.code);
        self.message = message;
        self.http_code = http_code;
        self.errors = errors;
    }

    /// Whether it is in force, and nothing is wrong with the Rego of a later one.
    pub(crate) fn is_active(&self) -> bool {
        self.errors.is_empty() && self.last_successful_activation.is_some()
    }

    fn to_json(&self) -> Json {
        let mut told = Map::new();
        told.insert("name".to_owned(), json!(self.name));
        text(&mut told, "active_revision", &self.active_revision);
        told.insert(
            "last_successful_activation".to_owned(),
            time(self.last_successful_activation),
        );
        text(&mut told, "type", &self.kind);
        if self.size > 0 {
            told.insert("size".to_owned(), json!(self.size));
        }
        for (name, at) in [
            ("last_successful_download", self.last_successful_download),
            ("last_successful_request", self.last_successful_request),
            ("last_request", self.last_request),
        ] {
            told.insert(name.to_owned(), time(at));
        }
        text(&mut told, "code", &self.code);
        text(&mut told, "message", &self.message);
        if !self.errors.is_empty() {
            told.insert("errors".to_owned(), json!(self.errors));
        }
        if !self.metrics.is_empty() {
            told.insert("metrics".to_owned(), json!(self.metrics));
        }
        if let Some(code) = self.http_code {
            told.insert("http_code".to_owned(), json!(code));
        }
        Json::Object(told)
    }
}

/// How the last upload of the decision log ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct LogStatus {
    /// `decision_log_error` where it failed.
    pub(crate) code: Option<&'static str>,
    pub(crate) message: String,
    pub(crate) http_code: Option<u16>,
}

/// All there is to tell.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Shown {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) plugins: BTreeMap<String, PluginState>,
    pub(crate) bundles: BTreeMap<String, BundleStatus>,
    /// Whether any of them was asked for yet: before that OPA's status has none.
    pub(crate) has_asked: bool,
    pub(crate) discovery: Option<BundleStatus>,
    pub(crate) decision_logs: Option<LogStatus>,
    /// Whether all plugins were `OK` at once when anybody asked.
    pub(crate) was_ready: bool,
}

impl Shown {
    /// Changes what there is to tell of a bundle.
    pub(super) fn change_bundle(&mut self, name: &str, change: impl FnOnce(&mut BundleStatus)) {
        let status = self.bundles.entry(name.to_owned());
        change(status.or_insert_with(|| BundleStatus::named(name)));
    }

    /// The bundles that the status tells of.
    pub(super) fn told_bundles(&self) -> &BTreeMap<String, BundleStatus> {
        static NONE: BTreeMap<String, BundleStatus> = BTreeMap::new();
        if self.has_asked { &self.bundles } else { &NONE }
    }

    /// The status API's message.
    pub(super) fn to_json(&self, metrics: Json) -> Json {
        let mut told = Map::new();
        told.insert("labels".to_owned(), json!(self.labels));
        if !self.told_bundles().is_empty() {
            let bundles = self
                .bundles
                .iter()
                .map(|(name, status)| (name.clone(), status.to_json()));
            told.insert("bundles".to_owned(), Json::Object(bundles.collect()));
        }
        if let Some(discovery) = &self.discovery {
            told.insert("discovery".to_owned(), discovery.to_json());
        }
        if let Some(logs) = &self.decision_logs {
            let mut status = Map::new();
            text(&mut status, "code", logs.code.unwrap_or_default());
            text(&mut status, "message", &logs.message);
            if let Some(code) = logs.http_code {
                status.insert("http_code".to_owned(), json!(code));
            }
            told.insert("decision_logs".to_owned(), Json::Object(status));
        }
        told.insert("metrics".to_owned(), metrics);
        if !self.plugins.is_empty() {
            let plugins = self
                .plugins
                .iter()
                .map(|(name, state)| (name.clone(), json!({ "state": state.as_str() })));
            told.insert("plugins".to_owned(), Json::Object(plugins.collect()));
        }
        Json::Object(told)
    }
}

fn text(into: &mut Map<String, Json>, name: &str, text: &str) {
    if !text.is_empty() {
        into.insert(name.to_owned(), json!(text));
    }
}

fn time(at: Option<i64>) -> Json {
    Json::String(at.map_or_else(|| NEVER.to_owned(), nanoseconds))
}

/// The time as OPA's gauges have it.
#[expect(clippy::cast_precision_loss, reason = "Prometheus has doubles")]
pub(super) fn gauge_ns(at: Option<i64>) -> f64 {
    at.unwrap_or(NEVER_NS) as f64
}
