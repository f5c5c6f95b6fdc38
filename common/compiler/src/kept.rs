//! Plans on disk, by what they were made from: private, whole or not there, few. One that is damaged is made again, and so is
//! one that somebody else could have written: no signature is on it, and it decides.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use postern_policy::compilation::Compiled;

/// How many are kept: the policies that a process goes back and forth between, not its history.
const MOST: usize = 8;
/// A plan of a policy that is compiled in half a gigabyte is much smaller.
const MAX_BYTES: u64 = 256 << 20;
const ENDING: &str = "compiled";

/// The folder of plans.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    folder: PathBuf,
    /// Whose files count: this process's user.
    user: u32,
}

impl Kept {
    /// Opens the folder, making it where there is none, and clears what a process that was killed left in it.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        for entry in fs::read_dir(folder)?.flatten() {
            // A stray one costs its bytes only.
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(STAGE) {
                let _ = fs::remove_dir_all(entry.path());
            } else if name.starts_with('.') && name.ends_with(".tmp") {
                let _ = fs::remove_file(entry.path());
            }
        }
        let user = fs::metadata(tempfile::Builder::new().prefix(STAGE).tempdir_in(folder)?.path())?.uid();
        let found = fs::metadata(folder)?;
        if found.uid() != user {
            return Err(io::Error::other(format!(
                "{} belongs to another user, who could put any policy there; remove it",
                folder.display()
            )));
        }
        if found.mode() & OF_OTHERS != 0 {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            user,
        })
    }

    /// A folder to compile in, gone when it is dropped.
    pub(crate) fn stage(&self) -> io::Result<tempfile::TempDir> {
        tempfile::Builder::new().prefix(STAGE).tempdir_in(&self.folder)
    }

    /// What was made of that, if it is there and whole.
    pub(crate) fn read(&self, of: &str) -> Option<Compiled> {
        let path = self.path(of);
        let found = fs::symlink_metadata(&path).ok()?;
        let is_ours = found.is_file() && found.uid() == self.user && found.mode() & OF_OTHERS == 0;
        if !is_ours || found.len() > MAX_BYTES {
            return None;
        }
        Compiled::from_bytes(&fs::read(&path).ok()?, of).ok()
    }

    /// Keeps what was made, and as many of the others as may be.
    pub(crate) fn write(&self, of: &str, compiled: &Compiled) -> io::Result<()> {
        let bytes = compiled.to_bytes(of).map_err(io::Error::other)?;
        let path = self.path(of);
        postern_process::replace_private(&path, &[&bytes], "new")?;
        let mut others: Vec<(SystemTime, PathBuf)> = fs::read_dir(&self.folder)?
            .flatten()
            .map(|entry| entry.path())
            .filter(|other| *other != path && other.extension().is_some_and(|ending| ending == ENDING))
            .filter_map(|other| Some((fs::metadata(&other).and_then(|meta| meta.modified()).ok()?, other)))
            .collect();
        others.sort();
        let too_many = (others.len() + 1).saturating_sub(MOST);
        for (_, other) in others.into_iter().take(too_many) {
            fs::remove_file(other)?;
        }
        Ok(())
    }

    fn path(&self, of: &str) -> PathBuf {
        self.folder.join(format!("{of}.{ENDING}"))
    }
}

const STAGE: &str = "stage-";
/// The permissions of others to write.
const OF_OTHERS: u32 = 0o022;
