//! What discovery may not change, and what of it the configuration here goes over.

use postern_config::ConfigError;
use serde_json::Value as Json;

use crate::config::{DEFAULT_AUTHORIZATION_DECISION, DEFAULT_DECISION};
use crate::tree::{Node, Value, entry};

/// Holds that what `found` has at `key` under a name that matters is what `boot` has there, if it has it; `refusal` is said
/// otherwise.
pub(crate) fn unchanged(
    found: &[(String, Node)],
    boot: &[(String, Node)],
    key: &str,
    matters: &dyn Fn(&str) -> bool,
    refusal: &str,
) -> Result<(), ConfigError> {
    let boot = entry(boot, key).map(parts).unwrap_or_default();
    let found = entry(found, key).map(parts).unwrap_or_default();
    for (name, node) in found.iter().filter(|(name, _)| matters(name)) {
        let there = boot.iter().find(|(other, _)| other == name);
        if there.is_some_and(|(_, there)| without_name(there) != without_name(node)) {
            let message = format!("{refusal}; take it out of what discovery brings");
            return Err(node.at.error(format!("{key}.{name}"), message));
        }
    }
    Ok(())
}

/// What stands under a name of the writer's own in the section `key` of `root`, be it a map or a list.
pub(crate) fn named(root: &Node, key: &str, name: &str) -> Option<Node> {
    let parts = parts(entry_of(root, key)?);
    let mut named = parts.into_iter().filter(|(other, _)| other == name);
    // The last one holds.
    named.next_back().map(|(_, node)| node)
}

/// The entry `key` of a map.
pub(crate) fn entry_of<'a>(root: &'a Node, key: &str) -> Option<&'a Node> {
    match &root.value {
        Value::Map(entries) => entry(entries, key),
        _ => None,
    }
}

/// The parts of a section by their names: of a map, or of a list whose parts say their names.
fn parts(section: &Node) -> Vec<(String, Node)> {
    match &section.value {
        Value::Map(entries) => entries.clone(),
        Value::List(items) => items
            .iter()
            .filter_map(|item| match &entry_of(item, "name")?.value {
                Value::Text { text, .. } => Some((text.clone(), item.clone())),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// In a list a part says its name, in a map it needn't.
fn without_name(node: &Node) -> Json {
    let mut json = node.json();
    if let Json::Object(members) = &mut json {
        members.remove("name");
    }
    json
}

/// The keys of `found` that `boot` has otherwise, with dots, in order (OPA's `mergeValuesAndListOverrides`, which knows no
/// order). What neither says is OPA's default there, which counts as found.
pub(crate) fn overridden(found: &[(String, Node)], boot: &[(String, Node)]) -> Vec<String> {
    let mut keys = Vec::new();
    below(found, boot, "", &mut keys);
    for (key, default) in [
        ("default_decision", DEFAULT_DECISION),
        ("default_authorization_decision", DEFAULT_AUTHORIZATION_DECISION),
    ] {
        let is_other = |node: &Node| node.json() != *default;
        if entry(found, key).is_none() && entry(boot, key).is_some_and(is_other) {
            keys.push(key.to_owned());
        }
    }
    keys.sort();
    keys
}

fn below(found: &[(String, Node)], boot: &[(String, Node)], prefix: &str, keys: &mut Vec<String>) {
    for (name, ours) in boot {
        // It can't be discovered.
        if prefix.is_empty() && name == "discovery" {
            continue;
        }
        let Some(theirs) = entry(found, name) else {
            continue;
        };
        let dot = if prefix.is_empty() { "" } else { "." };
        let key = format!("{prefix}{dot}{name}");
        match (&theirs.value, &ours.value) {
            (Value::Map(theirs), Value::Map(ours)) => below(theirs, ours, &key, keys),
            (_, Value::Map(_)) => keys.push(key),
            _ if theirs.json() != ours.json() => keys.push(key),
            _ => {}
        }
    }
}
