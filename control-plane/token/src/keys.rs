//! How the current signing key comes to be. The first start makes it; every later one, and every process that starts
//! at the same time, finds the same.

use postern_jose::{Algorithm, LocalSigner, SignError, Signer};
use postern_store::{Clock, Database, DatabaseError, Entropy, SealError, Sealer};

use crate::model::KeyRing;
use crate::repository::RepositoryError;
use crate::repository::signing_keys::{self as repository, StoredKey};

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key can't be kept or found.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The private key can't be sealed, or its seal not opened.
    #[error("the signing key `{kid}`: {source}")]
    Seal {
        /// The key's id.
        kid: String,
        /// What is wrong with the seal.
        source: SealError,
    },
    /// A key can't be made, or what was sealed is no key.
    #[error("a signing key for {algorithm}: {source}")]
    Key {
        /// What it was to sign with.
        algorithm: Algorithm,
        /// Why not.
        source: SignError,
    },
}

impl From<DatabaseError> for KeyError {
    fn from(error: DatabaseError) -> Self {
        Self::Repository(error.into())
    }
}

/// The keys of the service; makes the first one of `algorithm` if there is none yet.
///
/// The transaction takes the write lock before it looks, so that of two processes that start at once, one makes the
/// key and the other finds it.
///
/// # Errors
/// [`KeyError`].
pub async fn load_or_create(
    database: &Database,
    sealer: &Sealer,
    algorithm: Algorithm,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<KeyRing, KeyError> {
    let mut tx = database.write().await?;
    let mut keys = repository::all(&mut tx).await?;
    if !keys.iter().any(|key| key.algorithm == algorithm) {
        let key = generate(sealer, algorithm, clock.unix_seconds(), entropy)?;
        repository::insert(&mut tx, &key).await?;
        tracing::info!(kid = key.kid, %algorithm, "signing key made");
        keys.insert(0, key);
    }
    tx.commit().await.map_err(DatabaseError::from)?;

    let signer = keys
        .iter()
        .find(|key| key.algorithm == algorithm)
        .map(|key| open(sealer, key))
        .transpose()?
        .ok_or(KeyError::Key {
            algorithm,
            source: SignError::Failed("finding the key just made"),
        })?;
    Ok(KeyRing::new(
        Box::new(signer),
        keys.into_iter().map(|key| key.public),
    ))
}

fn generate(
    sealer: &Sealer,
    algorithm: Algorithm,
    created_at: i64,
    entropy: &dyn Entropy,
) -> Result<StoredKey, KeyError> {
    let failed = |source| KeyError::Key { algorithm, source };
    let signer = LocalSigner::generate(algorithm).map_err(failed)?;
    let kid = signer.key_id().to_owned();
    let private = sealer
        .seal(&purpose(&kid), &signer.to_pkcs8().map_err(failed)?, entropy)
        .map_err(|source| KeyError::Seal {
            kid: kid.clone(),
            source,
        })?;
    Ok(StoredKey {
        kid,
        algorithm,
        public: signer.public_jwk(),
        private,
        created_at,
    })
}

fn open(sealer: &Sealer, key: &StoredKey) -> Result<LocalSigner, KeyError> {
    let pkcs8 = sealer
        .open(&purpose(&key.kid), &key.private)
        .map_err(|source| KeyError::Seal {
            kid: key.kid.clone(),
            source,
        })?;
    LocalSigner::from_pkcs8_for(key.algorithm, Some(&key.kid), &pkcs8).map_err(|source| KeyError::Key {
        algorithm: key.algorithm,
        source,
    })
}

/// Bound to the key's id, so that no sealed key passes for another's.
fn purpose(kid: &str) -> String {
    format!("token/signing-key/{kid}")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use postern_store::SystemEntropy;
    use postern_store::testing::ManualClock;

    use super::*;

    async fn database(folder: &Path) -> Database {
        let database = Database::open(&folder.join("postern.db")).await.unwrap();
        database.migrate(&crate::MIGRATIONS).await.unwrap();
        database
    }

    fn sealer(byte: u8) -> Sealer {
        Sealer::with_key(&[byte; 32]).unwrap()
    }

    async fn load(database: &Database, algorithm: Algorithm, now: i64) -> Result<KeyRing, KeyError> {
        load_or_create(
            database,
            &sealer(1),
            algorithm,
            &ManualClock::at(now),
            &SystemEntropy,
        )
        .await
    }

    #[tokio::test]
    async fn a_second_start_finds_the_key_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let database = database(folder.path()).await;
        let first = load(&database, Algorithm::ES256, 1).await.unwrap();
        let second = load(&database, Algorithm::ES256, 2).await.unwrap();
        assert_eq!(first.current().key_id(), second.current().key_id());
        assert_eq!(first.document(), second.document());
    }

    #[tokio::test]
    async fn two_that_start_at_once_agree_on_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (database(folder.path()).await, database(folder.path()).await);
        let (one, two) = tokio::join!(load(&one, Algorithm::ES256, 1), load(&two, Algorithm::ES256, 1));
        assert_eq!(one.unwrap().document(), two.unwrap().document());
    }

    #[tokio::test]
    async fn another_algorithm_gets_a_new_key_and_the_old_one_stays_published() {
        let folder = tempfile::tempdir().unwrap();
        let database = database(folder.path()).await;
        let old = load(&database, Algorithm::ES256, 1).await.unwrap();
        let new = load(&database, Algorithm::EdDSA, 2).await.unwrap();
        assert_eq!(new.current().algorithm(), Algorithm::EdDSA);
        for ring in [&old, &new] {
            assert!(new.document().json.contains(ring.current().key_id()));
        }
        assert_ne!(old.document().etag, new.document().etag);
    }

    #[tokio::test]
    async fn the_wrong_seal_key_is_an_error_that_says_so_not_a_new_signing_key() {
        let folder = tempfile::tempdir().unwrap();
        let database = database(folder.path()).await;
        load(&database, Algorithm::ES256, 1).await.unwrap();
        let clock = ManualClock::at(2);
        let error = load_or_create(&database, &sealer(2), Algorithm::ES256, &clock, &SystemEntropy)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("seal.key"), "{error}");
    }

    #[tokio::test]
    async fn the_private_key_is_nowhere_in_the_clear() {
        let folder = tempfile::tempdir().unwrap();
        let database = database(folder.path()).await;
        load(&database, Algorithm::ES256, 1).await.unwrap();
        let mut tx = database.write().await.unwrap();
        let key = repository::all(&mut tx).await.unwrap().remove(0);
        drop(tx);
        let pkcs8 = open(&sealer(1), &key).unwrap().to_pkcs8().unwrap();
        database.close().await;
        for entry in std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
            let bytes = std::fs::read(entry.path()).unwrap();
            // The private scalar of a P-256 key starts at byte 36 of its PKCS#8 form; no part of it may show.
            for part in pkcs8[36..68].windows(16) {
                assert!(
                    !bytes.windows(16).any(|window| window == part),
                    "{:?}",
                    entry.path()
                );
            }
        }
        assert!(
            !serde_json::Value::Object(key.public.to_object())
                .to_string()
                .contains("\"d\"")
        );
    }
}
