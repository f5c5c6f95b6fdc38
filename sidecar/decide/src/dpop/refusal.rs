//! Why a DPoP proof doesn't count. The exact reason is for the log; the code says what a client may be told.

use postern_jose::DpopProofError;
use postern_telemetry::Code;

use super::replay::ReplayRefusal;

/// A request that is refused for its DPoP proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct DpopRefusal {
    /// Why.
    pub reason: DpopReason,
    /// For the `DPoP-Nonce` header of the answer (RFC 9449 §9), where the route asks for nonces.
    pub fresh_nonce: Option<String>,
}

impl DpopRefusal {
    /// What the refusal is called towards clients.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.reason.code()
    }
}

/// The first check of RFC 9449 §4.3 that a request fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DpopReason {
    /// No `DPoP` header.
    #[error("there is no DPoP header")]
    Missing,
    /// More than one `DPoP` header.
    #[error("there is more than one DPoP header")]
    Several,
    /// Not a proof, or not signed by its own key.
    #[error(transparent)]
    Proof(#[from] DpopProofError),
    /// The proof's key is not the one that the token is bound to (`cnf.jkt`).
    #[error("the DPoP proof is by another key than the token is bound to")]
    KeyMismatch,
    /// `htm` is not the request's method.
    #[error("the DPoP proof's `htm` is another method than the request's")]
    Method,
    /// `htu` is not the request's URI: the route's public origin and the request's path.
    #[error("the DPoP proof's `htu` is another URI than the route's public origin with the request's path")]
    Uri,
    /// `ath` is missing.
    #[error("the DPoP proof has no `ath`, the hash of the access token")]
    TokenHashMissing,
    /// `ath` is another token's.
    #[error("the DPoP proof's `ath` is the hash of another access token")]
    TokenHash,
    /// `iat` is longer ago than the window.
    #[error("the DPoP proof's `iat` is too long ago")]
    TooOld,
    /// `iat` is further ahead than the window.
    #[error("the DPoP proof's `iat` is in the future")]
    FromTheFuture,
    /// The route asks for a nonce and the proof has none.
    #[error("the DPoP proof has no nonce, and the route asks for one")]
    NonceMissing,
    /// The nonce is none of ours, or was made too long ago.
    #[error("the DPoP proof's nonce is not ours or too old")]
    NonceUnknown,
    /// The route asks for nonces, and there is no key to make or recognise one with.
    #[error("there is no key for DPoP nonces yet, and the route asks for nonces")]
    NoNonceKeys,
    /// Used before, or what was used can't be remembered.
    #[error(transparent)]
    Replay(#[from] ReplayRefusal),
}

impl DpopReason {
    /// What the reason is called towards clients.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Missing => Code::DpopProofMissing,
            Self::KeyMismatch => Code::TokenBindingMismatch,
            Self::NonceMissing | Self::NonceUnknown => Code::UseDpopNonce,
            Self::NoNonceKeys => Code::KeysUnavailable,
            Self::Replay(ReplayRefusal::Seen | ReplayRefusal::Full) => Code::DpopProofReplayed,
            Self::Several
            | Self::Proof(_)
            | Self::Method
            | Self::Uri
            | Self::TokenHashMissing
            | Self::TokenHash
            | Self::TooOld
            | Self::FromTheFuture
            | Self::Replay(ReplayRefusal::Forgotten) => Code::DpopProofInvalid,
        }
    }
}
