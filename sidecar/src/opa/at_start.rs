//! The policy that the process is started with: files and folders, or bundles, from its command line.

use std::path::Path;

use postern_compiler::loose::{self, LooseError, Prefixed};
use postern_opa_config::{PolicyFiles, RegoVersion};
use postern_policy::Limits;
use postern_policy::activation::Verified;
use postern_policy::collection::{self, Given, Loose};

use super::verification;

/// What was read, before it is compiled.
#[derive(Debug)]
pub(super) struct AtStart {
    /// Files outside of bundles.
    pub(super) loose: Loose,
    /// The language of Rego that doesn't say itself.
    pub(super) version: collection::RegoVersion,
    /// Bundles.
    pub(super) bundles: Vec<Verified>,
    /// Whether there is anything.
    pub(super) is_empty: bool,
}

/// Why the policy can't be had.
pub(crate) type AtStartError = LooseError;

/// Reads what `files` names.
///
/// # Errors
/// The first thing that can't be read, isn't what it should be, or isn't signed as it must be.
pub(super) fn read(files: &PolicyFiles, limits: &Limits) -> Result<AtStart, AtStartError> {
    let version = match files.rego {
        RegoVersion::V0 => collection::RegoVersion::V0,
        RegoVersion::V1 => collection::RegoVersion::V1,
    };
    let is_empty = files.paths.is_empty();
    let (loose, bundles) = if files.as_bundles {
        let bundles = files.paths.iter().map(|path| {
            let path = path.path.as_str();
            let verification = verification::of_files(files, Path::new(path));
            let bundle = loose::bundle(Path::new(path), &files.ignore, &verification, limits)?;
            Ok(Verified::arrived(path, bundle, "", Given::AtStart))
        });
        (Loose::default(), bundles.collect::<Result<_, AtStartError>>()?)
    } else {
        let placed = files.paths.iter().map(|path| Prefixed {
            place: path.prefix.clone(),
            path: Path::new(&path.path),
        });
        (loose::read_prefixed(placed, &files.ignore, version)?, Vec::new())
    };
    Ok(AtStart {
        loose,
        version,
        bundles,
        is_empty,
    })
}

#[cfg(test)]
mod tests {
    use postern_opa_config::{FileVerification, PolicyPath};
    use secrecy::SecretString;

    use super::*;

    fn files(path: &Path) -> PolicyFiles {
        PolicyFiles {
            paths: vec![PolicyPath {
                prefix: Vec::new(),
                path: path.display().to_string(),
            }],
            as_bundles: true,
            ignore: Vec::new(),
            rego: RegoVersion::V1,
            verification: None,
            skip_verify: false,
            watch: false,
        }
    }

    #[test]
    fn a_signed_bundle_is_refused_unless_there_is_a_key_or_nobody_need_verify_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("p.rego"), "package a").unwrap();
        let limits = Limits::default();
        let mut files = files(folder.path());
        assert_eq!(read(&files, &limits).unwrap().bundles.len(), 1);
        let signatures = r#"{"signatures": ["e30.e30.c2ln"]}"#;
        std::fs::write(folder.path().join(".signatures.json"), signatures).unwrap();
        let refused = read(&files, &limits).unwrap_err().to_string();
        assert!(refused.contains("verification key not provided"), "{refused}");
        files.skip_verify = true;
        assert_eq!(read(&files, &limits).unwrap().bundles.len(), 1);
        files.skip_verify = false;
        files.verification = Some(FileVerification {
            key: SecretString::from("a secret"),
            key_id: "default".to_owned(),
            algorithm: "HS256".to_owned(),
            scope: None,
            exclude_files: Vec::new(),
        });
        let refused = read(&files, &limits).unwrap_err().to_string();
        assert!(refused.contains("failed to verify JWT signature"), "{refused}");
        std::fs::remove_file(folder.path().join(".signatures.json")).unwrap();
        let refused = read(&files, &limits).unwrap_err().to_string();
        assert!(
            refused.contains("bundle missing .signatures.json file"),
            "{refused}"
        );
    }
}
