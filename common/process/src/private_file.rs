//! Files that only their owner may read (0600), made so that a crash at any point leaves the old file, the new one, or a
//! stray temporary, never half a file. It never follows what an earlier crash left behind.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What [`claim_private`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// The file wasn't there and now holds our bytes.
    Ours,
    /// Another file was there already and is untouched.
    Theirs,
}

/// Writes `parts`, one after the other, to `path` with mode 0600, replacing what is there in one step. On the disk when it
/// returns. `writer` tells those apart who may write this file at once: it is part of the temporary's name.
///
/// # Errors
/// Whatever the file system answers; then `path` is as it was.
pub fn replace_private(path: &Path, parts: &[&[u8]], writer: &str) -> io::Result<()> {
    let temporary = Temporary::with(path, parts, writer)?;
    fs::rename(&temporary.path, path)?;
    sync_parent(path)
}

/// Writes `bytes` to `path` with mode 0600 unless a file is there: of several that try at once, each with a `writer` of its
/// own, exactly one is answered [`Claimed::Ours`], and all find the same bytes afterwards.
///
/// # Errors
/// Whatever the file system answers; then `path` is as it was.
pub fn claim_private(path: &Path, bytes: &[u8], writer: &str) -> io::Result<Claimed> {
    let temporary = Temporary::with(path, &[bytes], writer)?;
    // A link, unlike a rename, refuses to replace.
    match fs::hard_link(&temporary.path, path) {
        Ok(()) => sync_parent(path).map(|()| Claimed::Ours),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Claimed::Theirs),
        Err(error) => Err(error),
    }
}

/// A complete file beside its destination, removed when dropped (after a rename there is nothing left to remove).
struct Temporary {
    path: PathBuf,
}

impl Temporary {
    fn with(destination: &Path, parts: &[&[u8]], writer: &str) -> io::Result<Self> {
        let name = destination
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path has no file name"))?;
        let path = destination.with_file_name(format!(".{name}.{writer}.tmp"));
        let mut file = match create(&path) {
            // This writer's own, from before a crash. Removed rather than written to: a link isn't followed.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                fs::remove_file(&path)?;
                create(&path)?
            }
            created => created?,
        };
        let temporary = Self { path };
        for part in parts {
            file.write_all(part)?;
        }
        file.sync_all()?;
        Ok(temporary)
    }
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Gone already after a rename; a stray one does no harm beyond its bytes.
        let _ = fs::remove_file(&self.path);
    }
}

/// A new name is only durable once its folder is.
fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn names(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn a_private_file_is_readable_by_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, "old, and readable by all").unwrap();
        replace_private(&path, &[b"one"], "a").unwrap();
        replace_private(&path, &[b"t", b"", b"wo"], "a").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(names(folder.path()), 1, "no temporary is left");
    }

    #[test]
    fn what_a_crash_left_is_neither_followed_nor_in_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("secret"), folder.path().join("other"));
        fs::write(&other, "untouched").unwrap();
        symlink(&other, folder.path().join(".secret.a.tmp")).unwrap();
        replace_private(&path, &[b"one"], "a").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read(&other).unwrap(), b"untouched");
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
        assert_eq!(names(folder.path()), 2);
    }

    #[test]
    fn what_cannot_be_written_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        replace_private(&path, &[b"one"], "a").unwrap();
        fs::create_dir(folder.path().join(".secret.a.tmp")).unwrap();
        assert!(replace_private(&path, &[b"two"], "a").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert!(replace_private(Path::new("/"), &[b"two"], "a").is_err());
    }

    #[test]
    fn a_claim_never_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        assert_eq!(claim_private(&path, b"one", "a").unwrap(), Claimed::Ours);
        assert_eq!(claim_private(&path, b"two", "b").unwrap(), Claimed::Theirs);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(names(folder.path()), 1, "no temporary is left");
    }

    #[test]
    fn of_many_that_claim_at_once_one_wins() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let outcomes: Vec<(u8, Claimed)> = std::thread::scope(|scope| {
            let claims: Vec<_> = (0..8_u8)
                .map(|n| {
                    let path = &path;
                    scope.spawn(move || (n, claim_private(path, &[n], &n.to_string()).unwrap()))
                })
                .collect();
            claims.into_iter().map(|claim| claim.join().unwrap()).collect()
        });
        let winners: Vec<u8> = outcomes
            .iter()
            .filter(|(_, claimed)| *claimed == Claimed::Ours)
            .map(|(n, _)| *n)
            .collect();
        assert_eq!(winners.len(), 1);
        assert_eq!(fs::read(&path).unwrap(), winners);
    }
}
