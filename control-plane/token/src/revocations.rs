//! The use cases of revocation: revoke tokens, list what is revoked, take an entry back, forget what has expired. Each
//! change goes into the log that sidecars follow, in the transaction that makes it.

use std::sync::Arc;

use postern_store::{ChangeLog, Clock, Database, DatabaseError, Tx};

use crate::model::{Revocation, Which};
use crate::repository::RepositoryError;
use crate::repository::revocations::{self as repository, Cursor};
use crate::sync;

/// What sidecars keep in memory (they are built for a million) bounds the list.
const MAX_ENTRIES: i64 = 1_000_000;
/// Sidecars look at each token for every claim by which something of its issuer is revoked.
pub(crate) const MAX_CLAIMS_PER_ISSUER: i64 = 16;
const DEFAULT_PAGE: u32 = 100;
const MAX_PAGE: u32 = 1_000;

/// The list of revoked tokens; clones share it.
#[derive(Clone)]
pub struct Revocations {
    database: Database,
    log: ChangeLog,
    clock: Arc<dyn Clock>,
    max_entries: i64,
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum RevocationError {
    /// The list is full.
    #[error("{MAX_ENTRIES} revocations are the most there may be")]
    Full,
    /// Something of this issuer is revoked by as many different claims as there may be.
    #[error(
        "tokens of {issuer} are revoked by {MAX_CLAIMS_PER_ISSUER} different claims, the most there may be"
    )]
    TooManyClaims {
        /// The issuer.
        issuer: String,
    },
    /// No entry has this id.
    #[error("no revocation that hasn't expired has this id")]
    NotFound,
    /// A page token that no page gave.
    #[error("page_token: expected the next_page_token of the page before")]
    PageToken,
    /// The store failed; the text is for the log only.
    #[error(transparent)]
    Store(#[from] RepositoryError),
}

impl From<DatabaseError> for RevocationError {
    fn from(error: DatabaseError) -> Self {
        Self::Store(error.into())
    }
}

/// A page of the list.
#[derive(Debug)]
pub struct RevocationPage {
    /// The entries, newest first.
    pub entries: Vec<Revocation>,
    /// Asks for the next page; empty when this is the last.
    pub next: String,
}

impl Revocations {
    /// The list in this database, whose tables are up to date. Changes go to `log`.
    pub fn new(database: Database, log: ChangeLog, clock: Arc<dyn Clock>) -> Self {
        Self {
            database,
            log,
            clock,
            max_entries: MAX_ENTRIES,
        }
    }

    /// The time by which entries are made, seconds since the epoch.
    pub fn now(&self) -> i64 {
        self.clock.unix_seconds()
    }

    /// Puts entries on the list, all or none, as one change; gives them as they are then, merged with what was there for
    /// the same tokens. At most 1,000 at a time, so that sidecars can be told in one message.
    ///
    /// # Errors
    /// [`RevocationError::Full`], [`RevocationError::TooManyClaims`], [`RevocationError::Store`].
    pub async fn revoke(&self, entries: Vec<Revocation>) -> Result<Vec<Revocation>, RevocationError> {
        debug_assert!(entries.len() <= 1_000, "a change is one message");
        let mut tx = self.database.write().await?;
        let mut merged = Vec::with_capacity(entries.len());
        let mut added = 0;
        for entry in entries {
            let former = repository::find(&mut tx, &entry.tokens.id()).await?;
            if former.is_none() {
                has_room(&mut tx, &entry).await?;
            }
            let entry = entry.on_top_of(former.as_ref());
            repository::put(&mut tx, &entry).await?;
            added += i64::from(former.is_none());
            merged.push(entry);
        }
        if repository::added(&mut tx, added).await? > self.max_entries && added > 0 {
            return Err(RevocationError::Full);
        }
        self.log.commit(tx, &sync::revoked(&merged)).await?;
        Ok(merged)
    }

    /// Takes an entry off the list.
    ///
    /// # Errors
    /// [`RevocationError::NotFound`], also for one that has expired; [`RevocationError::Store`].
    pub async fn remove(&self, id: &str) -> Result<Revocation, RevocationError> {
        let mut tx = self.database.write().await?;
        let entry = repository::find(&mut tx, id)
            .await?
            .filter(|entry| entry.expires_at > self.now())
            .ok_or(RevocationError::NotFound)?;
        repository::remove(&mut tx, id).await?;
        self.log.commit(tx, &sync::lifted(&entry.tokens)).await?;
        Ok(entry)
    }

    /// A page of at most `size` entries (0 asks for 100, more than 1,000 gets 1,000) that haven't expired, newest first.
    ///
    /// # Errors
    /// [`RevocationError::PageToken`], [`RevocationError::Store`].
    pub async fn list(&self, size: u32, token: &str) -> Result<RevocationPage, RevocationError> {
        let size = if size == 0 {
            DEFAULT_PAGE
        } else {
            size.min(MAX_PAGE)
        };
        let cursor = match token {
            "" => None,
            token => Some(Cursor::parse(token).ok_or(RevocationError::PageToken)?),
        };
        // One more than asked for tells whether there is another page.
        let mut entries = repository::newest(&self.database, cursor.as_ref(), self.now(), size + 1).await?;
        let more = entries.len() > size as usize;
        entries.truncate(size as usize);
        let next = entries.last().filter(|_| more).map(Cursor::after);
        Ok(RevocationPage {
            entries,
            next: next.map(|cursor| cursor.to_string()).unwrap_or_default(),
        })
    }

    /// Up to `limit` entries that haven't expired, in the order of their ids, after the id `after`; each with its id. For
    /// whoever reads the whole list in parts.
    ///
    /// # Errors
    /// [`RepositoryError`].
    pub async fn part(&self, after: &str, limit: u32) -> Result<Vec<(String, Revocation)>, RepositoryError> {
        repository::by_id(&self.database, after, self.now(), limit).await
    }

    /// Forgets up to `at_most` entries that have expired; gives how many. Nobody needs to be told: whoever holds them
    /// drops them by their own clock.
    ///
    /// # Errors
    /// [`RepositoryError`].
    pub async fn purge(&self, at_most: u32) -> Result<u64, RepositoryError> {
        let mut tx = self.database.write().await?;
        let removed = repository::purge(&mut tx, self.now(), at_most).await?;
        tx.commit().await.map_err(DatabaseError::from)?;
        Ok(removed)
    }
}

/// Whether the issuer has room for the claim that this entry names. Keys don't count: there is one name for all of them.
async fn has_room(tx: &mut Tx, entry: &Revocation) -> Result<(), RevocationError> {
    let Which::Claim { name, .. } = &entry.tokens.which else {
        return Ok(());
    };
    let others = repository::other_claims(tx, &entry.tokens.issuer, name).await?;
    if others.is_some_and(|others| others >= MAX_CLAIMS_PER_ISSUER) {
        return Err(RevocationError::TooManyClaims {
            issuer: entry.tokens.issuer.clone(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
