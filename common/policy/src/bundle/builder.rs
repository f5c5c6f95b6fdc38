//! Making a bundle. The same contents make the same bytes, so that a bundle's digest says whether anything changed.

use super::archive::{self, Files, normal_path};
use super::{Bundle, BundleError, Limits, MANIFEST, Manifest, PLAN, manifest};

/// Collects what a bundle is to hold; [`build`](Self::build) makes the archive.
#[derive(Debug, Clone)]
pub struct BundleBuilder {
    manifest: Manifest,
    files: Vec<(String, Vec<u8>)>,
}

impl BundleBuilder {
    /// A bundle of this revision that owns all of `data`.
    #[must_use]
    pub fn new(revision: impl Into<String>) -> Self {
        Self {
            manifest: Manifest {
                revision: revision.into(),
                ..Manifest::absent()
            },
            files: Vec::new(),
        }
    }

    /// The parts of `data` that the bundle owns, slash-separated.
    #[must_use]
    pub fn roots(mut self, roots: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.manifest.roots = manifest::normalize_roots(roots.into_iter().map(Into::into).collect());
        self
    }

    /// The version of Rego that the modules are written in, 0 or 1.
    #[must_use]
    pub fn rego_version(mut self, version: u8) -> Self {
        self.manifest.rego_version = Some(version);
        self
    }

    /// The version of Rego, 0 or 1, of the modules whose paths match a pattern (`/old/*.rego`).
    #[must_use]
    pub fn file_rego_version(mut self, pattern: impl Into<String>, version: u8) -> Self {
        self.manifest.file_rego_versions.insert(pattern.into(), version);
        self
    }

    /// A member of the manifest's metadata.
    #[must_use]
    pub fn metadata(mut self, name: impl Into<String>, value: serde_json::Value) -> Self {
        self.manifest.metadata.insert(name.into(), value);
        self
    }

    /// A file at a path inside the bundle.
    #[must_use]
    pub fn file(mut self, path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((path.into(), content.into()));
        self
    }

    /// The base data, as JSON text: an object.
    #[must_use]
    pub fn data(self, json: impl Into<Vec<u8>>) -> Self {
        self.file("data.json", json)
    }

    /// OPA's plan, as JSON text.
    #[must_use]
    pub fn plan(self, json: impl Into<Vec<u8>>) -> Self {
        self.file(PLAN, json)
    }

    /// The archive, unsigned ([`sign`](super::sign) signs it).
    ///
    /// # Errors
    /// When it would not be read back: a path that climbs out or comes twice, data that isn't JSON or lies outside the
    /// roots, more than the default [`Limits`] allow.
    pub fn build(self) -> Result<Vec<u8>, BundleError> {
        let archive = self.build_unread()?;
        Bundle::read(&archive, &super::Verification::Unsigned, &Limits::default())?;
        Ok(archive)
    }

    /// As [`BundleBuilder::build`], whether it would be read back or not: a delta, say, or what another's server may serve.
    ///
    /// # Errors
    /// When a path climbs out or comes twice.
    pub fn build_unread(self) -> Result<Vec<u8>, BundleError> {
        let limits = Limits::default();
        let mut files = Files::new();
        files.insert(MANIFEST.to_owned(), self.manifest.to_json()?);
        for (path, content) in self.files {
            let path = normal_path(path.as_bytes(), &limits)?;
            if files.insert(path.clone(), content).is_some() {
                return Err(BundleError::Duplicate { path });
            }
        }
        archive::write(
            files
                .iter()
                .map(|(path, content)| (path.as_str(), content.as_slice())),
        )
    }
}
