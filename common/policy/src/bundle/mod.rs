//! OPA's bundles: a gzipped tar of Rego, data, a plan, a manifest and a signature. What comes out of [`Bundle::read`]
//! has been bounded, checked and, unless configured otherwise, proved to be what one of the reader's keys signed.
//!
//! Read: `.manifest` or `.manifest.pb`, `data.json`, `data.yaml` and `data.yml` in any folder, `plan.json` or `plan.pb` at the root, `policy.wasm` where
//! the manifest names it or at the root, `*.rego` (kept, not interpreted), `.signatures.json` at the root. Other files are kept and mean nothing, as in OPA. What OPA would
//! interpret and we don't is refused by name, never passed over: delta bundles, but for who asks for them ([`Arrived`]).

mod archive;
#[cfg(feature = "builtins")]
mod as_opa;
mod builder;
mod configured;
mod data;
mod delta;
mod digest;
mod error;
mod limits;
mod manifest;
mod name;
mod planned;
mod sequence;
mod signature;
mod verification;

use std::sync::Arc;

use postern_jose::Signer;
use postern_rego::Value;

use crate::PlanFile;
use archive::Files;
use digest::file_name;
use signature::SIGNATURES;

#[cfg(feature = "builtins")]
pub use as_opa::{OpaKey, OpaVerification};
pub use builder::BundleBuilder;
pub use configured::{VerificationKeySection, VerificationSection, VerificationSectionError};
pub use delta::{Arrived, Delta, DeltaError, Deltas};
pub use error::BundleError;
pub use limits::Limits;
pub use manifest::{Manifest, WasmEntry};
pub use name::BundleName;
pub use planned::with_plan;
pub use sequence::{MAX_SEQUENCE, with_sequence};
pub use verification::{Verification, VerificationKey};

const MANIFEST: &str = ".manifest";
const MANIFEST_PROTOBUF: &str = ".manifest.pb";
const PLAN: &str = "plan.json";
const PLAN_PROTOBUF: &str = "plan.pb";

/// A bundle that was read and found good.
#[derive(Debug, Clone)]
pub struct Bundle {
    manifest: Manifest,
    data: Value,
    files: Arc<Files>,
    signed_by: Option<String>,
    /// What the manifest of the last delta said, where deltas changed it.
    changed: Option<Arc<delta::Stated>>,
}

impl Bundle {
    /// Reads an archive: bounds, paths, signature, digests, manifest, data, roots, in this order. Whether the plan can
    /// run is for [`PlanEngine`](crate::PlanEngine) to say.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn read(archive: &[u8], verification: &Verification, limits: &Limits) -> Result<Self, BundleError> {
        let files = archive::read(archive, limits)?;
        Self::verified(files, verification, limits)
    }

    /// A bundle that is a folder: its files by their paths in it. As [`Bundle::read`], but for the archive.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn of_files(
        files: impl IntoIterator<Item = (String, Vec<u8>)>,
        verification: &Verification,
        limits: &Limits,
    ) -> Result<Self, BundleError> {
        Self::verified(checked(files, limits)?, verification, limits)
    }

    fn verified(files: Files, verification: &Verification, limits: &Limits) -> Result<Self, BundleError> {
        let bundle = Self::proved(files, verification, limits)?;
        let delta = bundle.files.keys().find(|path| file_name(path) == delta::PATCH);
        if let Some(path) = delta {
            return Err(BundleError::Unsupported {
                path: path.clone(),
                what: "delta bundles aren't supported; publish a snapshot",
            });
        }
        Ok(bundle)
    }

    /// A bundle that isn't a delta.
    fn proved(files: Files, verification: &Verification, limits: &Limits) -> Result<Self, BundleError> {
        let signed_by = match verification {
            Verification::Keys(keys) => Some(signature::verify(&files, keys, limits)?),
            Verification::Unsigned => None,
            #[cfg(feature = "builtins")]
            Verification::AsOpa(opa) => opa.verify(&files, limits)?,
        };
        Self::from_files(files, signed_by)
    }

    fn from_files(files: Files, signed_by: Option<String>) -> Result<Self, BundleError> {
        refuse_misplaced(&files)?;
        let manifest = manifest_of(&files)?;
        if files.contains_key(PLAN) && files.contains_key(PLAN_PROTOBUF) {
            return Err(two(PLAN_PROTOBUF, "there is a plan.json, too; keep one of them"));
        }
        let data = data::read(&files, &manifest)?;
        Ok(Self {
            data,
            files: Arc::new(files),
            signed_by,
            ..Self::empty(manifest)
        })
    }

    fn empty(manifest: Manifest) -> Self {
        Self {
            manifest,
            data: Value::Object(postern_rego::Object::default()),
            files: Arc::default(),
            signed_by: None,
            changed: None,
        }
    }

    /// The manifest; that of [`Manifest::absent`] where there is none.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The manifest as it is told to policies, and its text where there is any: after a delta that of the delta, whose language
    /// says nothing of the modules.
    pub(crate) fn told_manifest(&self) -> (&Manifest, Option<&[u8]>) {
        match &self.changed {
            Some(stated) => (&stated.manifest, stated.text.as_deref()),
            None => (&self.manifest, self.file(MANIFEST)),
        }
    }

    /// Whether deltas made it what it is.
    pub(crate) fn is_changed(&self) -> bool {
        self.changed.is_some()
    }

    /// The revision: opaque, never ordered; may be empty.
    #[must_use]
    pub fn revision(&self) -> &str {
        &self.manifest.revision
    }

    /// The base data as one document.
    #[must_use]
    pub fn data(&self) -> &Value {
        &self.data
    }

    /// `plan.json` or `plan.pb`, where there is one.
    #[must_use]
    pub fn plan(&self) -> Option<PlanFile<'_>> {
        let json = self.files.get(PLAN).map(|plan| PlanFile::Json(plan));
        json.or_else(|| self.files.get(PLAN_PROTOBUF).map(|plan| PlanFile::Protobuf(plan)))
    }

    /// All files in the order of their paths, without a leading slash; the signature is one of them.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files
            .iter()
            .map(|(path, content)| (path.as_str(), content.as_slice()))
    }

    /// A file by its path, without a leading slash.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }

    /// The Rego files in the order of their paths.
    pub fn modules(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files().filter(|(path, _)| is_rego(path))
    }

    /// What it is called and what it owns, without what is in it.
    #[must_use]
    pub fn outline(&self) -> Self {
        Self {
            signed_by: self.signed_by.clone(),
            ..Self::empty(self.manifest.clone())
        }
    }

    fn into_files(self) -> Files {
        Arc::unwrap_or_clone(self.files)
    }

    /// The id of the key that signed it: proved. `None` where signatures were not looked at.
    #[must_use]
    pub fn signed_by(&self) -> Option<&str> {
        self.signed_by.as_deref()
    }

    /// The id of the key that the signature *names*, which nobody has proved; `None` where there is no signature.
    ///
    /// # Errors
    /// When the signatures file is ill-formed.
    pub fn claimed_key_id(&self) -> Result<Option<String>, BundleError> {
        signature::claimed_key_id(&self.files)
    }
}

/// The archive with a new signature over all its files, in the place of any that it has; its other files are kept
/// byte for byte. OPA verifies it with the same key under the same id.
///
/// # Errors
/// When the archive isn't a good bundle, or the signer fails.
pub fn sign(
    archive: &[u8],
    signer: &dyn Signer,
    key_id: &str,
    limits: &Limits,
) -> Result<Vec<u8>, BundleError> {
    let mut files = Bundle::read(archive, &Verification::Unsigned, limits)?.into_files();
    files.remove(SIGNATURES);
    let signature = signature::sign(&files, signer, key_id)?;
    files.insert(SIGNATURES.to_owned(), signature);
    archive::write(
        files
            .iter()
            .map(|(path, content)| (path.as_str(), content.as_slice())),
    )
}

/// The archive's SHA-256 in hex: the entity tag under which bundles are served.
#[must_use]
pub fn digest_hex(archive: &[u8]) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, archive))
}

/// Two files where one is meant: each reader would take another.
fn two(path: &str, what: &'static str) -> BundleError {
    BundleError::Unsupported {
        path: path.to_owned(),
        what,
    }
}

fn is_rego(path: &str) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(_, extension)| extension == "rego")
}

/// Reads one JSON object; serde alone would also take an array for a struct.
fn parse_object<T: serde::de::DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    if !text.trim_ascii_start().starts_with(b"{") {
        return Err("expected a JSON object".to_owned());
    }
    serde_json::from_slice(text).map_err(|e| e.to_string())
}

/// The files of a folder, by paths that are like those of an archive.
fn checked(
    files: impl IntoIterator<Item = (String, Vec<u8>)>,
    limits: &Limits,
) -> Result<Files, BundleError> {
    let mut checked = Files::new();
    for (path, content) in files {
        let path = archive::normal_path(path.as_bytes(), limits)?;
        checked.insert(path, content);
    }
    Ok(checked)
}

fn manifest_of(files: &Files) -> Result<Manifest, BundleError> {
    match (files.get(MANIFEST), files.get(MANIFEST_PROTOBUF)) {
        (Some(_), Some(_)) => Err(two(
            MANIFEST_PROTOBUF,
            "there is a .manifest, too; keep one of them",
        )),
        (Some(text), None) => Manifest::parse(text),
        (None, Some(bytes)) => Manifest::parse_protobuf(bytes),
        (None, None) => Ok(Manifest::absent()),
    }
}

/// OPA gives these files a meaning that this crate doesn't: passing over one would make another policy of the bundle.
fn refuse_misplaced(files: &Files) -> Result<(), BundleError> {
    for path in files.keys() {
        let what = match file_name(path) {
            _ if path.ends_with(MANIFEST_PROTOBUF) && path != MANIFEST_PROTOBUF => {
                "a manifest stands at the root and is called .manifest.pb"
            }
            _ if path.ends_with(MANIFEST) && path != MANIFEST => {
                "a manifest stands at the root and is called .manifest"
            }
            SIGNATURES if path != SIGNATURES => "a signatures file stands at the root",
            _ => continue,
        };
        return Err(BundleError::Unsupported {
            path: path.clone(),
            what,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
