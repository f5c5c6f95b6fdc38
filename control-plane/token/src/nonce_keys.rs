//! The keys of DPoP nonces as the service holds them: made in time, sealed at rest, handed to the sidecars' stream. The
//! model says when; this only does it.

use std::fmt;
use std::sync::Arc;

use postern_store::{Clock, Database, DatabaseError, Entropy, SealError, Sealer, random_bytes};
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::model::nonce_keys::{Term, missing};
use crate::repository::RepositoryError;
use crate::repository::nonce_keys::{self as repository, StoredNonceKey};

/// A key for HMAC-SHA-256, wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct NonceKey {
    /// 8 characters of `0-9 a-f`.
    pub id: String,
    /// The secret.
    pub key: Zeroizing<Vec<u8>>,
    /// Nonces may be made with it from then on, seconds since the epoch.
    pub not_before: i64,
    /// Nonces made with it are not recognised from then on, seconds since the epoch.
    pub not_after: i64,
}

impl fmt::Debug for NonceKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("NonceKey")
            .field("id", &self.id)
            .field("not_before", &self.not_before)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum NonceKeyError {
    /// They can't be kept or found.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// One can't be sealed, or its seal not opened.
    #[error("the nonce key `{id}`: {source}")]
    Seal {
        /// The key's id.
        id: String,
        /// What is wrong with the seal.
        source: SealError,
    },
}

impl From<DatabaseError> for NonceKeyError {
    fn from(error: DatabaseError) -> Self {
        Self::Repository(error.into())
    }
}

/// The keys; clones share them.
#[derive(Clone)]
pub struct NonceKeys {
    database: Database,
    sealer: Arc<Sealer>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    keys: Arc<watch::Sender<Arc<[NonceKey]>>>,
}

impl NonceKeys {
    /// The keys in this database, whose tables are up to date, after the first round.
    ///
    /// # Errors
    /// [`NonceKeyError`].
    pub async fn open(
        database: Database,
        sealer: Arc<Sealer>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, NonceKeyError> {
        let keys = Self {
            database,
            sealer,
            clock,
            entropy,
            keys: Arc::new(watch::Sender::new(Arc::from([]))),
        };
        keys.rotate().await?;
        Ok(keys)
    }

    /// One round: forgets the keys that are over, makes the ones that are missing. To be called every minute or so; calls
    /// beyond that change nothing. The transaction takes the write lock before it looks, so that several processes on
    /// one database agree.
    ///
    /// # Errors
    /// [`NonceKeyError`]; the keys are as before.
    pub async fn rotate(&self) -> Result<(), NonceKeyError> {
        let now = self.clock.unix_seconds();
        let mut tx = self.database.write().await?;
        repository::remove_over(&mut tx, now).await?;
        let mut stored = repository::all(&mut tx).await?;
        let terms: Vec<Term> = stored.iter().map(|key| key.term).collect();
        for term in missing(&terms, now) {
            let made = self.make(term)?;
            repository::insert(&mut tx, &made).await?;
            tracing::info!(id = made.id, not_before = term.not_before, "DPoP nonce key made");
            stored.push(made);
        }
        tx.commit().await.map_err(DatabaseError::from)?;
        stored.sort_by(|one, other| (one.term.not_before, &one.id).cmp(&(other.term.not_before, &other.id)));
        let opened: Vec<NonceKey> = stored
            .iter()
            .map(|key| self.open_seal(key))
            .collect::<Result<_, _>>()?;
        self.keys.send_if_modified(|keys| {
            let changed = **keys != *opened;
            if changed {
                *keys = opened.into();
            }
            changed
        });
        Ok(())
    }

    /// The keys as they are, and every change of them.
    pub fn watch(&self) -> watch::Receiver<Arc<[NonceKey]>> {
        self.keys.subscribe()
    }

    fn make(&self, term: Term) -> Result<StoredNonceKey, NonceKeyError> {
        let id = hex::encode(random_bytes::<4>(&*self.entropy));
        let key = Zeroizing::new(random_bytes::<32>(&*self.entropy));
        let key = self.sealer.seal(&purpose(&id), key.as_slice(), &*self.entropy);
        let key = key.map_err(|source| NonceKeyError::Seal {
            id: id.clone(),
            source,
        })?;
        Ok(StoredNonceKey { id, key, term })
    }

    fn open_seal(&self, stored: &StoredNonceKey) -> Result<NonceKey, NonceKeyError> {
        let key = self.sealer.open(&purpose(&stored.id), &stored.key);
        let key = key.map_err(|source| NonceKeyError::Seal {
            id: stored.id.clone(),
            source,
        })?;
        Ok(NonceKey {
            id: stored.id.clone(),
            key,
            not_before: stored.term.not_before,
            not_after: stored.term.not_after,
        })
    }
}

/// Bound to the key's id, so that no sealed key passes for another's.
fn purpose(id: &str) -> String {
    format!("token/nonce-key/{id}")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use postern_store::SystemEntropy;
    use postern_store::testing::ManualClock;

    use super::*;
    use crate::model::nonce_keys::PERIOD_SECONDS;

    async fn open(folder: &Path, clock: &Arc<ManualClock>, seal: u8) -> Result<NonceKeys, NonceKeyError> {
        let database = Database::open(&folder.join("postern.db")).await.unwrap();
        database.migrate(&crate::MIGRATIONS).await.unwrap();
        let sealer = Arc::new(Sealer::with_key(&[seal; 32]).unwrap());
        let clock = Arc::clone(clock) as Arc<dyn Clock>;
        NonceKeys::open(database, sealer, clock, Arc::new(SystemEntropy)).await
    }

    #[tokio::test]
    async fn keys_outlive_a_restart_and_rotate_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(1_000));
        let keys = open(folder.path(), &clock, 1).await.unwrap();
        let mut watch = keys.watch();
        let first = Arc::clone(&watch.borrow_and_update());
        assert_eq!(first.len(), 2);
        assert!(first.iter().all(|key| key.key.len() == 32));
        assert_ne!(first[0].key, first[1].key);
        let other = open(folder.path(), &clock, 1).await.unwrap();
        assert_eq!(*other.watch().borrow(), first);

        keys.rotate().await.unwrap();
        assert!(!watch.has_changed().unwrap(), "nothing to do");
        clock.advance(PERIOD_SECONDS);
        keys.rotate().await.unwrap();
        let second = Arc::clone(&watch.borrow_and_update());
        assert_eq!((second.len(), &second[..2]), (3, &first[..]));
        other.rotate().await.unwrap();
        assert_eq!(*other.watch().borrow(), second, "several processes agree");
        clock.advance(PERIOD_SECONDS);
        keys.rotate().await.unwrap();
        assert_eq!(watch.borrow_and_update()[..2], second[1..]);
    }

    #[tokio::test]
    async fn no_key_is_anywhere_in_the_clear_and_the_wrong_seal_key_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(1_000));
        let keys = open(folder.path(), &clock, 1).await.unwrap();
        let held = Arc::clone(&keys.watch().borrow());
        assert!(!format!("{held:?}").contains("key: "), "{held:?}");
        keys.database.close().await;
        for entry in std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
            let bytes = std::fs::read(entry.path()).unwrap();
            for key in held.iter() {
                assert!(
                    !bytes.windows(16).any(|window| window == &key.key[..16]),
                    "{:?}",
                    entry.path()
                );
            }
        }
        let error = open(folder.path(), &clock, 2).await.err().unwrap();
        assert!(error.to_string().contains("seal.key"), "{error}");
    }
}
