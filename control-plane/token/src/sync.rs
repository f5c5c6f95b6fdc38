//! Revocations in the form in which sidecars are told of them (`postern.sync.v1`). Nothing but the translation.

use postern_proto::sync::v1 as proto;
use postern_proto::token::v1::{Claim, claim};
use prost::Message;

use crate::model::{ClaimValue, Revocation, RevokedTokens, Which};

/// The change that puts these entries on the list, as the log keeps it.
pub(crate) fn revoked(entries: &[Revocation]) -> Vec<u8> {
    let revoked = entries.iter().map(proto::Revocation::from).collect();
    let delta = proto::Delta {
        revoked,
        ..proto::Delta::default()
    };
    delta.encode_to_vec()
}

/// The change that takes an entry off the list, as the log keeps it.
pub(crate) fn lifted(tokens: &RevokedTokens) -> Vec<u8> {
    let lifted = vec![proto::Revocation {
        issuer: tokens.issuer.clone(),
        which: Some((&tokens.which).into()),
        ..proto::Revocation::default()
    }];
    let delta = proto::Delta {
        lifted,
        ..proto::Delta::default()
    };
    delta.encode_to_vec()
}

impl From<&Revocation> for proto::Revocation {
    fn from(entry: &Revocation) -> Self {
        Self {
            issuer: entry.tokens.issuer.clone(),
            issued_before: entry.issued_before,
            expires_at: entry.expires_at,
            which: Some((&entry.tokens.which).into()),
        }
    }
}

impl From<&Which> for proto::revocation::Which {
    fn from(which: &Which) -> Self {
        match which {
            Which::KeyId(key_id) => Self::KeyId(key_id.clone()),
            Which::Claim { name, value } => Self::Claim(Claim {
                name: name.clone(),
                value: Some(value.into()),
            }),
        }
    }
}

impl From<&ClaimValue> for claim::Value {
    fn from(value: &ClaimValue) -> Self {
        match value {
            ClaimValue::Text(text) => Self::Text(text.clone()),
            ClaimValue::Integer(number) => Self::Integer(*number),
            ClaimValue::Boolean(boolean) => Self::Boolean(*boolean),
        }
    }
}
