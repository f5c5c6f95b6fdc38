//! The keys of the service as one immutable value: the current one signs, all of them are published.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest;
use postern_jose::{Jwk, JwkSet, Signer};

/// The key set document and its validator, made once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDocument {
    /// The JWK set (RFC 7517 §5), public members only.
    pub json: String,
    /// SHA-256 of the document in hex: changes exactly when the document does. Without quotes.
    pub etag: String,
}

/// The current signing key and the document with every published key.
pub struct KeyRing {
    current: Box<dyn Signer>,
    document: Arc<KeyDocument>,
}

impl KeyRing {
    /// A ring whose `current` key signs. `published` is every key that verifies, the current one among them, newest
    /// first.
    pub fn new(current: Box<dyn Signer>, published: impl IntoIterator<Item = Jwk>) -> Self {
        let json = JwkSet::new(published).to_json();
        let etag = hex::encode(digest::digest(&digest::SHA256, json.as_bytes()));
        Self {
            current,
            document: Arc::new(KeyDocument { json, etag }),
        }
    }

    /// The key that signs.
    pub fn current(&self) -> &dyn Signer {
        &*self.current
    }

    /// What is published.
    pub fn document(&self) -> &Arc<KeyDocument> {
        &self.document
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("KeyRing")
            .field("current", &self.current.key_id())
            .field("document", &self.document)
            .finish()
    }
}
