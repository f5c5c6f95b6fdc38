//! Finds the binaries under test beside the test itself, and refuses ones that are older than their sources: a test that
//! passes on yesterday's binary has tested nothing.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The path of a binary of this build.
///
/// # Panics
/// Where it was not built, or before its sources changed.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap_or_else(|error| panic!("no own path: {error}"));
    // target/debug/deps/<test> or target/debug/<bin>
    let path = own
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("{name} is not built: run `cargo build --workspace --bins` first"));
    let built = modified(&path);
    let newest = ["common", "control-plane", "sidecar", "cli", "proto"]
        .iter()
        .filter_map(|room| newest_source(&root().join(room)))
        .max();
    assert!(
        newest.is_none_or(|newest| newest <= built),
        "{name} is older than its sources: run `cargo build --workspace --bins` first"
    );
    path
}

fn modified(path: &Path) -> SystemTime {
    path.metadata()
        .and_then(|metadata| metadata.modified())
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

fn newest_source(folder: &Path) -> Option<SystemTime> {
    let entries = std::fs::read_dir(folder).ok()?;
    entries
        .flatten()
        .filter_map(|entry| {
            let path = entry.path();
            if path.is_dir() {
                let skipped = path
                    .file_name()
                    .is_some_and(|name| name == "tests" || name == "examples");
                return if skipped { None } else { newest_source(&path) };
            }
            path.extension()
                .is_some_and(|extension| extension == "rs")
                .then(|| modified(&path))
        })
        .max()
}
