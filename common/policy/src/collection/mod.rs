//! All that is active together: bundles, and files outside of bundles. OPA compiles the Rego of all of them as one policy
//! over one document `data`; a [`Collection`] is that policy before it is compiled. Pure: nothing is read from a disk here.
//!
//! As OPA has it (`v1/bundle/store.go`, `internal/runtime/init`): bundles' roots are disjoint; modules and data lie within
//! their bundle's roots; what files outside of bundles put where a bundle owns is gone; `data.system.bundles`,
//! `data.system.modules` and `data.system.version` say what is active. Not here: what OPA remembers of roots that a bundle
//! had before its present revision.

mod data;
mod loose;
mod path;
mod roots;
mod text;

use std::sync::Arc;

use postern_rego::Value;

use crate::bundle::Bundle;

pub use loose::{Loose, LooseFile};
pub use path::{DataPath, PathError, Segment};
pub use roots::RootsOverlap;

pub use text::package;
pub(crate) use text::reference;

/// Whether the roots of these bundles (each with its name) are disjoint.
///
/// # Errors
/// All that overlap.
pub(crate) fn check_roots<'b>(
    bundles: impl Iterator<Item = (&'b str, &'b [String])>,
) -> Result<(), CollectionError> {
    Ok(roots::check(bundles)?)
}

/// The language of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum RegoVersion {
    /// From before OPA 1.0 (`--v0-compatible`).
    V0,
    /// Of OPA 1.0 and later.
    #[default]
    V1,
}

impl RegoVersion {
    /// As manifests have it.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::V0 => 0,
            Self::V1 => 1,
        }
    }
}

/// When a bundle came. OPA lets one that is fetched take the place of what it was started with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Given {
    /// On the command line.
    AtStart,
    /// From a server, or from the disk in its place.
    Fetched,
    /// As a delta, where nothing of its name was before it: it takes the place of nothing that the process was started with.
    AsDelta,
}

/// A bundle under its name.
#[derive(Debug, Clone)]
pub struct Member {
    /// What it is called: in configuration, or the path that it was given by.
    pub name: String,
    /// What it holds.
    pub bundle: Arc<Bundle>,
    /// The tag that it came with; empty for none.
    pub etag: String,
    /// How it came.
    pub given: Given,
}

/// A file of Rego.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// What OPA calls it: the bundle's name and the path in it, or the path of a file outside of bundles.
    pub id: String,
    /// Its bundle.
    pub bundle: Option<String>,
    /// Its path in its bundle, or as its file is called, without a slash in front.
    pub path: String,
    /// Its package, below `data`.
    pub package: Vec<String>,
    /// Its language.
    pub version: RegoVersion,
    /// Its text.
    pub text: Vec<u8>,
}

/// Why parts can't be active together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CollectionError {
    /// Two bundles own the same.
    #[error(transparent)]
    Roots(#[from] RootsOverlap),
    /// A bundle has a module that its manifest doesn't let it have.
    #[error(
        "manifest roots [{}] do not permit 'package {package}' in module '{module}'; add the root or move the module",
        .roots.join(" ")
    )]
    ModuleOutsideRoots {
        /// The bundle.
        bundle: String,
        /// Its roots.
        roots: Vec<String>,
        /// The module's package.
        package: String,
        /// The module's path.
        module: String,
    },
    /// A module of a bundle that isn't Rego.
    #[error("`{module}` doesn't begin with a package, as Rego does")]
    NoPackage {
        /// The bundle.
        bundle: String,
        /// The module's path.
        module: String,
    },
    /// A pattern of `file_rego_versions` that is none.
    #[error("`.manifest`: file_rego_versions: `{pattern}`: {problem}")]
    Pattern {
        /// The bundle.
        bundle: String,
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Two modules that OPA would call the same, of which only one would count.
    #[error("two modules are called `{id}`; rename one of the files or bundles")]
    SameModule {
        /// The name.
        id: String,
    },
    /// Data where there is data already that is no object.
    #[error(
        "its data can't be put into data at {place}, which is there already and is no object; rename one of them"
    )]
    Data {
        /// The bundle; none for what OPA itself writes.
        bundle: Option<String>,
        /// The path below `data`.
        place: String,
    },
    /// A file outside of bundles.
    #[error("{file}: {problem}")]
    File {
        /// Its path.
        file: String,
        /// What is wrong.
        problem: String,
    },
}

impl CollectionError {
    /// The bundles that it speaks of.
    #[must_use]
    pub fn bundles(&self) -> Vec<&str> {
        match self {
            Self::Roots(overlap) => overlap.bundles.iter().map(String::as_str).collect(),
            Self::ModuleOutsideRoots { bundle, .. }
            | Self::NoPackage { bundle, .. }
            | Self::Pattern { bundle, .. } => {
                vec![bundle]
            }
            Self::Data { bundle, .. } => bundle.iter().map(String::as_str).collect(),
            Self::SameModule { .. } | Self::File { .. } => Vec::new(),
        }
    }
}

/// Parts that can be active together.
#[derive(Debug, Clone)]
pub struct Collection {
    members: Vec<Member>,
    modules: Vec<Module>,
    data: Value,
    version: RegoVersion,
}

impl Collection {
    /// Joins parts: bundles of different names, and what is outside of bundles, whose Rego is of `version` unless a manifest
    /// says otherwise.
    ///
    /// # Errors
    /// The first thing that keeps them apart.
    pub fn join(
        loose: &Loose,
        members: impl IntoIterator<Item = Member>,
        version: RegoVersion,
    ) -> Result<Self, CollectionError> {
        let mut members: Vec<Member> = members.into_iter().collect();
        members.sort_by(|a, b| a.name.cmp(&b.name));
        roots::check(
            members
                .iter()
                .map(|member| (member.name.as_str(), member.roots())),
        )?;
        let mut modules = Vec::new();
        for member in &members {
            modules.extend(member.modules(version)?);
        }
        let fetched = members.iter().filter(|member| member.given == Given::Fetched);
        let taken: Vec<&String> = fetched.flat_map(Member::roots).collect();
        let kept = loose
            .modules()
            .filter(|module| !taken.iter().any(|root| roots::contains(root, &module.package)));
        modules.extend(kept.cloned());
        modules.sort_by(|a, b| a.id.cmp(&b.id));
        if let Some(twice) = modules.windows(2).find_map(|pair| match pair {
            [a, b] if a.id == b.id => Some(&a.id),
            _ => None,
        }) {
            return Err(CollectionError::SameModule { id: twice.clone() });
        }
        let data = data::join(loose, &members, version)?;
        Ok(Self {
            members,
            modules,
            data,
            version,
        })
    }

    /// The bundles in the order of their names.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// All Rego, in the order in which OPA has it.
    #[must_use]
    pub fn modules(&self) -> &[Module] {
        &self.modules
    }

    /// `data` without what rules make.
    #[must_use]
    pub fn data(&self) -> &Value {
        &self.data
    }

    /// The language of modules that say nothing else.
    #[must_use]
    pub const fn version(&self) -> RegoVersion {
        self.version
    }

    /// The revisions: that of the one bundle, or of each with its name. Opaque; for logs and caches.
    #[must_use]
    pub fn revision(&self) -> String {
        match self.members.as_slice() {
            [only] => only.bundle.revision().to_owned(),
            members => {
                let each = members
                    .iter()
                    .map(|member| format!("{}={}", member.name, member.bundle.revision()));
                each.collect::<Vec<_>>().join(",")
            }
        }
    }

    /// Whether a rule can be at, above or below a path: what the modules' packages leave open.
    #[must_use]
    pub fn may_have_rules(&self, path: &DataPath) -> bool {
        self.modules.iter().any(|module| path.meets(&module.package))
    }
}

impl Member {
    pub(crate) fn roots(&self) -> &[String] {
        &self.bundle.manifest().roots
    }

    /// The bundle's Rego: each module within the bundle's roots.
    pub(crate) fn modules(&self, default: RegoVersion) -> Result<Vec<Module>, CollectionError> {
        self.bundle
            .modules()
            .map(|(path, text)| {
                let bundle = || self.name.clone();
                let package = std::str::from_utf8(text).ok().and_then(package);
                let package = package.ok_or_else(|| CollectionError::NoPackage {
                    bundle: bundle(),
                    module: path.to_owned(),
                })?;
                if !self.roots().iter().any(|root| roots::contains(root, &package)) {
                    return Err(CollectionError::ModuleOutsideRoots {
                        bundle: bundle(),
                        roots: self.roots().to_vec(),
                        package: package.join("."),
                        module: path.to_owned(),
                    });
                }
                Ok(Module {
                    id: format!("{}/{path}", self.name.trim_matches('/')),
                    bundle: Some(bundle()),
                    path: path.to_owned(),
                    package,
                    version: self.version_of(path, default)?,
                    text: text.to_vec(),
                })
            })
            .collect()
    }

    /// As `Manifest.RegoVersionForFile` finds it.
    fn version_of(&self, path: &str, default: RegoVersion) -> Result<RegoVersion, CollectionError> {
        let manifest = self.bundle.manifest();
        let path = format!("/{path}");
        let mut number = manifest.rego_version;
        for (pattern, version) in &manifest.file_rego_versions {
            let matches =
                postern_rego::glob_match(pattern, &path).map_err(|problem| CollectionError::Pattern {
                    bundle: self.name.clone(),
                    pattern: pattern.clone(),
                    problem,
                })?;
            if matches {
                number = Some(*version);
                break;
            }
        }
        Ok(match number {
            Some(0) => RegoVersion::V0,
            Some(_) => RegoVersion::V1,
            None => default,
        })
    }
}

#[cfg(test)]
mod tests;
