//! What a token was believed on: the issuer with the rules and keys that it verified with, and when. Says whether it would
//! be believed now, as far as that can be told without verifying it again.

use std::sync::Arc;

use postern_jose::{Algorithm, UnixTime};

use crate::issuer::{Issuers, Placed, TrustedIssuer};

/// Why a token was believed.
#[derive(Debug, Clone)]
pub(crate) struct Grounds {
    issuer: Arc<TrustedIssuer>,
    /// Where that issuer is among the snapshot's.
    place: usize,
    proof: Proof,
    from: UnixTime,
    until: UnixTime,
}

/// What the claims were believed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Proof {
    /// A signature by a key of the issuer.
    Signature {
        key_id: Option<Arc<str>>,
        algorithm: Algorithm,
    },
    /// The issuer's word (RFC 7662).
    Introspection,
}

/// Whether a remembered token would verify now.
pub(crate) enum Standing<'s> {
    /// With the very keys that it verified with.
    AsItIs,
    /// With other keys of the issuer, among which is the one that signed it.
    WithOtherKeys(Placed<'s>),
    /// Not, as far as can be told without verifying it.
    Fallen,
}

impl Grounds {
    /// A token believed at `from`, on this proof of this issuer, for no longer than `until`.
    pub(crate) fn new(found: Placed<'_>, proof: Proof, from: UnixTime, until: UnixTime) -> Self {
        Self {
            issuer: Arc::clone(found.issuer),
            place: found.place,
            proof,
            from,
            until,
        }
    }

    /// The same, of the issuer with other keys.
    pub(crate) fn with(&self, found: Placed<'_>) -> Self {
        Self {
            issuer: Arc::clone(found.issuer),
            place: found.place,
            ..self.clone()
        }
    }

    pub(crate) fn issuer(&self) -> &TrustedIssuer {
        &self.issuer
    }

    pub(crate) fn proof(&self) -> &Proof {
        &self.proof
    }

    /// The name of the key that signed it, where it has one.
    pub(crate) fn key_id(&self) -> Option<&str> {
        match &self.proof {
            Proof::Signature { key_id, .. } => key_id.as_deref(),
            Proof::Introspection => None,
        }
    }

    /// `exp`, or when the issuer's word is to be asked for again.
    pub(crate) fn until(&self) -> UnixTime {
        self.until
    }

    /// Whether the token would be believed now, among these issuers.
    pub(crate) fn standing<'s>(&self, issuers: &'s Issuers, now: UnixTime) -> Standing<'s> {
        if !(self.from <= now && now < self.until) {
            return Standing::Fallen;
        }
        let Some(found) = issuers.at(self.place) else {
            return Standing::Fallen;
        };
        let issuer = found.issuer;
        if !Arc::ptr_eq(issuer.rules(), self.issuer.rules()) {
            return Standing::Fallen;
        }
        let (key_id, algorithm) = match &self.proof {
            Proof::Introspection => return Standing::AsItIs,
            Proof::Signature { key_id, algorithm } => (key_id.as_deref(), *algorithm),
        };
        match (issuer.usable_keys(now), self.issuer.keys()) {
            (Some(keys), Some(verified_with)) if Arc::ptr_eq(keys, verified_with) => Standing::AsItIs,
            (Some(keys), Some(verified_with)) if keys.agrees_with(verified_with, key_id, algorithm) => {
                Standing::WithOtherKeys(found)
            }
            _ => Standing::Fallen,
        }
    }
}
