//! Files that only their owner may read (0600), made so that a crash at any point leaves the old file, the new one,
//! or a stray temporary, never half a file. It never follows what an earlier crash left behind.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::Entropy;

/// What [`claim_private`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// The file wasn't there and now holds our bytes.
    Ours,
    /// Another file was there already and is untouched.
    Theirs,
}

/// Writes `bytes` to `path` with mode 0600, replacing what is there in one step.
///
/// # Errors
/// Whatever the file system answers; then `path` is as it was.
pub fn write_private(path: &Path, bytes: &[u8], entropy: &dyn Entropy) -> io::Result<()> {
    let temporary = Temporary::with(path, bytes, entropy)?;
    fs::rename(&temporary.path, path)?;
    sync_parent(path)
}

/// Writes `bytes` to `path` with mode 0600 unless a file is there: of several processes that try at once exactly
/// one is answered [`Claimed::Ours`], and all find the same bytes afterwards.
///
/// # Errors
/// Whatever the file system answers; then `path` is as it was.
pub fn claim_private(path: &Path, bytes: &[u8], entropy: &dyn Entropy) -> io::Result<Claimed> {
    let temporary = Temporary::with(path, bytes, entropy)?;
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
    fn with(destination: &Path, bytes: &[u8], entropy: &dyn Entropy) -> io::Result<Self> {
        let name = destination
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path has no file name"))?;
        let suffix = hex::encode(crate::random_bytes::<8>(entropy));
        let path = destination.with_file_name(format!(".{name}.{suffix}.tmp"));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        let temporary = Self { path };
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(temporary)
    }
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
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::SystemEntropy;

    #[test]
    fn a_private_file_is_readable_by_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        write_private(&path, b"one", &SystemEntropy).unwrap();
        write_private(&path, b"two", &SystemEntropy).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "no temporary is left"
        );
    }

    #[test]
    fn a_claim_never_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        assert_eq!(
            claim_private(&path, b"one", &SystemEntropy).unwrap(),
            Claimed::Ours
        );
        assert_eq!(
            claim_private(&path, b"two", &SystemEntropy).unwrap(),
            Claimed::Theirs
        );
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "no temporary is left"
        );
    }

    #[test]
    fn of_many_that_claim_at_once_one_wins() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let outcomes: Vec<(u8, Claimed)> = std::thread::scope(|scope| {
            let claims: Vec<_> = (0..8_u8)
                .map(|n| {
                    let path = &path;
                    scope.spawn(move || (n, claim_private(path, &[n], &SystemEntropy).unwrap()))
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
