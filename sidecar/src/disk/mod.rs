//! The last good state on disk, so that a restart needs nobody: key sets, the bundle and the control plane's lists, each a
//! record of its own. What is read back is checked like what comes over the network; what is damaged is dropped and said
//! so.

mod record;
mod version;

use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};

pub(crate) use record::{Record, RecordError};
pub use version::{CURRENT as DATA_VERSION, VersionError};

/// The sidecar's data folder: of this version, and writable.
#[derive(Debug, Clone)]
pub(crate) struct DataFolder {
    root: PathBuf,
}

impl DataFolder {
    /// Opens the folder at `root`, making it where there is none. A folder of a newer version is left untouched.
    ///
    /// # Errors
    /// When it is of another version, or can't be used.
    pub(crate) fn open(root: &Path) -> Result<Self, VersionError> {
        version::settle(root)?;
        Ok(Self {
            root: root.to_owned(),
        })
    }

    /// Has what is compiled of Wasm modules kept here, for the next start.
    pub(crate) fn keep_modules(&self) {
        let folder = self.root.join("modules");
        if let Err(error) = postern_policy::keep_modules_in(&folder) {
            let folder = folder.display();
            tracing::warn!(%folder, %error, "what is compiled of Wasm modules isn't kept");
        }
    }

    /// The record of an issuer's keys. Names are hashed: an issuer is a URL, and a file name isn't.
    pub(crate) fn keys(&self, issuer: &str) -> PathBuf {
        self.root
            .join("keys")
            .join(format!("{}.record", hexadecimal(issuer.as_bytes())))
    }

    /// The record of the control plane's lists.
    pub(crate) fn lists(&self) -> PathBuf {
        self.root.join("lists").join("lists.record")
    }

    /// The record of when those lists were last heard of.
    pub(crate) fn lists_heard(&self) -> PathBuf {
        self.root.join("lists").join("heard.record")
    }

    /// The record of a bundle.
    pub(crate) fn bundle(&self, name: &str) -> PathBuf {
        self.root
            .join("bundles")
            .join(format!("{}.record", hexadecimal(name.as_bytes())))
    }

    /// The record of the highest sequence of this bundle that was in force.
    pub(crate) fn bundle_sequence(&self, name: &str) -> PathBuf {
        self.bundle(name).with_extension("sequence")
    }

    /// The folder of plans that were compiled here.
    pub(crate) fn compiled(&self) -> PathBuf {
        self.root.join("compiled")
    }
}

/// SHA-256 in hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    in_hexadecimal(digest(&SHA256, bytes).as_ref())
}

fn in_hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            // Writing to a String can't fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Replaces the file at `path` whole, making its folder where there is none. A crash leaves the old file or the new one. This
/// process alone writes here, and each file from one place.
pub(crate) fn replace_file(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;

    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    postern_process::replace_private(path, parts, "new")
}
