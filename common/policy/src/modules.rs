//! Where the process keeps what it compiled of Wasm modules: machine code, compiled once rather than at each start.

use std::io;
use std::path::Path;

/// Has what is compiled of Wasm modules kept in this folder, from the first that is loaded on: at most eight, and 64 MiB. It is
/// made where there is none, and must be this user's alone, since what lies there is run. Of one process at a time, and the
/// same for all of the process; to be called before any module is loaded. In a build without the feature `wasm` nothing is
/// kept.
///
/// # Errors
/// Where the folder can't be made or is others' too, and where another was named before: then modules are compiled at each start.
pub fn keep_modules_in(folder: &Path) -> io::Result<()> {
    #[cfg(feature = "wasm")]
    {
        make_private(folder)?;
        crate::wasm::keep_in(folder)
    }
    #[cfg(not(feature = "wasm"))]
    {
        let _ = folder;
        Ok(())
    }
}

#[cfg(feature = "wasm")]
fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};

    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    // A link is somebody's who may lead it elsewhere.
    let found = std::fs::symlink_metadata(folder)?;
    let own = std::fs::metadata("/proc/self").map_or(found.uid(), |own| own.uid());
    if found.is_dir() && found.uid() == own && found.mode() & 0o077 == 0 {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        "what lies there is run as part of this program, and others may change it; remove it, or `chown` it to this user and \
         `chmod 700` it",
    ))
}

#[cfg(all(test, feature = "wasm"))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_that_others_may_change_is_refused() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("a/modules");
        make_private(&folder).unwrap();
        make_private(&folder).unwrap();
        for mode in [0o770, 0o707, 0o701] {
            std::fs::set_permissions(&folder, PermissionsExt::from_mode(mode)).unwrap();
            let error = make_private(&folder).unwrap_err().to_string();
            assert!(error.contains("chmod 700"), "{mode:o}: {error}");
        }
        std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o700)).unwrap();
        let link = outer.path().join("link");
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        assert!(make_private(&link).is_err(), "a link");
    }
}
