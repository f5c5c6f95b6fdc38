//! API keys in the form in which sidecars are told of them (`postern.sync.v1`). Nothing but the translation.

use postern_proto::sync::v1 as proto;
use prost::Message;

use crate::model::{ApiKey, ApiKeyId, Scope};
use crate::secret::SecretHash;

/// The change that makes a key accepted, as the log keeps it.
pub(crate) fn created(key: &ApiKey, hash: &SecretHash) -> Vec<u8> {
    let delta = proto::Delta {
        api_keys: vec![told(key, hash)],
        ..proto::Delta::default()
    };
    delta.encode_to_vec()
}

/// The change that ends a key, as the log keeps it.
pub(crate) fn revoked(id: &ApiKeyId) -> Vec<u8> {
    let delta = proto::Delta {
        api_keys_removed: vec![id.to_string()],
        ..proto::Delta::default()
    };
    delta.encode_to_vec()
}

/// A key as sidecars hold it: its hash is all they need to recognise it.
pub(crate) fn told(key: &ApiKey, hash: &SecretHash) -> proto::ApiKey {
    proto::ApiKey {
        id: key.id.to_string(),
        sha256: hash.0.to_vec(),
        subject: key.subject.to_string(),
        name: key.name.to_string(),
        scopes: key.scopes.iter().map(Scope::to_string).collect(),
        expires_at: key.expires_at,
    }
}
