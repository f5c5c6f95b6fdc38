//! The API keys that callers may show instead of a token (R1.1). Known by the SHA-256 of their text alone; the control
//! plane makes them, and its stream brings them here.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use postern_jose::UnixTime;

/// What the text of every API key begins with: `postern_key_<id>_<secret>`.
pub const PREFIX: &str = "postern_key_";

/// The longest text that is looked at.
const MAX_TEXT_BYTES: usize = 256;

/// One API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// What finds it; not secret.
    pub id: Arc<str>,
    /// What people call it.
    pub name: Arc<str>,
    /// Who calls with it.
    pub subject: Arc<str>,
    /// What it may do.
    pub scopes: Arc<[Box<str>]>,
    /// From then on it doesn't count; `None` for never.
    pub expires_at: Option<UnixTime>,
    /// SHA-256 of the whole text.
    pub sha256: [u8; 32],
}

/// Why an API key doesn't count. Callers aren't told which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeyError {
    /// Not of the form `postern_key_<id>_<secret>`.
    #[error("the API key is not of the form postern_key_<id>_<secret>")]
    Malformed,
    /// No key of that id is known: it never was there, or it was revoked.
    #[error("no API key of that id is known")]
    Unknown,
    /// There is a key of that id, and this is another text.
    #[error("the API key of that id has another secret")]
    WrongSecret,
    /// It has expired.
    #[error("the API key has expired")]
    Expired,
}

/// All API keys by id. Immutable; a change is another set that shares the keys.
#[derive(Debug, Clone, Default)]
pub struct ApiKeys {
    by_id: Arc<HashMap<Arc<str>, Arc<ApiKey>>>,
}

impl ApiKeys {
    /// The key that `text` is. How long it takes tells nothing about the secret.
    ///
    /// # Errors
    /// When it is none that counts at `now`.
    pub fn find(&self, text: &str, now: UnixTime) -> Result<&Arc<ApiKey>, ApiKeyError> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(ApiKeyError::Malformed);
        }
        let (id, _secret) = text
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split_once('_'))
            .ok_or(ApiKeyError::Malformed)?;
        let key = self.by_id.get(id).ok_or(ApiKeyError::Unknown)?;
        let sha256 = digest(&SHA256, text.as_bytes());
        verify_slices_are_equal(sha256.as_ref(), &key.sha256).map_err(|_| ApiKeyError::WrongSecret)?;
        match key.expires_at {
            Some(expires_at) if expires_at <= now => Err(ApiKeyError::Expired),
            _ => Ok(key),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Every key, in no order. For keeping them.
    pub fn iter(&self) -> impl Iterator<Item = &ApiKey> {
        self.by_id.values().map(AsRef::as_ref)
    }

    /// The set with `added` in place of those of the same id, and without those whose id is among `removed`.
    #[must_use]
    pub fn with<'r>(
        &self,
        added: impl IntoIterator<Item = ApiKey>,
        removed: impl IntoIterator<Item = &'r str>,
    ) -> Self {
        let mut by_id = HashMap::clone(&self.by_id);
        for id in removed {
            by_id.remove(id);
        }
        by_id.extend(added.into_iter().map(|key| (Arc::clone(&key.id), Arc::new(key))));
        Self {
            by_id: Arc::new(by_id),
        }
    }
}

#[cfg(test)]
mod tests;
