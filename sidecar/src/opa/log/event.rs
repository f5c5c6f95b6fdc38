//! A decision-log event, member for member as opa-envoy-plugin sends it (OPA's `v1/plugins/logs/plugin.go`, `EventV1`, and
//! the plugin's `opa/decisionlog`). Pure.

use std::collections::BTreeMap;

use postern_decide::opa_envoy::Failure;
use postern_policy::{Object, Value};

use super::rfc3339;

/// An event: what masks can change, and the rest.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    pub(super) input: Option<Value>,
    pub(super) result: Option<Value>,
    pub(super) nd_builtin_cache: Option<Value>,
    pub(super) erased: Vec<String>,
    pub(super) masked: Vec<String>,
    pub(super) failure: Option<Failure>,
    pub(super) about: About,
}

/// What masks can't change.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct About {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) decision_id: String,
    /// The bundles in force, and their revisions.
    pub(super) bundles: Vec<(String, String)>,
    /// As configured; empty where `query` is.
    pub(super) path: String,
    /// As configured.
    pub(super) query: String,
    /// Nanoseconds since the epoch.
    pub(super) timestamp_ns: i64,
    /// From the request's arrival to its answer, nanoseconds.
    pub(super) handler_ns: u64,
    /// Of these, for input and policy; `None` where policy wasn't asked.
    pub(super) evaluation_ns: Option<u64>,
}

impl Event {
    /// The event as it is uploaded, and as the mask and drop policies see it.
    pub(super) fn to_value(&self) -> Value {
        let mut members = self.common(Value::from(rfc3339::nanoseconds(self.about.timestamp_ns)));
        let labels = self.about.labels.iter().map(|(k, v)| (k.as_str(), v.as_str()));
        members.push(("labels", Value::object_from(labels)));
        if let Some(failure) = &self.failure {
            members.push(("error", error(failure)));
        }
        Value::object_from(members)
    }

    /// The event as OPA's logger writes it to the console, but for the time of its line.
    pub(super) fn to_console(&self) -> Object {
        let mut members = self.common(Value::from(rfc3339::nanoseconds(self.about.timestamp_ns)));
        if !self.about.labels.is_empty() {
            let labels = self.about.labels.iter().map(|(k, v)| (k.as_str(), v.as_str()));
            members.push(("labels", Value::object_from(labels)));
        }
        if let Some(failure) = &self.failure {
            members.push(("error", Value::from(failure.message.as_str())));
        }
        members.push(("type", Value::from("openpolicyagent.org/decision_logs")));
        members.push(("level", Value::from("info")));
        members.push(("msg", Value::from("Decision Log")));
        members
            .into_iter()
            .map(|(name, value)| (Value::from(name), value))
            .collect()
    }

    fn common(&self, timestamp: Value) -> Vec<(&'static str, Value)> {
        let about = &self.about;
        let mut members = vec![
            ("decision_id", Value::from(about.decision_id.as_str())),
            ("timestamp", timestamp),
            ("metrics", self.metrics()),
        ];
        if !about.bundles.is_empty() {
            let bundles = about.bundles.iter().map(|(name, revision)| {
                let revision = Some(revision.as_str()).filter(|revision| !revision.is_empty());
                let told = Value::object_from(revision.map(|revision| ("revision", revision)));
                (name.as_str(), told)
            });
            members.push(("bundles", Value::object_from(bundles)));
        }
        for (name, text) in [("path", &about.path), ("query", &about.query)] {
            if !text.is_empty() {
                members.push((name, Value::from(text.as_str())));
            }
        }
        let parts = [
            ("input", &self.input),
            ("result", &self.result),
            ("nd_builtin_cache", &self.nd_builtin_cache),
        ];
        for (name, part) in parts {
            members.extend(part.clone().map(|part| (name, part)));
        }
        for (name, paths) in [("erased", &self.erased), ("masked", &self.masked)] {
            if !paths.is_empty() {
                let paths = paths.iter().map(|path| Value::from(path.as_str()));
                members.push((name, Value::Array(paths.collect())));
            }
        }
        members
    }

    fn metrics(&self) -> Value {
        let handler = ("timer_server_handler_ns", Value::from(self.about.handler_ns));
        let evaluation = self
            .about
            .evaluation_ns
            .map(|ns| ("timer_rego_query_eval_ns", Value::from(ns)));
        Value::object_from(evaluation.into_iter().chain([handler]))
    }
}

/// Errors of evaluation have a code and a place; of others there is the message.
fn error(failure: &Failure) -> Value {
    let Some(stopped) = &failure.evaluation else {
        return Value::object_from([("message", failure.message.as_str())]);
    };
    if stopped.code == "eval_cancel_error" {
        let message = "context deadline reached during query execution";
        return Value::object_from([("code", stopped.code), ("message", message)]);
    }
    let code = format!("{}: ", stopped.code);
    let message = stopped
        .opa
        .split_once(&code)
        .map_or(stopped.opa.as_str(), |(_, rest)| rest);
    let mut members = vec![
        ("code", Value::from(stopped.code)),
        ("message", Value::from(message)),
    ];
    if let Some(place) = &stopped.place {
        let place = [
            ("file", Value::from(&*place.file)),
            ("row", Value::from(place.row)),
            ("col", Value::from(place.column)),
        ];
        members.push(("location", Value::object_from(place)));
    }
    Value::object_from(members)
}

/// The input as the plugin's events have it: `version` is written term by term there, since the plugin hands its logger
/// OPA's own form of it.
pub(super) fn as_logged(input: &Value) -> Value {
    let Value::Object(members) = input else {
        return input.clone();
    };
    let written = members.iter().map(|(name, value)| match (name.as_str(), value) {
        (Some("version"), Value::Object(version)) => (name.clone(), in_terms(version)),
        _ => (name.clone(), value.clone()),
    });
    Value::Object(written.collect())
}

fn in_terms(members: &Object) -> Value {
    let term = |value: &Value| {
        Value::object_from([("type", Value::from(value.type_name())), ("value", value.clone())])
    };
    let pair =
        |(name, value): (&Value, &Value)| Value::Array([term(name), term(value)].into_iter().collect());
    Value::Array(members.iter().map(pair).collect())
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
