//! The data folder of `postern dev`: what lies where, its version, its lock. Never touches a folder that isn't its own.

use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

/// The layout that this version writes.
const VERSION: u32 = 1;
/// `sun_path` of a socket address holds 108 bytes on Linux, the last of them a NUL.
const MAX_SOCKET_PATH_BYTES: usize = 107;

/// An open data folder. Nobody else has it open while this lives.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    /// Held, never read: the system lets go of it with the process, however that ends.
    _lock: File,
}

/// Why a folder can't be used. Nothing in it has been touched.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The file system said no.
    #[error("data folder {}: {source}", path.display())]
    Io {
        /// What was looked at.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// Something else lives there.
    #[error("{} is not empty and not a data folder of `postern dev` (no VERSION file); name an empty or a new one", .0.display())]
    Foreign(PathBuf),
    /// A newer version made it.
    #[error("{} was made by a newer version of postern (layout {found}, this one knows {VERSION}); use that, or another --data-dir", path.display())]
    Newer {
        /// The folder.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// The version can't be read.
    #[error("{}: expected a number, got `{found}`", path.display())]
    VersionForm {
        /// The file.
        path: PathBuf,
        /// What is in it.
        found: String,
    },
    /// Another `postern dev` runs in it.
    #[error("another `postern dev` uses {}; stop it, or take another --data-dir", .0.display())]
    InUse(PathBuf),
}

impl Folder {
    /// Opens the folder, making it where there is none.
    ///
    /// # Errors
    /// When it is somebody else's, newer, or in use.
    pub fn open(root: &Path) -> Result<Self, FolderError> {
        let io_error = |path: &Path| {
            let path = path.to_owned();
            move |source| FolderError::Io { path, source }
        };
        let root = std::path::absolute(root).map_err(io_error(root))?;
        make_private_dir(&root).map_err(io_error(&root))?;
        // One spelling, so that what is written into it works from any working directory, links or not.
        let root = fs::canonicalize(&root).map_err(io_error(&root))?;
        check_version(&root)?;
        let lock_path = root.join("run/dev.lock");
        make_private_dir(&root.join("run")).map_err(io_error(&root))?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(io_error(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(FolderError::InUse(root)),
            Err(TryLockError::Error(source)) => {
                return Err(FolderError::Io {
                    path: lock_path,
                    source,
                });
            }
        }
        for name in ["config", "keys", "logs"] {
            let dir = root.join(name);
            make_private_dir(&dir).map_err(io_error(&dir))?;
        }
        Ok(Self { root, _lock: lock })
    }

    /// Its absolute path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Something in it.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Where a part's configuration lies.
    pub fn config(&self, part: &str) -> PathBuf {
        self.root.join("config").join(format!("{part}.yaml"))
    }

    /// Where a part's log goes.
    pub fn log(&self, part: &str) -> PathBuf {
        self.root.join("logs").join(format!("{part}.log"))
    }

    /// Where the sidecar answers Envoy: in the folder, or, where that path is too long for a socket, in a private folder
    /// of the runtime directory whose name depends on the data folder alone.
    ///
    /// # Errors
    /// When that folder can't be made, or is somebody else's.
    pub fn ext_authz_socket(&self, runtime_dir: &Path) -> Result<PathBuf, FolderError> {
        let path = self.path("run/ext_authz.sock");
        if path.as_os_str().len() <= MAX_SOCKET_PATH_BYTES {
            return Ok(path);
        }
        let dir = runtime_dir.join(format!(
            "postern-{:016x}",
            fnv1a(self.root.as_os_str().as_encoded_bytes())
        ));
        let io_error = |source| FolderError::Io {
            path: dir.clone(),
            source,
        };
        make_private_dir(&dir).map_err(io_error)?;
        let (ours, theirs) = (
            fs::metadata(&self.root).map_err(io_error)?,
            fs::symlink_metadata(&dir).map_err(io_error)?,
        );
        if !theirs.is_dir() || theirs.uid() != ours.uid() || theirs.mode() & 0o077 != 0 {
            return Err(io_error(io::Error::other(
                "expected a folder of mode 0700 that belongs to you",
            )));
        }
        Ok(dir.join("ext_authz.sock"))
    }
}

/// `$XDG_RUNTIME_DIR`, or the temporary folder.
pub fn runtime_dir() -> PathBuf {
    std::env::var_os("XDG_RUNTIME_DIR")
        .filter(|dir| !dir.is_empty())
        .map_or_else(std::env::temp_dir, PathBuf::from)
}

/// Writes a file that only its owner can read, at once or not at all; it is on the disk when this returns.
///
/// # Errors
/// What the file system said.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Two `postern dev` may start on one folder at once, before one of them finds that it isn't its own.
    postern_process::replace_private(path, &[bytes], &std::process::id().to_string())
}

fn make_private_dir(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn check_version(root: &Path) -> Result<(), FolderError> {
    let path = root.join("VERSION");
    let io_error = |source| FolderError::Io {
        path: path.clone(),
        source,
    };
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if fs::read_dir(root).map_err(io_error)?.next().is_some() {
                return Err(FolderError::Foreign(root.to_owned()));
            }
            return write_private(&path, format!("{VERSION}\n").as_bytes()).map_err(io_error);
        }
        Err(error) => return Err(io_error(error)),
    };
    let found = text.trim();
    match found.parse::<u32>() {
        Ok(version) if version <= VERSION => Ok(()),
        Ok(found) => Err(FolderError::Newer {
            path: root.to_owned(),
            found,
        }),
        Err(_) => Err(FolderError::VersionForm {
            path: path.clone(),
            found: found.to_owned(),
        }),
    }
}

/// FNV-1a, 64 bits: a short, stable name for a path; nothing rests on its strength.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_new_folder_gets_a_version_and_is_private() {
        let temp = tempfile::tempdir().unwrap();
        let folder = Folder::open(&temp.path().join("a/.postern")).unwrap();
        assert_eq!(fs::read_to_string(folder.path("VERSION")).unwrap(), "1\n");
        assert_eq!(mode(folder.root()), 0o700);
    }

    #[test]
    fn a_newer_folder_is_refused_untouched() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("VERSION"), "2\n").unwrap();
        let error = Folder::open(temp.path()).unwrap_err();
        assert!(matches!(error, FolderError::Newer { found: 2, .. }), "{error}");
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 1, "nothing was added");
    }

    #[test]
    fn a_folder_of_something_else_is_refused_untouched() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("thesis.tex"), "").unwrap();
        assert!(matches!(Folder::open(temp.path()), Err(FolderError::Foreign(_))));
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 1, "nothing was added");
    }

    #[test]
    fn a_second_dev_in_the_same_folder_is_refused_until_the_first_ends() {
        let temp = tempfile::tempdir().unwrap();
        let first = Folder::open(temp.path()).unwrap();
        assert!(matches!(Folder::open(temp.path()), Err(FolderError::InUse(_))));
        drop(first);
        assert!(Folder::open(temp.path()).is_ok());
    }

    #[test]
    fn private_files_are_private_and_replaced_whole() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("secret");
        fs::write(&path, "old, and readable by all").unwrap();
        write_private(&path, b"new").unwrap();
        assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"new".to_vec(), 0o600));
    }

    #[test]
    fn a_path_too_long_for_a_socket_falls_back_to_a_private_short_one() {
        let temp = tempfile::tempdir().unwrap();
        let folder = Folder::open(&temp.path().join("x".repeat(120))).unwrap();
        let socket = folder.ext_authz_socket(temp.path()).unwrap();
        assert!(socket.as_os_str().len() <= MAX_SOCKET_PATH_BYTES);
        assert_eq!(mode(socket.parent().unwrap()), 0o700);
        assert_eq!(
            folder.ext_authz_socket(temp.path()).unwrap(),
            socket,
            "the same at the next start"
        );
        fs::set_permissions(socket.parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(
            folder.ext_authz_socket(temp.path()).is_err(),
            "not one that others can enter"
        );
    }
}
