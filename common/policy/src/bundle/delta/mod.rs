//! Delta bundles: what changes of a bundle's data, in `patch.json` (OPA's `v1/bundle/bundle.go`, `store.go`). They have no
//! signature, no Rego and no data of their own. What a delta makes of a bundle is another bundle, with the same policy.
//!
//! | file | job |
//! |---|---|
//! | `patch` | `patch.json` |
//! | `path` | its paths |
//! | `transaction` | its operations on a document, as OPA's store does them |
//! | `update` | one operation on one document |
//! | `node` | values that are changed where they are |
//! | `error` | why a delta is refused |

mod error;
mod node;
mod patch;
mod path;
mod transaction;
mod update;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use postern_rego::{Object, Value};

use super::archive::Files;
use super::{Bundle, BundleError, Limits, MANIFEST, MANIFEST_PROTOBUF, Manifest, Verification, data};
use crate::bundle::digest::file_name;
pub use error::DeltaError;
pub(super) use patch::PATCH;
use patch::{Kind, Written};
use transaction::Transaction;

/// What changes of a bundle's data.
#[derive(Debug, Clone)]
pub struct Delta {
    stated: Arc<Stated>,
    operations: Vec<Written>,
    limits: Limits,
}

/// What a delta's manifest says, as it says it.
#[derive(Debug)]
pub(super) struct Stated {
    pub(super) manifest: Manifest,
    /// `.manifest`, where there is one.
    pub(super) text: Option<Vec<u8>>,
}

/// What came in the place of a bundle.
#[derive(Debug, Clone)]
pub enum Arrived {
    /// A whole bundle.
    Snapshot(Box<Bundle>),
    /// A change of the one before it.
    Delta(Delta),
}

/// How deltas are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deltas {
    /// Whether what comes is kept on a disk, which deltas can't be.
    pub is_kept: bool,
}

impl Arrived {
    /// Reads an archive as [`Bundle::read`] does, and takes a delta, too.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn read(
        archive: &[u8],
        verification: &Verification,
        limits: &Limits,
        deltas: Deltas,
    ) -> Result<Self, BundleError> {
        Self::of(
            super::archive::read(archive, limits)?,
            verification,
            limits,
            deltas,
        )
    }

    /// As [`Bundle::of_files`], and takes a delta, too.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn of_files(
        files: impl IntoIterator<Item = (String, Vec<u8>)>,
        verification: &Verification,
        limits: &Limits,
        deltas: Deltas,
    ) -> Result<Self, BundleError> {
        Self::of(super::checked(files, limits)?, verification, limits, deltas)
    }

    fn of(
        files: Files,
        verification: &Verification,
        limits: &Limits,
        deltas: Deltas,
    ) -> Result<Self, BundleError> {
        let mut patches = files.iter().filter(|(path, _)| file_name(path) == PATCH);
        let patch = patches.next();
        if let Some((path, _)) = patches.next() {
            return Err(super::two(
                path,
                "there is another patch.json, too; keep one of them",
            ));
        }
        let operations = patch.map(|(_, text)| patch::parse(text)).transpose()?;
        match operations {
            Some(operations) if !operations.is_empty() => {
                Delta::of(&files, operations, (verification, limits), deltas).map(Self::Delta)
            }
            // A patch that changes nothing is a file that means nothing.
            _ => Bundle::proved(files, verification, limits).map(|bundle| Self::Snapshot(Box::new(bundle))),
        }
    }

    /// Its revision.
    #[must_use]
    pub fn revision(&self) -> &str {
        match self {
            Self::Snapshot(bundle) => bundle.revision(),
            Self::Delta(delta) => delta.revision(),
        }
    }
}

impl Delta {
    fn of(
        files: &Files,
        operations: Vec<Written>,
        (verification, limits): (&Verification, &Limits),
        deltas: Deltas,
    ) -> Result<Self, BundleError> {
        if !verification.takes_unsigned_deltas() {
            return Err(DeltaError::Unsigned.into());
        }
        super::refuse_misplaced(files)?;
        if *verification != Verification::Unsigned {
            // It proves nothing here, and must be one, as in OPA.
            super::signature::check_form(files)?;
        }
        let is_empty = |path: &str, content: &[u8]| {
            let value = data::parse(path, content).ok();
            value.is_some_and(|value| value == Value::Object(Object::default())) && !path.contains('/')
        };
        let has = |is: &dyn Fn(&str, &[u8]) -> bool| files.iter().any(|(path, content)| is(path, content));
        if has(&|path, content| data::is_data(path) && !is_empty(path, content)) {
            return Err(DeltaError::Beside("data").into());
        }
        if has(&|path, _| super::is_rego(path)) {
            return Err(DeltaError::Beside("policy").into());
        }
        if has(&|path, _| file_name(path) == "policy.wasm") {
            return Err(DeltaError::Beside("wasm").into());
        }
        if deltas.is_kept {
            return Err(DeltaError::Persisted.into());
        }
        let manifest = super::manifest_of(files)?;
        if let Some(entry) = manifest.wasm.first() {
            return Err(DeltaError::WasmMissing(format!("/{}", entry.module)).into());
        }
        for operation in &operations {
            operation.check(&manifest)?;
        }
        Ok(Self {
            stated: Arc::new(Stated {
                manifest,
                text: files.get(MANIFEST).cloned(),
            }),
            operations,
            limits: *limits,
        })
    }

    /// Its manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.stated.manifest
    }

    /// The revision of what it makes of a bundle.
    #[must_use]
    pub fn revision(&self) -> &str {
        &self.stated.manifest.revision
    }

    /// What it makes of the bundle `name`, as it is in force.
    ///
    /// # Errors
    /// [`DeltaError`]: it is of another bundle, an operation fails, or the whole becomes too large.
    pub fn on(&self, name: &str, base: &Bundle) -> Result<Bundle, DeltaError> {
        let manifest = base.manifest();
        if !self.stated.manifest.owns_the_same(manifest) || !manifest.wasm.is_empty() {
            return Err(DeltaError::AnotherBundle(name.to_owned()));
        }
        let data = self.applied(base.data.clone())?;
        self.made(base, data)
    }

    /// What it makes of what is there where no bundle of its name is: OPA takes that.
    ///
    /// # Errors
    /// As [`Delta::on`].
    pub fn on_nothing(&self, there: Value) -> Result<Bundle, DeltaError> {
        let data = self.applied(there)?;
        self.made(&Bundle::empty(self.stated.manifest.clone()), data)
    }

    /// A bundle of its manifest with nothing in it, which is what it is for who looks at no patch.
    #[must_use]
    pub fn without_patch(&self) -> Bundle {
        Bundle::empty(self.stated.manifest.clone())
    }

    fn applied(&self, data: Value) -> Result<Value, DeltaError> {
        let mut transaction = Transaction::over(data);
        for written in &self.operations {
            let operation = written.operation(&self.stated.manifest)?;
            match operation.kind {
                Kind::Upsert => transaction.upsert(&operation.path, operation.value)?,
                Kind::Plain(write) => transaction.write(write, &operation.path, operation.value)?,
            }
        }
        transaction.commit()
    }

    /// The bundle with other data: the same policy, another revision, proved by nobody.
    fn made(&self, base: &Bundle, data: Value) -> Result<Bundle, DeltaError> {
        let files = if base.changed.is_some() {
            Arc::clone(&base.files)
        } else {
            // What the data was before is needed no more.
            let is_kept = |path: &str| !data::is_data(path) && path != MANIFEST && path != MANIFEST_PROTOBUF;
            let files = base.files.iter().filter(|(path, _)| is_kept(path));
            Arc::new(
                files
                    .map(|(path, content)| (path.clone(), content.clone()))
                    .collect(),
            )
        };
        let all = files
            .values()
            .fold(length(&data), |sum, file| sum.saturating_add(file.len() as u64));
        if all > self.limits.inflated_bytes {
            return Err(DeltaError::TooLarge {
                limit: self.limits.inflated_bytes,
            });
        }
        let Manifest {
            revision, metadata, ..
        } = &self.stated.manifest;
        Ok(Bundle {
            // In which Rego its modules are stays as it was, whatever the delta says of it.
            manifest: Manifest {
                revision: revision.clone(),
                metadata: metadata.clone(),
                ..base.manifest.clone()
            },
            data,
            files,
            signed_by: None,
            changed: Some(Arc::clone(&self.stated)),
        })
    }
}

impl Manifest {
    fn owns_the_same(&self, other: &Self) -> bool {
        let all_in = |a: &Self, b: &Self| a.roots.iter().all(|root| b.roots.contains(root));
        all_in(self, other) && all_in(other, self)
    }
}

/// How long a document is as JSON, its strings as they are in memory. Recurses once for each level of nesting.
fn length(value: &Value) -> u64 {
    let text = |text: &str| (text.len() as u64).saturating_add(3);
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(number) => (number.as_str().len() as u64).saturating_add(1),
        Value::String(string) => text(string),
        Value::Array(elements) => elements
            .iter()
            .fold(2, |sum, element| sum.saturating_add(length(element))),
        Value::Object(members) => members.iter().fold(2, |sum, (name, value)| {
            let name = name.as_str().map_or(0, text);
            sum.saturating_add(name).saturating_add(length(value))
        }),
        // JSON has none.
        Value::Set(_) => 0,
    }
}
