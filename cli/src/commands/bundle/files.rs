//! Archives in files: read no further than a bundle may be long, written whole or not at all.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    path::Path,
};

use anyhow::Context as _;
use postern_policy::Limits;

/// The bytes of an archive. One that is too long comes back cut, just long enough to be refused as such.
pub fn read_archive(path: &Path) -> anyhow::Result<Vec<u8>> {
    let context = || format!("reading {}", path.display());
    let file = File::open(path).with_context(context)?;
    let limit = u64::try_from(Limits::default().archive_bytes)?.saturating_add(1);
    let mut archive = Vec::new();
    file.take(limit).read_to_end(&mut archive).with_context(context)?;
    Ok(archive)
}

/// Puts an archive at `path` in one step, readable as other files are.
pub fn write_archive(path: &Path, archive: &[u8]) -> anyhow::Result<()> {
    let context = || format!("writing {}", path.display());
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    // As a file made by hand would be: the process's umask decides.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    let mut file = tempfile::Builder::new()
        .permissions(mode)
        .tempfile_in(folder)
        .with_context(context)?;
    file.write_all(archive).with_context(context)?;
    file.persist(path).with_context(context)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_replaced_whole_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b.tar.gz");
        write_archive(&path, b"one").unwrap();
        write_archive(&path, b"two").unwrap();
        assert_eq!(read_archive(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_read_or_written_is_named() {
        assert!(
            read_archive(Path::new("/nowhere/b"))
                .unwrap_err()
                .to_string()
                .contains("/nowhere/b")
        );
        assert!(
            write_archive(Path::new("/nowhere/b"), b"")
                .unwrap_err()
                .to_string()
                .contains("/nowhere/b")
        );
    }
}
