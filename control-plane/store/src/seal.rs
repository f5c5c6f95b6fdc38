//! Secrets at rest: AES-256-GCM under a key that lives in one file, outside the database.
//!
//! A sealed secret is `version (1) ‖ key id (8) ‖ nonce (12) ‖ ciphertext ‖ tag (16)`. Header and *purpose* are
//! authenticated: a secret sealed for one purpose opens for no other, so that rows can't be swapped around. Nonces are
//! random; with 96 bits, a key stays far within its safe number of uses for the few secrets that are sealed here.

use std::path::Path;
use std::{fmt, io};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest;
use zeroize::Zeroizing;

use crate::private_file::claim_private;
use crate::{Entropy, random_bytes};

const VERSION: u8 = 1;
const KEY_ID_LEN: usize = 8;
const HEADER_LEN: usize = 1 + KEY_ID_LEN;
const KEY_LEN: usize = 32;

/// A sealed secret, fit for a database or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

/// Why a seal could not be made or broken.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The bytes are no sealed secret, or of a version that this program doesn't know.
    #[error("not a sealed secret of version {VERSION}")]
    Format,
    /// Sealed under another key than the one in the data folder.
    #[error(
        "sealed under key {sealed}, but the seal key here is {ours}; restore the seal.key it was sealed with"
    )]
    WrongKey {
        /// Id of the key it was sealed under.
        sealed: String,
        /// Id of the key here.
        ours: String,
    },
    /// Changed since it was sealed, or sealed for another purpose.
    #[error("the sealed secret was changed, or sealed for another purpose")]
    Broken,
    /// The key could not be used at all.
    #[error("sealing failed")]
    Failed,
    /// The key file can't be read or made.
    #[error("{path}: {source}")]
    File {
        /// The key file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The key file holds something else than a key.
    #[error("{path}: expected a seal key of {KEY_LEN} bytes, got {length}; restore the file from a backup")]
    KeyFile {
        /// The key file.
        path: String,
        /// Its length in bytes.
        length: usize,
    },
}

/// Seals and opens secrets with one key.
pub struct Sealer {
    key: LessSafeKey,
    key_id: [u8; KEY_ID_LEN],
}

impl Sealer {
    /// Reads the key in `path`; makes it (0600) where there is none. Several processes that do so at once end up
    /// with the same key.
    ///
    /// # Errors
    /// [`SealError::File`] and [`SealError::KeyFile`].
    pub fn open_or_create(path: &Path, entropy: &dyn Entropy) -> Result<Self, SealError> {
        let file_error = |source| SealError::File {
            path: path.display().to_string(),
            source,
        };
        if !path.try_exists().map_err(file_error)? {
            let key = Zeroizing::new(random_bytes::<KEY_LEN>(entropy));
            claim_private(path, key.as_slice(), entropy).map_err(file_error)?;
        }
        let bytes = Zeroizing::new(std::fs::read(path).map_err(file_error)?);
        let key: &[u8; KEY_LEN] = bytes.as_slice().try_into().map_err(|_| SealError::KeyFile {
            path: path.display().to_string(),
            length: bytes.len(),
        })?;
        Self::with_key(key)
    }

    /// A sealer with this key.
    ///
    /// # Errors
    /// [`SealError::Failed`] if the cipher refuses the key.
    pub fn with_key(key: &[u8; KEY_LEN]) -> Result<Self, SealError> {
        let unbound = UnboundKey::new(&AES_256_GCM, key).map_err(|_| SealError::Failed)?;
        let mut labelled = Zeroizing::new(b"postern seal key id".to_vec());
        labelled.extend_from_slice(key);
        let fingerprint = digest::digest(&digest::SHA256, &labelled);
        let key_id = fingerprint
            .as_ref()
            .first_chunk()
            .copied()
            .ok_or(SealError::Failed)?;
        Ok(Self {
            key: LessSafeKey::new(unbound),
            key_id,
        })
    }

    /// Seals `secret` for `purpose`, a constant such as `"token/signing-key"`, with what it belongs to appended where
    /// there are several (`"token/signing-key/<kid>"`).
    ///
    /// # Errors
    /// [`SealError::Failed`] if the cipher refuses.
    pub fn seal(&self, purpose: &str, secret: &[u8], entropy: &dyn Entropy) -> Result<Sealed, SealError> {
        let nonce: [u8; NONCE_LEN] = random_bytes(entropy);
        let header = self.header();
        let mut body = Zeroizing::new(secret.to_vec());
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(authenticated(&header, purpose)),
                &mut *body,
            )
            .map_err(|_| SealError::Failed)?;
        Ok(Sealed([header.as_slice(), &nonce, &body].concat()))
    }

    /// Opens what [`Sealer::seal`] sealed for the same purpose.
    ///
    /// # Errors
    /// [`SealError::Format`], [`SealError::WrongKey`] or [`SealError::Broken`].
    pub fn open(&self, purpose: &str, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (header, rest) = sealed
            .0
            .split_first_chunk::<HEADER_LEN>()
            .ok_or(SealError::Format)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Format)?;
        let (version, key_id) = header.split_first().ok_or(SealError::Format)?;
        if *version != VERSION {
            return Err(SealError::Format);
        }
        if key_id != self.key_id {
            return Err(SealError::WrongKey {
                sealed: hex::encode(key_id),
                ours: hex::encode(self.key_id),
            });
        }
        let mut body = Zeroizing::new(ciphertext.to_vec());
        let length = self
            .key
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(authenticated(header, purpose)),
                &mut body,
            )
            .map_err(|_| SealError::Broken)?
            .len();
        body.truncate(length);
        Ok(body)
    }

    fn header(&self) -> [u8; HEADER_LEN] {
        let mut header = [VERSION; HEADER_LEN];
        if let Some((_, key_id)) = header.split_first_mut() {
            key_id.copy_from_slice(&self.key_id);
        }
        header
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Sealer")
            .field("key_id", &hex::encode(self.key_id))
            .finish_non_exhaustive()
    }
}

/// The header has a fixed length, so that header and purpose can't run into each other.
fn authenticated(header: &[u8; HEADER_LEN], purpose: &str) -> Vec<u8> {
    [header.as_slice(), purpose.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::SystemEntropy;

    fn sealer(byte: u8) -> Sealer {
        Sealer::with_key(&[byte; KEY_LEN]).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_for_its_purpose_only(secret: Vec<u8>, purpose: String, other: String) {
            let sealed = sealer(1).seal(&purpose, &secret, &SystemEntropy).unwrap();
            let opened = sealer(1).open(&purpose, &sealed).unwrap();
            prop_assert_eq!(opened.as_slice(), secret.as_slice());
            if purpose != other {
                prop_assert!(matches!(sealer(1).open(&other, &sealed), Err(SealError::Broken)));
            }
        }

        #[test]
        fn any_changed_byte_breaks_the_seal(secret: Vec<u8>, at: prop::sample::Index, flip in 1_u8..) {
            let mut sealed = sealer(1).seal("p", &secret, &SystemEntropy).unwrap();
            let at = at.index(sealed.0.len());
            sealed.0[at] ^= flip;
            prop_assert!(sealer(1).open("p", &sealed).is_err());
        }

        #[test]
        fn arbitrary_bytes_are_refused(bytes: Vec<u8>) {
            prop_assert!(sealer(1).open("p", &Sealed(bytes)).is_err());
        }
    }

    #[test]
    fn another_key_is_named_as_such() {
        let sealed = sealer(1).seal("p", b"secret", &SystemEntropy).unwrap();
        assert!(matches!(
            sealer(2).open("p", &sealed),
            Err(SealError::WrongKey { .. })
        ));
    }

    #[test]
    fn the_same_secret_never_seals_to_the_same_bytes() {
        let seal = || sealer(1).seal("p", b"secret", &SystemEntropy).unwrap();
        assert_ne!(seal(), seal());
    }

    #[test]
    fn a_key_file_is_made_once_and_a_damaged_one_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seal.key");
        let sealed = Sealer::open_or_create(&path, &SystemEntropy)
            .unwrap()
            .seal("p", b"s", &SystemEntropy)
            .unwrap();
        let again = Sealer::open_or_create(&path, &SystemEntropy).unwrap();
        assert_eq!(again.open("p", &sealed).unwrap().as_slice(), b"s");

        std::fs::write(&path, b"short").unwrap();
        let error = Sealer::open_or_create(&path, &SystemEntropy).unwrap_err();
        assert!(matches!(error, SealError::KeyFile { length: 5, .. }), "{error}");
    }
}
