//! `.manifest` and `.manifest.pb`: a bundle's revision, the part of `data` that it owns, and what Rego its modules are in.
//! Of `wasm`, which entrypoints are answered by which module.

mod protobuf;

pub(super) use protobuf::metadata_to_protobuf;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::BundleError;

/// A bundle's manifest, with roots normalised.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Manifest {
    /// Names this version of the policy: opaque, never ordered; may be empty.
    pub revision: String,
    /// The parts of `data` this bundle owns, slash-separated without slashes at the ends. `[""]` is all of it.
    pub roots: Vec<String>,
    /// Free for the author's use.
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// What Rego the modules are written in (0 or 1), where the manifest says so.
    pub rego_version: Option<u8>,
    /// Where some modules are in another: patterns of their paths, with a leading slash, and the version. Of those that match
    /// a path, the first in the order of patterns counts.
    pub file_rego_versions: BTreeMap<String, u8>,
    /// What Wasm modules answer, in the manifest's order. Not written: we build none.
    pub wasm: Vec<WasmEntry>,
}

/// An entrypoint that a Wasm module answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct WasmEntry {
    /// The entrypoint, slash-separated.
    #[serde(default)]
    pub entrypoint: String,
    /// The module's path in the bundle, without a leading slash.
    #[serde(default)]
    pub module: String,
}

impl WasmEntry {
    fn normalized(mut self) -> Self {
        self.module = self.module.trim_start_matches('/').to_owned();
        self
    }
}

#[derive(Deserialize)]
struct ReadForm {
    #[serde(default)]
    revision: String,
    #[serde(default)]
    roots: Option<Vec<String>>,
    #[serde(default)]
    metadata: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(default)]
    rego_version: Option<u8>,
    #[serde(default)]
    file_rego_versions: Option<BTreeMap<String, u8>>,
    #[serde(default)]
    wasm: Option<Vec<WasmEntry>>,
}

#[derive(Serialize)]
struct WriteForm<'a> {
    revision: &'a str,
    roots: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    rego_version: Option<u8>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    file_rego_versions: &'a BTreeMap<String, u8>,
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    metadata: &'a serde_json::Map<String, serde_json::Value>,
}

impl Manifest {
    /// The manifest of a bundle that has none: no revision, and all of `data`.
    #[must_use]
    pub fn absent() -> Self {
        Self {
            roots: vec![String::new()],
            ..Self::default()
        }
    }

    pub(super) fn parse(text: &[u8]) -> Result<Self, BundleError> {
        Self::from_form(super::parse_object(text).map_err(BundleError::Manifest)?)
    }

    fn from_form(form: ReadForm) -> Result<Self, BundleError> {
        let manifest = Self {
            revision: form.revision,
            roots: normalize_roots(form.roots.unwrap_or_else(|| vec![String::new()])),
            metadata: form.metadata.unwrap_or_default(),
            rego_version: form.rego_version,
            file_rego_versions: form.file_rego_versions.unwrap_or_default(),
            wasm: form
                .wasm
                .unwrap_or_default()
                .into_iter()
                .map(WasmEntry::normalized)
                .collect(),
        };
        manifest.check()?;
        Ok(manifest)
    }

    pub(super) fn to_json(&self) -> Result<Vec<u8>, BundleError> {
        self.check()?;
        let form = WriteForm {
            revision: &self.revision,
            roots: &self.roots,
            rego_version: self.rego_version,
            file_rego_versions: &self.file_rego_versions,
            metadata: &self.metadata,
        };
        let mut text = serde_json::to_vec(&form).map_err(|e| BundleError::Manifest(e.to_string()))?;
        text.push(b'\n');
        Ok(text)
    }

    fn check(&self) -> Result<(), BundleError> {
        let versions = self.rego_version.iter().chain(self.file_rego_versions.values());
        if let Some(version) = versions.copied().find(|version| *version > 1) {
            return Err(BundleError::Manifest(format!(
                "rego_version {version} is unknown; expected 0 or 1"
            )));
        }
        for (index, a) in self.roots.iter().enumerate() {
            for b in self.roots.iter().skip(index + 1) {
                if contains(a, b) || contains(b, a) {
                    return Err(BundleError::Manifest(format!(
                        "the roots `{a}` and `{b}` overlap"
                    )));
                }
            }
        }
        Ok(())
    }

    /// Whether a path into `data`, given as its segments, belongs to this bundle.
    #[must_use]
    pub fn owns(&self, path: &[&str]) -> bool {
        self.roots
            .iter()
            .any(|root| root.is_empty() || starts_with(path, &segments(root)))
    }

    /// Whether some root lies below this path, so that an object there may lead to data which is owned.
    #[must_use]
    pub fn leads_to_root(&self, path: &[&str]) -> bool {
        self.roots.iter().any(|root| starts_with(&segments(root), path))
    }
}

pub(super) fn normalize_roots(roots: Vec<String>) -> Vec<String> {
    roots
        .into_iter()
        .map(|root| root.trim_matches('/').to_owned())
        .collect()
}

fn segments(root: &str) -> Vec<&str> {
    root.split('/').collect()
}

fn contains(root: &str, other: &str) -> bool {
    root.is_empty() || starts_with(&segments(other), &segments(root))
}

fn starts_with(path: &[&str], prefix: &[&str]) -> bool {
    path.len() >= prefix.len() && path.iter().zip(prefix).all(|(a, b)| a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_without_roots_owns_everything() {
        let manifest = Manifest::parse(br#"{"revision":"r1"}"#).unwrap();
        assert_eq!(manifest.revision, "r1");
        assert!(manifest.owns(&["anything", "at", "all"]));
    }

    #[test]
    fn roots_are_whole_segments() {
        let manifest = Manifest::parse(br#"{"roots":["/orders/authz/"]}"#).unwrap();
        assert!(manifest.owns(&["orders", "authz", "x"]));
        assert!(!manifest.owns(&["orders", "authzx"]));
        assert!(!manifest.owns(&["orders"]));
        assert!(manifest.leads_to_root(&["orders"]));
        assert!(!manifest.leads_to_root(&["roles"]));
    }

    #[test]
    fn overlapping_roots_are_refused_by_name() {
        let error = Manifest::parse(br#"{"roots":["a","a/b"]}"#).unwrap_err();
        assert!(error.to_string().contains("`a` and `a/b` overlap"), "{error}");
        assert!(Manifest::parse(br#"{"roots":["", "b"]}"#).is_err());
        assert!(Manifest::parse(br#"{"roots":["a","ab"]}"#).is_ok());
    }

    #[test]
    fn an_ill_formed_manifest_says_what_is_wrong() {
        for text in [
            "[]",
            r#"{"revision":1}"#,
            r#"{"roots":"a"}"#,
            r#"{"rego_version":7}"#,
            "",
            "{}x",
        ] {
            let error = Manifest::parse(text.as_bytes()).unwrap_err();
            assert!(error.to_string().starts_with("`.manifest`: "), "{text}: {error}");
        }
    }
}
