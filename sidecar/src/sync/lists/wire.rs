//! From the stream's messages to what the state machine takes. What can't be read is an error, not passed over: an entry
//! that this program doesn't understand may be the one that matters.

use std::sync::Arc;

use postern_decide::ApiKey;
use postern_decide::dpop::{NonceKey, NonceKeys};
use postern_jose::UnixTime;
use postern_proto::sync::v1 as wire;
use postern_proto::sync::v1::revocation;
use postern_proto::sync::v1::watch_response::Hint;
use postern_proto::token::v1::claim;
use secrecy::zeroize::Zeroizing;

use super::{Delta, Event, Part, Position, Revocation, Tokens, Which};

/// What one message of the stream tells.
#[derive(Debug)]
pub(crate) enum Told {
    /// An issuer's keys changed.
    Keys(wire::KeysHint),
    /// A bundle changed.
    Bundle(wire::BundleHint),
    /// Something about the lists.
    Lists(Event),
    /// The keys of nonces are these.
    NonceKeys(NonceKeys),
    /// Something that came after this program was built.
    Unknown,
}

/// Why a message isn't one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WireError {
    /// A part, or a heartbeat, that doesn't say where it is.
    #[error("a message without a position came from the control plane")]
    NoPosition,
    /// A revocation that names no tokens in a way that this program knows.
    #[error("a revocation came without a claim and a key; a newer control plane may know more kinds of them")]
    NoTokens,
    /// A claim without a value, or with one of a kind that this program doesn't know.
    #[error("a revocation came whose claim has no value; a newer control plane may know more kinds of them")]
    NoValue,
    /// A revocation without an end.
    #[error("a revocation came without a time at which it expires")]
    NoEnd,
    /// An API key that can't be one.
    #[error("an API key came whose `{0}` can't be one")]
    ApiKey(&'static str),
    /// A key of nonces that can't be one.
    #[error("a key for nonces came that isn't of 32 bytes")]
    NonceKey,
}

/// Reads one message.
///
/// # Errors
/// When it can't be understood.
pub(crate) fn told(message: wire::WatchResponse) -> Result<Told, WireError> {
    Ok(match message.hint {
        None => Told::Unknown,
        Some(Hint::Keys(hint)) => Told::Keys(hint),
        Some(Hint::Bundle(hint)) => Told::Bundle(hint),
        Some(Hint::Snapshot(part)) => Told::Lists(Event::Part(part.try_into()?)),
        Some(Hint::Delta(delta)) => Told::Lists(Event::Delta(delta.try_into()?)),
        Some(Hint::Heartbeat(heartbeat)) => Told::Lists(Event::Heartbeat(position(heartbeat.position)?)),
        Some(Hint::NonceKeys(keys)) => Told::NonceKeys(nonce_keys(keys)?),
    })
}

impl From<&Position> for wire::Position {
    fn from(position: &Position) -> Self {
        Self {
            epoch: position.epoch.to_string(),
            sequence: position.sequence,
            check: position.check,
        }
    }
}

impl TryFrom<wire::SnapshotPart> for Part {
    type Error = WireError;

    fn try_from(part: wire::SnapshotPart) -> Result<Self, WireError> {
        Ok(Self {
            first: part.first,
            last: part.last,
            position: position(part.position)?,
            revoked: all(part.revocations)?,
            api_keys: api_keys(part.api_keys)?,
        })
    }
}

impl TryFrom<wire::Delta> for Delta {
    type Error = WireError;

    fn try_from(delta: wire::Delta) -> Result<Self, WireError> {
        Ok(Self {
            sequence: delta.sequence,
            check: delta.check,
            revoked: all(delta.revoked)?,
            lifted: delta.lifted.into_iter().map(tokens).collect::<Result<_, _>>()?,
            api_keys: api_keys(delta.api_keys)?,
            api_keys_removed: delta.api_keys_removed,
        })
    }
}

impl TryFrom<wire::Revocation> for Revocation {
    type Error = WireError;

    fn try_from(revocation: wire::Revocation) -> Result<Self, WireError> {
        if revocation.expires_at <= 0 {
            return Err(WireError::NoEnd);
        }
        Ok(Self {
            issued_before: (revocation.issued_before != 0).then_some(UnixTime(revocation.issued_before)),
            expires_at: UnixTime(revocation.expires_at),
            tokens: tokens(revocation)?,
        })
    }
}

fn all(revocations: Vec<wire::Revocation>) -> Result<Vec<Revocation>, WireError> {
    revocations.into_iter().map(TryInto::try_into).collect()
}

fn tokens(revocation: wire::Revocation) -> Result<Tokens, WireError> {
    let which = match revocation.which.ok_or(WireError::NoTokens)? {
        revocation::Which::KeyId(key_id) => Which::KeyId(key_id),
        revocation::Which::Claim(claim) => match claim.value.ok_or(WireError::NoValue)? {
            claim::Value::Text(text) => Which::Text(claim.name, text),
            claim::Value::Integer(integer) => Which::Integer(claim.name, integer),
            claim::Value::Boolean(flag) => Which::Boolean(claim.name, flag),
        },
    };
    Ok(Tokens {
        issuer: revocation.issuer,
        which,
    })
}

fn position(position: Option<wire::Position>) -> Result<Position, WireError> {
    let position = position.ok_or(WireError::NoPosition)?;
    Ok(Position {
        epoch: position.epoch.into(),
        sequence: position.sequence,
        check: position.check,
    })
}

fn api_keys(keys: Vec<wire::ApiKey>) -> Result<Vec<ApiKey>, WireError> {
    keys.into_iter().map(api_key).collect()
}

fn api_key(key: wire::ApiKey) -> Result<ApiKey, WireError> {
    if key.id.is_empty() || !key.id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(WireError::ApiKey("id"));
    }
    if key.subject.is_empty() {
        return Err(WireError::ApiKey("subject"));
    }
    if key.expires_at < 0 {
        return Err(WireError::ApiKey("expires_at"));
    }
    let scopes: Arc<[Box<str>]> = key.scopes.into_iter().map(String::into_boxed_str).collect();
    Ok(ApiKey {
        id: key.id.into(),
        name: key.name.into(),
        subject: key.subject.into(),
        scopes,
        expires_at: (key.expires_at != 0).then_some(UnixTime(key.expires_at)),
        sha256: key.sha256.try_into().map_err(|_| WireError::ApiKey("sha256"))?,
    })
}

fn nonce_keys(keys: wire::NonceKeys) -> Result<NonceKeys, WireError> {
    let keys = keys
        .keys
        .into_iter()
        .map(|key| {
            let bytes = Zeroizing::new(key.key);
            let bytes: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| WireError::NonceKey)?;
            Ok(NonceKey::new(
                bytes,
                UnixTime(key.not_before),
                UnixTime(key.not_after),
            ))
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(NonceKeys::new(keys))
}
