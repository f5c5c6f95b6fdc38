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
    let newer = sources(&path).into_iter().find(|source| modified(source) > built);
    assert!(
        newer.is_none(),
        "{name} is older than {}: run `cargo build --workspace --bins` first",
        newer.unwrap_or_default().display()
    );
    path
}

/// The files that cargo says a binary was built from (`<binary>.d`, in make's syntax).
fn sources(binary: &Path) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(binary.with_extension("d")).unwrap_or_default();
    let (_, sources) = text.split_once(": ").unwrap_or_default();
    // A blank in a path is written `\ `.
    let unescaped = sources.trim_end().replace("\\ ", "\0");
    unescaped
        .split(' ')
        .filter(|path| !path.is_empty())
        .map(|path| path.replace('\0', " ").into())
        .collect()
}

fn modified(path: &Path) -> SystemTime {
    path.metadata()
        .and_then(|metadata| metadata.modified())
        .unwrap_or(SystemTime::UNIX_EPOCH)
}
