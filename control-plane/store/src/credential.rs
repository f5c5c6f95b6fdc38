//! Credentials for the control plane itself, one file per role in the data folder, until workload identities come.
//! What is kept in memory is a hash; the file is for whoever may read the folder (0600).

use std::fmt;
use std::path::Path;

use aws_lc_rs::digest;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::folder::FolderError;
use crate::private_file::claim_private;
use crate::{Entropy, random_token};

/// What a credential lets its holder do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Admin,
    /// What a sidecar needs: pull bundles, watch for changes.
    Sidecar,
}

impl Role {
    /// The name of the role, and of its file in `credentials/`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Sidecar => "sidecar",
        }
    }
}

/// The credential of one role, as its SHA-256. A plain hash is enough: the secret has 256 random bits, so that
/// there is nothing to guess and a salt would add nothing.
#[derive(Clone)]
pub struct Credential {
    role: Role,
    sha256: [u8; 32],
}

impl Credential {
    /// The role that it proves.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Whether `presented` is this credential; takes the same time whatever was presented.
    pub fn is(&self, presented: &str) -> Choice {
        self.sha256.ct_eq(&sha256(presented.as_bytes()))
    }

    /// Reads the credential of `role` in `folder`, or makes it where there is none.
    ///
    /// # Errors
    /// [`FolderError::Io`] where the file can't be read or made, [`FolderError::Credential`] where it holds
    /// something else than a credential of this role.
    pub(crate) fn open_or_create(
        folder: &Path,
        role: Role,
        entropy: &dyn Entropy,
    ) -> Result<Self, FolderError> {
        let path = folder.join(role.name());
        let prefix = format!("postern_{}_", role.name());
        if !path
            .try_exists()
            .map_err(|source| FolderError::io(&path, source))?
        {
            let line = Zeroizing::new(format!("{prefix}{}\n", *random_token(entropy)));
            claim_private(&path, line.as_bytes(), entropy)
                .map_err(|source| FolderError::io(&path, source))?;
        }
        let text = std::fs::read_to_string(&path).map(Zeroizing::new);
        let text = text.map_err(|source| FolderError::io(&path, source))?;
        let credential = text.trim_end();
        if credential
            .strip_prefix(&prefix)
            .is_none_or(|token| token.len() != 43)
        {
            return Err(FolderError::Credential {
                path: path.display().to_string(),
                prefix,
            });
        }
        Ok(Self {
            role,
            sha256: sha256(credential.as_bytes()),
        })
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Credential")
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::SystemEntropy;

    #[test]
    fn a_credential_is_made_once_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        Credential::open_or_create(folder.path(), Role::Admin, &SystemEntropy).unwrap();
        let path = folder.path().join("admin");
        let line = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );

        let again = Credential::open_or_create(folder.path(), Role::Admin, &SystemEntropy).unwrap();
        assert!(bool::from(again.is(line.trim_end())));
        assert!(!bool::from(again.is("")));
        assert!(!bool::from(again.is(&line)), "the newline is not part of it");
    }

    #[test]
    fn a_file_with_something_else_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("sidecar"), "postern_admin_x\n").unwrap();
        let error = Credential::open_or_create(folder.path(), Role::Sidecar, &SystemEntropy).unwrap_err();
        assert!(error.to_string().contains("postern_sidecar_"), "{error}");
    }
}
