//! Which signatures of bundles count, by OPA's configuration and command line.

use std::path::Path;
use std::sync::Arc;

use postern_opa_config::{Keys, PolicyFiles, Signing};
use postern_policy::{OpaKey, OpaVerification, Verification};
use secrecy::ExposeSecret as _;

/// Of a bundle with this `signing`, under these `keys`. A bundle without either must not be signed.
pub(super) fn of_bundle(keys: &Keys, signing: Option<&Signing>) -> Verification {
    let verification = signing.map(|signing| OpaVerification {
        keys: keys
            .iter()
            .map(|(id, key)| {
                let text = key.key.as_ref().map_or("", |key| key.expose_secret());
                let key = OpaKey {
                    key: text.to_owned(),
                    algorithm: key.algorithm.clone(),
                    scope: key.scope.clone(),
                };
                (id.clone(), key)
            })
            .collect(),
        key_id: signing.key_id.clone(),
        scope: signing.scope.clone(),
        exclude_files: signing.exclude_files.clone(),
        base: String::new(),
        is_required: signing.is_required,
        takes_unsigned_deltas: signing.allow_unsigned_delta_bundles,
    });
    Verification::AsOpa(Arc::new(verification.unwrap_or_default()))
}

/// Of the bundle at `path`, which the command line names.
pub(super) fn of_files(files: &PolicyFiles, path: &Path) -> Verification {
    if files.skip_verify {
        return Verification::Unsigned;
    }
    let verification = files.verification.as_ref().map(|given| {
        let key = OpaKey {
            key: given.key.expose_secret().to_owned(),
            algorithm: given.algorithm.clone(),
            scope: None,
        };
        OpaVerification {
            keys: [(given.key_id.clone(), key)].into(),
            key_id: Some(given.key_id.clone()),
            scope: given.scope.clone(),
            exclude_files: given.exclude_files.clone(),
            base: base(path),
            is_required: true,
            takes_unsigned_deltas: false,
        }
    });
    Verification::AsOpa(Arc::new(verification.unwrap_or_default()))
}

/// What names begin with in the signature that `opa sign` makes of a folder; those of an archive are its own.
fn base(path: &Path) -> String {
    if !path.is_dir() {
        return String::new();
    }
    let text = path.to_string_lossy();
    let parts = text.split('/').filter(|part| !part.is_empty() && *part != ".");
    parts.map(|part| format!("{part}/")).collect()
}
