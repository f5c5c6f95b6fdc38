//! `patch.json`: `{"data": [{"op": …, "path": …, "value": …}]}`, as Go's decoder reads it into OPA's `bundle.Patch`: names in any
//! case, others passed over, what is missing empty. Names that come twice, which it reads in a way of its own, are refused, and
//! so is what follows the document.

use std::fmt;
use std::sync::Arc;

use postern_rego::{MAX_NESTING, Object, Value};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::path;
use super::update::Write;
use super::{DeltaError, Manifest};

/// The name that makes a bundle a delta, in whichever folder it is.
pub(in crate::bundle) const PATCH: &str = "patch.json";

/// One of `data`, as it is written.
#[derive(Debug, Clone)]
pub(super) struct Written {
    op: Arc<str>,
    path: Arc<str>,
    value: Value,
}

/// One of `data`, which can be tried.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) kind: Kind,
    pub(super) path: Vec<Arc<str>>,
    pub(super) value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whatever is missing on the way is made.
    Upsert,
    /// As it is.
    Plain(Write),
}

/// All operations, in their order; none in a patch that says nothing.
pub(super) fn parse(text: &[u8]) -> Result<Vec<Written>, DeltaError> {
    let form = |problem: &dyn fmt::Display| DeltaError::Form(problem.to_string());
    let mut reader = serde_json::Deserializer::from_slice(text);
    OnceEach { depth: 0 }
        .deserialize(&mut reader)
        .map_err(|error| form(&error))?;
    let patch = Value::from_json_slice(text).map_err(|error| form(&error))?;
    let data = match &patch {
        Value::Null => None,
        Value::Object(patch) => member(patch, "data"),
        other => return Err(expected("the patch", "an object", other)),
    };
    match data {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(operations)) => operations.iter().map(written).collect(),
        Some(other) => Err(expected("`data`", "an array", other)),
    }
}

fn expected(what: &str, kind: &str, found: &Value) -> DeltaError {
    DeltaError::Form(format!("{what} is {}; expected {kind}", found.type_name()))
}

fn member<'o>(object: &'o Object, name: &str) -> Option<&'o Value> {
    let is_named = |key: &Value| key.as_str().is_some_and(|key| key.eq_ignore_ascii_case(name));
    object
        .iter()
        .find(|(key, _)| is_named(key))
        .map(|(_, value)| value)
}

fn written(operation: &Value) -> Result<Written, DeltaError> {
    let empty = Object::default();
    let operation = match operation {
        Value::Null => &empty,
        Value::Object(operation) => operation,
        other => return Err(expected("an operation", "an object", other)),
    };
    let text = |name: &str| match member(operation, name) {
        None | Some(Value::Null) => Ok(Arc::from("")),
        Some(Value::String(text)) => Ok(Arc::clone(text)),
        Some(other) => Err(expected(&format!("`{name}` of an operation"), "a string", other)),
    };
    Ok(Written {
        op: text("op")?,
        path: text("path")?,
        value: member(operation, "value").cloned().unwrap_or(Value::Null),
    })
}

impl Written {
    fn trimmed(&self) -> &str {
        self.path.trim_matches('/')
    }

    /// Whether the manifest lets it change what it changes: by the path as it is written, as in OPA.
    pub(super) fn check(&self, manifest: &Manifest) -> Result<(), DeltaError> {
        let path: Vec<&str> = self.trimmed().split('/').collect();
        if manifest.owns(&path) {
            return Ok(());
        }
        Err(DeltaError::OutsideRoots {
            roots: manifest.roots.clone(),
            path: self.trimmed().to_owned(),
        })
    }

    /// Read to be tried on data with these roots.
    pub(super) fn operation(&self, manifest: &Manifest) -> Result<Operation, DeltaError> {
        let path = path::parse(self.trimmed())?;
        let kind = match self.op.as_ref() {
            "upsert" => Kind::Upsert,
            "remove" => Kind::Plain(Write::Remove),
            "replace" => Kind::Plain(Write::Replace),
            other => return Err(DeltaError::Operation(other.to_owned())),
        };
        let shown = || path::shown(&path);
        if path.is_empty() && kind == Kind::Plain(Write::Remove) {
            return Err(DeltaError::Invalid("root cannot be removed".to_owned()));
        }
        let names: Vec<&str> = path.iter().map(|name| &**name).collect();
        if matches!(
            names.as_slice(),
            [] | ["system"] | ["system", "bundles" | "modules" | "version", ..]
        ) {
            return Err(DeltaError::Reserved(shown()));
        }
        if !manifest.owns(&names) {
            return Err(DeltaError::LeadsOut(shown()));
        }
        if path.len().saturating_add(self.value.nesting()) > MAX_NESTING {
            // A path that long isn't shown.
            return Err(DeltaError::Nesting(self.trimmed().chars().take(100).collect()));
        }
        Ok(Operation {
            kind,
            path,
            value: self.value.clone(),
        })
    }
}

/// Goes over a document, and refuses names that come twice where they mean something: at the top, and in each operation.
#[derive(Clone, Copy)]
struct OnceEach {
    depth: u8,
}

impl<'de> DeserializeSeed<'de> for OnceEach {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for OnceEach {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen: Vec<String> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let name = name.to_ascii_lowercase();
            let counts = match self.depth {
                0 => name == "data",
                _ => matches!(name.as_str(), "op" | "path" | "value"),
            };
            if counts && seen.contains(&name) {
                return Err(A::Error::custom(format!("`{name}` comes twice")));
            }
            if counts {
                seen.push(name);
            }
            if counts && self.depth == 0 {
                map.next_value_seed(Self { depth: 1 })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        if self.depth == 1 {
            while seq.next_element_seed(Self { depth: 2 })?.is_some() {}
        } else {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
        }
        Ok(())
    }

    // Of what kind it must be is said elsewhere.
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}
