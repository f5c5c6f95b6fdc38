//! `persist`: the archive of the bundle in force, at `<persistence_directory>/bundles/<name>/bundle.tar.gz`, where OPA writes and
//! reads it, too.

use std::io;
use std::path::{Component, Path, PathBuf};

use crate::disk::replace_file;

/// Where the archive of that bundle is.
///
/// # Errors
/// When its name would lead out of `folder`.
pub(super) fn path(folder: &Path, name: &str) -> Result<PathBuf, String> {
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if name.is_empty() || !Path::new(name.trim_start_matches('/')).components().all(plain) {
        return Err(format!(
            "the bundle's name, {name}, leads out of persistence_directory; give it another, or take `persist` out"
        ));
    }
    let below = folder.join("bundles").join(name.trim_start_matches('/'));
    Ok(below.join("bundle.tar.gz"))
}

/// The archive at `path`, of at most `limit` bytes; `None` where there is none.
///
/// # Errors
/// When it can't be read, or is larger.
pub(super) fn read(path: &Path, limit: usize) -> Result<Option<Vec<u8>>, String> {
    let problem = |error: io::Error| format!("{}: {error}", path.display());
    match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(problem(error)),
        Ok(metadata) if metadata.len() > limit as u64 => {
            return Err(format!("{}: larger than {limit} bytes", path.display()));
        }
        Ok(_) => {}
    }
    std::fs::read(path).map(Some).map_err(problem)
}

/// Writes the archive to `path`, in the place of what is there. Where that fails and something is there already, it stays,
/// and that is no error, as in OPA.
///
/// # Errors
/// When nothing is there.
pub(super) fn write(path: &Path, archive: &[u8]) -> Result<(), String> {
    let Err(error) = replace_file(path, &[archive]) else {
        return Ok(());
    };
    tracing::error!(path = %path.display(), %error, "the bundle can't be kept on disk");
    if path.exists() {
        return Ok(());
    }
    Err(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_where_opa_has_them() {
        let folder = Path::new("/var/opa");
        assert_eq!(
            path(folder, "authz").unwrap(),
            Path::new("/var/opa/bundles/authz/bundle.tar.gz")
        );
        assert_eq!(
            path(folder, "/a/b").unwrap(),
            Path::new("/var/opa/bundles/a/b/bundle.tar.gz")
        );
        for name in ["", "..", "a/../../b"] {
            assert!(path(folder, name).is_err(), "{name}");
        }
    }

    #[test]
    fn what_is_written_is_read_and_nothing_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path(), "a").unwrap();
        assert_eq!(read(&path, 10), Ok(None));
        write(&path, b"archive").unwrap();
        assert_eq!(read(&path, 10), Ok(Some(b"archive".to_vec())));
        assert!(read(&path, 3).unwrap_err().contains("larger than 3 bytes"));
    }
}
