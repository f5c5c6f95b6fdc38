//! What OPA's `GET /v1/config` shows: the configuration as it is in force, without what services and keys are used with.

use serde_json::{Map, Value as Json};

use crate::config::{DEFAULT_AUTHORIZATION_DECISION, DEFAULT_DECISION};
use crate::tree::Node;

/// `root` as OPA shows it for the process `id` of `version`.
pub(crate) fn active(root: &Node, id: &str, version: &str) -> Json {
    let mut shown = without_secrets(root);
    let labels = shown.entry("labels").or_insert_with(|| Json::Object(Map::new()));
    if !labels.is_object() {
        *labels = Json::Object(Map::new());
    }
    if let Json::Object(labels) = labels {
        labels.insert("id".to_owned(), id.into());
        labels.insert("version".to_owned(), version.into());
    }
    let defaults = [
        ("default_decision", DEFAULT_DECISION),
        ("default_authorization_decision", DEFAULT_AUTHORIZATION_DECISION),
    ];
    for (key, default) in defaults {
        let there = shown.entry(key).or_insert(Json::Null);
        if there.is_null() {
            *there = default.into();
        }
    }
    Json::Object(shown)
}

/// `root` without what services and keys are used with.
pub(crate) fn without_secrets(root: &Node) -> Map<String, Json> {
    let mut shown = match root.json() {
        Json::Object(entries) => entries,
        _ => Map::new(),
    };
    without(&mut shown, "services", &["credentials"]);
    without(&mut shown, "keys", &["key", "private_key"]);
    shown
}

/// Takes `keys`, in whatever case they are read in, out of every map in the section `name` of `shown`.
fn without(shown: &mut Map<String, Json>, name: &str, keys: &[&str]) {
    let is_kept = |name: &String| !keys.iter().any(|key| name.eq_ignore_ascii_case(key));
    let strip = |part: &mut Json| {
        if let Json::Object(entries) = part {
            entries.retain(|name, _| is_kept(name));
        }
    };
    match shown.get_mut(name) {
        Some(Json::Object(parts)) => parts.values_mut().for_each(strip),
        Some(Json::Array(parts)) => parts.iter_mut().for_each(strip),
        _ => {}
    }
}
