//! The `VERSION` file of the data folder: one integer. A folder written by a newer version is refused and left untouched.

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::replace_file;

/// The version of the folder's layout that this program reads and writes.
pub const CURRENT: u32 = 1;

/// Why a data folder can't be used.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// It was written by a later program.
    #[error(
        "{}: the data folder is of version {found}, this program knows up to {CURRENT}; \
         start the newer program, or give another `data_dir` (or `persistence_directory`)",
        path.display()
    )]
    Newer {
        /// The file that says so.
        path: PathBuf,
        /// What it says.
        found: u32,
    },
    /// `VERSION` is something else than an integer.
    #[error("{}: expected an integer; is this really a data folder of postern-sidecar?", path.display())]
    NotAVersion {
        /// The file.
        path: PathBuf,
    },
    /// The folder can't be read or written.
    #[error(
        "the data folder can't be used: {}: {error}; let this user write there, or give another `data_dir` (or `persistence_directory`)",
        path.display()
    )]
    Io {
        /// What could not be accessed.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// Makes sure that the folder at `root` is there and of this version.
pub(super) fn settle(root: &Path) -> Result<(), VersionError> {
    let path = root.join("VERSION");
    let io_error = |path: &Path, error| VersionError::Io {
        path: path.to_owned(),
        error,
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => match text.trim().parse::<u32>() {
            Ok(CURRENT) => Ok(()),
            Ok(found) if found > CURRENT => Err(VersionError::Newer { path, found }),
            Ok(_) | Err(_) => Err(VersionError::NotAVersion { path }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(root)
                .map_err(|error| io_error(root, error))?;
            replace_file(&path, &[format!("{CURRENT}\n").as_bytes()]).map_err(|error| io_error(&path, error))
        }
        Err(error) => Err(io_error(&path, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_folder_gets_this_version_and_can_be_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("a/b");
        settle(&root).unwrap();
        assert_eq!(std::fs::read_to_string(root.join("VERSION")).unwrap(), "1\n");
        settle(&root).unwrap();
    }

    #[test]
    fn a_newer_folder_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("VERSION"), "2\n").unwrap();
        let error = settle(folder.path()).unwrap_err();
        assert!(matches!(error, VersionError::Newer { found: 2, .. }), "{error}");
        assert_eq!(
            std::fs::read_to_string(folder.path().join("VERSION")).unwrap(),
            "2\n"
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn something_else_under_that_name_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["", "one", "0", "-1"] {
            std::fs::write(folder.path().join("VERSION"), text).unwrap();
            assert!(
                matches!(settle(folder.path()), Err(VersionError::NotAVersion { .. })),
                "{text:?}"
            );
        }
    }
}
