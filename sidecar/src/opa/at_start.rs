//! The policy that the process is started with: files and folders, or bundles, from its command line.

use std::path::Path;
use std::sync::Arc;

use postern_compiler::loose::{self, LooseError, Prefixed};
use postern_opa_config::{PolicyFiles, RegoVersion};
use postern_policy::activation::{Active, Verified};
use postern_policy::collection::{self, Given, Loose, Member};
use postern_policy::{Limits, Verification};

/// What was read, before it is compiled.
#[derive(Debug)]
pub(super) struct AtStart {
    /// Files outside of bundles.
    pub(super) active: Active,
    /// Bundles.
    pub(super) bundles: Vec<Verified>,
    /// Whether there is anything.
    pub(super) is_empty: bool,
}

/// Reads what `files` names.
///
/// # Errors
/// The first thing that can't be read, or isn't what it should be.
pub(super) fn read(files: &PolicyFiles, limits: &Limits) -> Result<AtStart, LooseError> {
    let version = match files.rego {
        RegoVersion::V0 => collection::RegoVersion::V0,
        RegoVersion::V1 => collection::RegoVersion::V1,
    };
    let is_empty = files.paths.is_empty();
    let (loose, bundles) = if files.as_bundles {
        let bundles = files.paths.iter().map(|path| {
            let path = path.path.as_str();
            let bundle = loose::bundle(Path::new(path), &files.ignore, &Verification::Unsigned, limits)?;
            Ok(Verified::of(Member {
                name: path.to_owned(),
                bundle: Arc::new(bundle),
                etag: String::new(),
                given: Given::AtStart,
            }))
        });
        (Loose::default(), bundles.collect::<Result<_, LooseError>>()?)
    } else {
        let placed = files.paths.iter().map(|path| Prefixed {
            place: path.prefix.clone(),
            path: Path::new(&path.path),
        });
        (loose::read_prefixed(placed, &files.ignore, version)?, Vec::new())
    };
    Ok(AtStart {
        active: Active::new(loose, version),
        bundles,
        is_empty,
    })
}
