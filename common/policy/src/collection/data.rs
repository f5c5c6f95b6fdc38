//! One document of many: what `data` is once all parts are active, as OPA's store holds it.

use std::borrow::Cow;

use postern_rego::{Object, Value};

use super::{CollectionError, Given, Loose, Member, RegoVersion};
use crate::OPA_VERSION;
use crate::bundle::{Bundle, Manifest};

/// Joins the parts' data. What loose files put where a bundle owns is gone, as in OPA; what bundles own is disjoint already.
pub(super) fn join(
    loose: &Loose,
    members: &[Member],
    version: RegoVersion,
) -> Result<Value, CollectionError> {
    let mut data = loose.data().clone();
    for member in members {
        for root in &member.bundle.manifest().roots {
            let path: Vec<&str> = root.split('/').filter(|name| !name.is_empty()).collect();
            if path.is_empty() {
                data = member.bundle.data().clone();
                continue;
            }
            data = removed(data, &path);
            if let Some(owned) = find(member.bundle.data(), &path) {
                data = put(data, &path, owned.clone()).map_err(|place| refuse(member, &place))?;
            } else if member.bundle.is_changed() {
                data = with_way(data, member.bundle.data(), &path).map_err(|place| refuse(member, &place))?;
            }
        }
    }
    // A bundle that is fetched later and owns everything replaces what OPA wrote before it: its version is gone then.
    let owns_all = |member: &Member| {
        member.given == Given::Fetched && member.bundle.manifest().roots.iter().any(String::is_empty)
    };
    let keeps_version = !members.iter().any(owns_all);
    for member in members {
        let at = |name: &'static str| ["system", "bundles", &member.name, name];
        let manifest = manifest(&member.bundle);
        for (name, value) in [
            ("manifest", manifest),
            ("etag", Value::from(member.etag.as_str())),
        ] {
            data = put(data, &at(name), value).map_err(|place| refuse(member, &place))?;
        }
        for module in member.modules(version)? {
            if module.version != version {
                let at = ["system", "modules", module.id.trim_matches('/'), "rego_version"];
                let number = Value::from(i64::from(module.version.number()));
                data = put(data, &at, number).map_err(|place| refuse(member, &place))?;
            }
        }
    }
    if keeps_version {
        data = put(data, &["system", "version"], opa_version())
            .map_err(|place| CollectionError::Data { bundle: None, place })?;
    }
    Ok(data)
}

fn refuse(member: &Member, place: &str) -> CollectionError {
    CollectionError::Data {
        bundle: Some(member.name.clone()),
        place: place.to_owned(),
    }
}

/// What OPA tells of its build: the version, and of the rest that there is nothing to tell.
fn opa_version() -> Value {
    Value::object_from([
        ("build_commit", ""),
        ("build_hostname", ""),
        ("build_timestamp", ""),
        ("version", OPA_VERSION),
    ])
}

/// The manifest as OPA's store has it: with all that it says, and what it doesn't say left out.
fn manifest(bundle: &Bundle) -> Value {
    let (told, text) = bundle.told_manifest();
    let Manifest {
        revision,
        roots,
        metadata,
        rego_version,
        file_rego_versions,
        // As it is written, below.
        wasm: _,
    } = told;
    // As it is written: numbers keep their text.
    let written = text.and_then(|text| Value::from_json_slice(text).ok());
    let written = |name: &str| written.as_ref().and_then(|manifest| manifest.get(name)).cloned();
    let number = |version: u8| Value::from(i64::from(version));
    let mut members = Object::default();
    let mut add = |name: &str, value: Value| members.insert(Value::from(name), value);
    add("revision", Value::from(revision.as_str()));
    add(
        "roots",
        roots
            .iter()
            .map(|root| Value::from(root.as_str()))
            .collect::<postern_rego::Array>()
            .into(),
    );
    if let Some(wasm @ Value::Array(_)) = written("wasm") {
        add("wasm", wasm);
    }
    if let Some(version) = rego_version {
        add("rego_version", number(*version));
    }
    if !file_rego_versions.is_empty() {
        let files = file_rego_versions.iter();
        add(
            "file_rego_versions",
            Value::object_from(files.map(|(pattern, version)| (pattern.as_str(), number(*version)))),
        );
    }
    if !metadata.is_empty() {
        let decoded = || Value::from_json_str(&serde_json::Value::Object(metadata.clone()).to_string()).ok();
        if let Some(metadata) = written("metadata").or_else(decoded) {
            add("metadata", metadata);
        }
    }
    Value::Object(members)
}

/// With the objects that led to what a delta removed, which stay.
fn with_way(data: Value, owned: &Value, path: &[&str]) -> Result<Value, String> {
    let is_object = |at: &&[&str]| find(owned, at).is_some_and(|value| value.as_object().is_some());
    let ways = (1..path.len()).rev().filter_map(|length| path.get(..length));
    match { ways }.find(is_object) {
        Some(way) if find(&data, way).is_none() => put(data, way, Value::Object(Object::default())),
        _ => Ok(data),
    }
}

/// What of a document lies at these roots.
pub(super) fn owned(data: &Value, roots: &[String]) -> Value {
    let none = Value::Object(Object::default());
    roots.iter().fold(none, |owned, root| {
        let path: Vec<&str> = root.split('/').filter(|name| !name.is_empty()).collect();
        match find(data, &path) {
            // Roots don't lie in one another, so that what is on the way is an object.
            Some(value) => put(owned.clone(), &path, value.clone()).unwrap_or(owned),
            None => owned,
        }
    })
}

fn find<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, name| value.get(name))
}

/// The document with a value at a path, and the objects that lead there; or the place on the way that is no object.
pub(super) fn put(data: Value, path: &[&str], value: Value) -> Result<Value, String> {
    let Some((name, below)) = path.split_first() else {
        return Ok(value);
    };
    let Value::Object(mut members) = data else {
        return Err(String::new());
    };
    let inner = match members.get_str(name) {
        Some(inner) => inner.clone(),
        None => Value::Object(Object::default()),
    };
    let inner = put(inner, below, value).map_err(|place| match place.as_str() {
        "" => (*name).to_owned(),
        place => format!("{name}/{place}"),
    })?;
    members.insert(Value::from(*name), inner);
    Ok(Value::Object(members))
}

/// The document without what is at a path.
fn removed(data: Value, path: &[&str]) -> Value {
    let Some((name, below)) = path.split_first() else {
        return data;
    };
    let Value::Object(members) = &data else {
        return data;
    };
    let Some(inner) = members.get_str(name) else {
        return data;
    };
    let inner = (!below.is_empty()).then(|| removed(inner.clone(), below));
    let kept = members.iter().filter_map(|(key, value)| {
        if key.as_str() != Some(*name) {
            return Some((key.clone(), Cow::Borrowed(value)));
        }
        inner.clone().map(|inner| (key.clone(), Cow::Owned(inner)))
    });
    Value::Object(kept.map(|(key, value)| (key, value.into_owned())).collect())
}

/// Both documents as one, or the path at which both have a value: OPA's `merge.InterfaceMaps`.
pub(super) fn merged(ours: Value, theirs: &Value) -> Result<Value, String> {
    let (Value::Object(mut members), Some(others)) = (ours, theirs.as_object()) else {
        return Err(String::new());
    };
    for (name, value) in others {
        let joined = match members.get(name) {
            None => value.clone(),
            Some(present) => merged(present.clone(), value).map_err(|place| {
                let name = name.as_str().unwrap_or_default();
                if place.is_empty() {
                    name.to_owned()
                } else {
                    format!("{name}/{place}")
                }
            })?,
        };
        members.insert(name.clone(), joined);
    }
    Ok(Value::Object(members))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Value {
        Value::from_json_str(text).unwrap()
    }

    #[test]
    fn a_value_is_put_and_removed_where_a_path_leads() {
        let data = put(json(r#"{"a":{"b":1},"c":2}"#), &["a", "d", "e"], json("[3]")).unwrap();
        assert_eq!(data.to_json(), r#"{"a":{"b":1,"d":{"e":[3]}},"c":2}"#);
        assert_eq!(put(data.clone(), &["a", "b", "x"], json("1")).unwrap_err(), "a/b");
        assert_eq!(
            removed(data.clone(), &["a", "b"]).to_json(),
            r#"{"a":{"d":{"e":[3]}},"c":2}"#
        );
        assert_eq!(removed(data.clone(), &["a"]).to_json(), r#"{"c":2}"#);
        assert_eq!(removed(data.clone(), &["x", "y"]), data);
    }

    #[test]
    fn documents_share_objects_and_nothing_else() {
        assert_eq!(
            merged(json(r#"{"a":{"b":1}}"#), &json(r#"{"a":{"c":2}}"#))
                .unwrap()
                .to_json(),
            r#"{"a":{"b":1,"c":2}}"#
        );
        assert_eq!(
            merged(json(r#"{"a":{"b":1}}"#), &json(r#"{"a":{"b":1}}"#)).unwrap_err(),
            "a/b"
        );
    }
}
