//! The data folder: what is in it, how it comes to be, and which ones are refused.
//!
//! It is made in steps, each of which leaves a folder that the next start completes: a kill between any two costs
//! nothing. A folder that a newer version wrote is refused before anything in it is touched.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::private_file::claim_private;
use crate::{Credential, Entropy, Role, SealError, Sealer};

/// The format of the data folder that this program writes, as it stands in the folder's `VERSION` file.
pub const FORMAT: u32 = 1;

/// A data folder of the current format with everything in it but the database.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    sealer: Sealer,
    credentials: [Credential; 2],
}

/// Why a data folder can't be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Written by a newer version of the program; untouched.
    #[error(
        "{path}: the data folder was made by a newer version (format {found}, this one knows {FORMAT}); nothing was \
         changed; use that version, or another data_dir"
    )]
    Newer {
        /// The folder.
        path: String,
        /// The format it has.
        found: u64,
    },
    /// There is a database, but not the key that opens what is sealed in it; untouched.
    #[error(
        "{path} is missing, and the signing keys in the database next to it are sealed with it: restore it from a \
         backup, or give another data_dir"
    )]
    SealKeyMissing {
        /// Where the key was.
        path: String,
    },
    /// A file of secrets that anybody on the machine may read or write.
    #[error(
        "{path} is open to everybody (mode {mode:o}): `chmod 600 {path}`, and replace it if it may have been read"
    )]
    Exposed {
        /// The file.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// `VERSION` says something that no version wrote.
    #[error(
        "{path}: expected a format number such as `{FORMAT}`, got `{found}`; restore the file from a backup"
    )]
    Version {
        /// The `VERSION` file.
        path: String,
        /// The start of what it holds.
        found: String,
    },
    /// Has data but no `VERSION`.
    #[error(
        "{path}: holds a `{found}` but no VERSION file, so it is no data folder; choose another data_dir"
    )]
    Foreign {
        /// The folder.
        path: String,
        /// What was found in it.
        found: &'static str,
    },
    /// A credential file holds something else.
    #[error("{path}: expected one line `{prefix}…`; remove the file to have a new credential made")]
    Credential {
        /// The file.
        path: String,
        /// How its line starts.
        prefix: String,
    },
    /// The seal key can't be read or made.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

impl FolderError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io {
            path: path.display().to_string(),
            source,
        }
    }
}

impl DataFolder {
    /// Opens the data folder at `path`, and makes what is missing of it (folders 0700, files 0600).
    ///
    /// # Errors
    /// [`FolderError`]; a folder that is newer or foreign has not been touched.
    pub fn open(path: &Path, entropy: &dyn Entropy) -> Result<Self, FolderError> {
        create_private_folder(path)?;
        settle_version(path, entropy)?;
        let seal_key = path.join("seal.key");
        // The database is made last: where it is, the key has been.
        if path.join("postern.db").exists() && !seal_key.exists() {
            return Err(FolderError::SealKeyMissing {
                path: seal_key.display().to_string(),
            });
        }
        let folder = path.join("credentials");
        for secret in [&seal_key, &folder.join("admin"), &folder.join("sidecar")] {
            refuse_exposed(secret)?;
        }
        let sealer = Sealer::open_or_create(&seal_key, entropy)?;
        create_private_folder(&folder)?;
        let credentials = [
            Credential::open_or_create(&folder, Role::Admin, entropy)?,
            Credential::open_or_create(&folder, Role::Sidecar, entropy)?,
        ];
        Ok(Self {
            path: path.to_path_buf(),
            sealer,
            credentials,
        })
    }

    /// Where the database is.
    pub fn database_path(&self) -> PathBuf {
        self.path.join("postern.db")
    }

    /// The credentials that open the control plane's protected endpoints.
    pub fn credentials(&self) -> &[Credential] {
        &self.credentials
    }

    /// Gives up the folder for what seals its secrets.
    pub fn into_sealer(self) -> Sealer {
        self.sealer
    }
}

fn create_private_folder(path: &Path) -> Result<(), FolderError> {
    let created = DirBuilder::new().recursive(true).mode(0o700).create(path);
    created.map_err(|source| FolderError::io(path, source))
}

/// A secret that strangers could read or replace is none. The group may be let in, as Kubernetes' `fsGroup` does.
fn refuse_exposed(file: &Path) -> Result<(), FolderError> {
    let mode = match fs::metadata(file) {
        Ok(metadata) => metadata.permissions().mode() & 0o777,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(FolderError::io(file, source)),
    };
    if mode & 0o007 == 0 {
        return Ok(());
    }
    Err(FolderError::Exposed {
        path: file.display().to_string(),
        mode,
    })
}

/// Checks `VERSION`, or writes it into a folder that holds nothing of ours yet. It is the first file to be written,
/// so that a folder with other files of ours always has it.
fn settle_version(folder: &Path, entropy: &dyn Entropy) -> Result<(), FolderError> {
    let path = folder.join("VERSION");
    if !path
        .try_exists()
        .map_err(|source| FolderError::io(&path, source))?
    {
        for found in ["postern.db", "seal.key", "credentials"] {
            if folder.join(found).exists() {
                return Err(FolderError::Foreign {
                    path: folder.display().to_string(),
                    found,
                });
            }
        }
        let line = format!("{FORMAT}\n");
        claim_private(&path, line.as_bytes(), entropy).map_err(|source| FolderError::io(&path, source))?;
    }
    let text = fs::read_to_string(&path).map_err(|source| FolderError::io(&path, source))?;
    match text.trim_end().parse::<u64>() {
        Ok(format) if format == u64::from(FORMAT) => Ok(()),
        Ok(found) if found > u64::from(FORMAT) => Err(FolderError::Newer {
            path: folder.display().to_string(),
            found,
        }),
        _ => Err(FolderError::Version {
            path: path.display().to_string(),
            found: text.trim_end().chars().take(32).collect(),
        }),
    }
}

#[cfg(test)]
mod tests;
