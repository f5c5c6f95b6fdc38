//! What compiles policies, and signs what comes of it.

use std::path::Path;
use std::sync::Arc;

use postern_compiler::program_in_path;
use postern_config::{ConfigError, Document};
use postern_jose::{LocalSigner, Signer as _};
use postern_policy::{OPA_VERSION, Verification, VerificationKey};
use postern_policy_service::CompileSettings;

use super::Compile;

/// The compiler of the file, checked. What it signs is believed from then on, too.
pub(super) fn checked(
    document: &Document,
    file: &Compile,
    data_dir: &Path,
    verification: &mut Verification,
) -> Result<CompileSettings, ConfigError> {
    let invalid =
        |key: &str, message: &str| document.invalid(&["policy", "compile", key], message.to_owned());
    // A mere name isn't a file beside the configuration.
    let program = if file.opa.components().count() > 1 {
        document.resolve(&file.opa)
    } else {
        file.opa.clone()
    };
    let opa = program_in_path(&program).ok_or_else(|| {
        invalid(
            "opa",
            &format!(
                "{} is not a program that can be run; expected OPA's (version {OPA_VERSION}), by its path or by a name in PATH",
                program.display()
            ),
        )
    })?;
    let signer = file
        .signing_key_file
        .as_ref()
        .map(|path| signer(document, path, file.key_id.as_deref()))
        .transpose()?;
    if let Verification::Keys(keys) = verification {
        let Some(signer) = &signer else {
            return Err(invalid(
                "signing_key_file",
                "expected the key to sign with: bundles that are compiled here have no other signature that fits",
            ));
        };
        let key = VerificationKey::new(signer.key_id(), signer.algorithm(), signer.public_jwk())
            .map_err(|error| invalid("signing_key_file", &error.to_string()))?;
        if keys.insert(key.key_id.clone(), key).is_some() {
            return Err(invalid(
                "key_id",
                "expected another id than those of policy.verification.keys",
            ));
        }
    }
    Ok(CompileSettings {
        opa,
        folder: data_dir.join("compiling"),
        signer: signer.map(Arc::new),
    })
}

fn signer(document: &Document, path: &Path, key_id: Option<&str>) -> Result<LocalSigner, ConfigError> {
    let path = document.resolve(path);
    let invalid = |message: String| {
        document.invalid(
            &["policy", "compile", "signing_key_file"],
            format!("{}: {message}", path.display()),
        )
    };
    let pem = std::fs::read_to_string(&path).map(zeroize::Zeroizing::new);
    let pem = pem.map_err(|error| invalid(error.to_string()))?;
    LocalSigner::from_pkcs8_pem(key_id, &pem).map_err(|error| invalid(error.to_string()))
}
