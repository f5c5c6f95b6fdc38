//! The use cases of API keys: make one, list them, revoke one. Each change goes into the log that sidecars follow, in the
//! transaction that makes it. A key itself is shown once and never kept.

use std::sync::Arc;

use postern_proto::sync::v1 as proto;
use postern_store::{ChangeLog, Clock, Database, DatabaseError, Entropy, random_bytes, random_token};

use crate::model::{ApiKey, ApiKeyId, ApiKeyRequest};
use crate::repository::{RepositoryError, api_keys as repository};
use crate::secret::ClientSecret;
use crate::sync;

/// How every key begins, so that scanners of repositories and logs find one that got out.
pub const API_KEY_PREFIX: &str = "postern_key_";
const MAX_KEYS: i64 = 100_000;
const DEFAULT_PAGE: u32 = 100;
const MAX_PAGE: u32 = 1_000;
/// How long a key is listed after it has expired, in seconds: 30 days.
const LISTED_AFTER_SECONDS: i64 = 30 * 86_400;

/// The API keys; clones share them.
#[derive(Clone)]
pub struct ApiKeys {
    database: Database,
    log: ChangeLog,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    max_keys: i64,
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    /// There are as many as there may be.
    #[error("{MAX_KEYS} API keys are the most there may be")]
    Full,
    /// No key has this id.
    #[error("no API key has this id")]
    NotFound,
    /// A page token that no page gave.
    #[error("page_token: expected the next_page_token of the page before")]
    PageToken,
    /// The store failed; the text is for the log only.
    #[error(transparent)]
    Store(#[from] RepositoryError),
}

impl From<DatabaseError> for ApiKeyError {
    fn from(error: DatabaseError) -> Self {
        Self::Store(error.into())
    }
}

/// A key that was made, with the text that is shown this once.
#[derive(Debug)]
pub struct MadeApiKey {
    /// What is known of it.
    pub api_key: ApiKey,
    /// The whole key.
    pub key: ClientSecret,
}

/// A page of keys.
#[derive(Debug)]
pub struct ApiKeyPage {
    /// The keys in the order of their ids.
    pub api_keys: Vec<ApiKey>,
    /// Where the next page starts; `None` when this is the last.
    pub next: Option<ApiKeyId>,
}

impl ApiKeys {
    /// The keys in this database, whose tables are up to date. Changes go to `log`.
    pub fn new(database: Database, log: ChangeLog, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            database,
            log,
            clock,
            entropy,
            max_keys: MAX_KEYS,
        }
    }

    /// The time by which keys expire, seconds since the epoch.
    pub fn now(&self) -> i64 {
        self.clock.unix_seconds()
    }

    /// Makes a key with a generated id and a secret of 256 random bits.
    ///
    /// # Errors
    /// [`ApiKeyError::Full`], [`ApiKeyError::Store`].
    pub async fn create(&self, request: ApiKeyRequest) -> Result<MadeApiKey, ApiKeyError> {
        let id = hex::encode(random_bytes::<8>(&*self.entropy));
        let id = ApiKeyId::parse(&id).ok_or_else(|| RepositoryError::corrupt("API key", &id, "id"))?;
        let key = ClientSecret::from(format!("{API_KEY_PREFIX}{id}_{}", *random_token(&*self.entropy)));
        let api_key = ApiKey {
            id,
            subject: request.subject,
            name: request.name,
            scopes: request.scopes,
            created_at: self.now(),
            expires_at: request.expires_at,
        };
        let hash = key.hash();
        let mut tx = self.database.write().await?;
        if repository::total(&mut tx).await? >= self.max_keys {
            return Err(ApiKeyError::Full);
        }
        repository::insert(&mut tx, &api_key, &hash).await?;
        self.log.commit(tx, &sync::created(&api_key, &hash)).await?;
        Ok(MadeApiKey { api_key, key })
    }

    /// Ends a key for good.
    ///
    /// # Errors
    /// [`ApiKeyError::NotFound`], [`ApiKeyError::Store`].
    pub async fn revoke(&self, id: &str) -> Result<ApiKeyId, ApiKeyError> {
        let id = ApiKeyId::parse(id).ok_or(ApiKeyError::NotFound)?;
        let mut tx = self.database.write().await?;
        if !repository::remove(&mut tx, &id).await? {
            return Err(ApiKeyError::NotFound);
        }
        self.log.commit(tx, &sync::revoked(&id)).await?;
        Ok(id)
    }

    /// A page of at most `size` keys (0 asks for 100, more than 1,000 gets 1,000), those after `token`.
    ///
    /// # Errors
    /// [`ApiKeyError::PageToken`], [`ApiKeyError::Store`].
    pub async fn list(&self, size: u32, token: &str) -> Result<ApiKeyPage, ApiKeyError> {
        let size = if size == 0 {
            DEFAULT_PAGE
        } else {
            size.min(MAX_PAGE)
        };
        let after = match token {
            "" => None,
            token => Some(ApiKeyId::parse(token).ok_or(ApiKeyError::PageToken)?),
        };
        // One more than asked for tells whether there is another page.
        let keys = repository::list(&self.database, after.as_ref(), size + 1).await?;
        let more = keys.len() > size as usize;
        let api_keys: Vec<ApiKey> = keys.into_iter().take(size as usize).map(|(key, _)| key).collect();
        let next = api_keys.last().filter(|_| more).map(|key| key.id.clone());
        Ok(ApiKeyPage { api_keys, next })
    }

    /// Up to `limit` keys as sidecars are told of them, in the order of their ids, after the id `after` (empty: from the
    /// first). For whoever reads all of them in parts. Expired ones are left to the reader, who has to drop them anyway.
    ///
    /// # Errors
    /// [`RepositoryError`].
    pub async fn part(&self, after: &str, limit: u32) -> Result<Vec<proto::ApiKey>, RepositoryError> {
        let keys = repository::list(&self.database, ApiKeyId::parse(after).as_ref(), limit).await?;
        Ok(keys.iter().map(|(key, hash)| sync::told(key, hash)).collect())
    }

    /// Forgets up to `at_most` keys that expired 30 days ago; gives how many.
    ///
    /// # Errors
    /// [`RepositoryError`].
    pub async fn purge(&self, at_most: u32) -> Result<u64, RepositoryError> {
        let time = self.now().saturating_sub(LISTED_AFTER_SECONDS);
        repository::purge(&self.database, time, at_most).await
    }
}

#[cfg(test)]
mod tests;
