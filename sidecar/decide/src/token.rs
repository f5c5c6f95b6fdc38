//! From a token to the caller that it proves (R1.1–R1.3): remembered, or verified against the one issuer that it names.
//! Never fetches a key: what can't be verified with the keys at hand is refused.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use postern_jose::{MAX_TOKEN_BYTES, TokenError, TokenRef, UnixTime, VerifiedToken, verify};
use postern_rego::Value;
use postern_telemetry::Code;

use crate::caches::{Caches, TokenHash};
use crate::header;
use crate::issuer::TrustedIssuer;
use crate::refusal::Refusal;
use crate::snapshot::Snapshot;

/// Who calls, as a token of a trusted issuer proves it. Made by verification only.
#[derive(Debug)]
pub struct VerifiedCaller {
    issuer: Arc<str>,
    subject: Option<Arc<str>>,
    client_id: Option<Arc<str>>,
    scopes: Vec<Box<str>>,
    scope_text: Option<Box<str>>,
    claims: Value,
    claims_bytes: usize,
    expires_at: UnixTime,
}

/// A caller, and how it came to be known.
#[derive(Debug)]
pub struct Authenticated {
    /// Who.
    pub caller: Arc<VerifiedCaller>,
    /// Whether the token had been verified before.
    pub cached: bool,
}

/// Verifies a token against the issuers of `snapshot`: the same verification for Envoy's requests and for applications
/// that ask directly.
///
/// # Errors
/// The exact reason; what of it a client may be told is settled where the answer is made.
pub fn verify_token(
    snapshot: &Snapshot,
    caches: &Caches,
    token: &str,
    now: UnixTime,
) -> Result<Authenticated, Refusal> {
    // Nobody makes us hash, let alone parse, more than a token can be.
    if token.len() > MAX_TOKEN_BYTES {
        return Err(refusal(&TokenError::TooLarge, None));
    }
    let hash = hash_of(token);
    if let Some(caller) = caches.tokens.find(&hash, &snapshot.issuers, now) {
        return Ok(Authenticated { caller, cached: true });
    }
    let parsed = TokenRef::parse(token).map_err(|error| refusal(&error, None))?;
    let (place, issuer) = issuer_named_by(&parsed, snapshot)?;
    let Some(keys) = issuer.usable_keys(now) else {
        return Err(Refusal {
            refetch: Some(Arc::clone(issuer.name())),
            ..Refusal::new(
                Code::KeysUnavailable,
                "no keys of the token's issuer have been loaded yet, or not for too long",
            )
        });
    };
    let verified =
        verify(&parsed, keys, issuer.expectations(), now).map_err(|error| refusal(&error, Some(issuer)))?;
    let caller = Arc::new(VerifiedCaller::new(issuer, &verified)?);
    caches.tokens.remember(hash, (place, issuer), now, &caller);
    Ok(Authenticated {
        caller,
        cached: false,
    })
}

/// The trusted issuer that the token claims to be from. The claim only chooses who must have signed; that they did is
/// proved afterwards.
fn issuer_named_by<'s>(
    token: &TokenRef<'_>,
    snapshot: &'s Snapshot,
) -> Result<(usize, &'s Arc<TrustedIssuer>), Refusal> {
    let name = token
        .claimed_issuer()
        .ok_or_else(|| refusal(&TokenError::MissingClaim("iss".to_owned()), None))?;
    snapshot
        .issuers
        .find(name)
        .ok_or_else(|| refusal(&TokenError::WrongIssuer, None))
}

fn refusal(error: &TokenError, issuer: Option<&Arc<TrustedIssuer>>) -> Refusal {
    let code = match error {
        TokenError::TooLarge => Code::TokenTooLarge,
        TokenError::Malformed(_) | TokenError::CritRefused => Code::TokenMalformed,
        TokenError::AlgorithmRefused => Code::TokenAlgorithmRefused,
        TokenError::KeyChoiceRefused(_) => Code::TokenKeyChoiceRefused,
        TokenError::KeyUnknown | TokenError::KeyAmbiguous => Code::TokenKeyUnknown,
        TokenError::BadSignature => Code::TokenBadSignature,
        TokenError::Expired => Code::TokenExpired,
        TokenError::NotYetValid => Code::TokenNotYetValid,
        TokenError::WrongIssuer => Code::TokenWrongIssuer,
        TokenError::WrongAudience => Code::TokenWrongAudience,
        TokenError::WrongType => Code::TokenWrongType,
        TokenError::MissingClaim(_) => Code::TokenMissingClaim,
    };
    let refetch = match error {
        TokenError::KeyUnknown => issuer.map(|issuer| Arc::clone(issuer.name())),
        _ => None,
    };
    Refusal {
        refetch,
        ..Refusal::new(code, error.to_string())
    }
}

fn hash_of(token: &str) -> TokenHash {
    let mut hash = TokenHash::default();
    // SHA-256 gives exactly that many bytes.
    hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    hash
}

impl VerifiedCaller {
    fn new(issuer: &TrustedIssuer, token: &VerifiedToken) -> Result<Self, Refusal> {
        let claims_bytes = token.claims_json().len();
        let claims = Value::from_json_str(token.claims_json())
            .map_err(|_| Refusal::malformed("the payload is no JSON that policy could read"))?;
        let scopes: Vec<Box<str>> = token.scopes().map(Box::from).collect();
        let scope_text = (!scopes.is_empty()).then(|| scopes.join(" ").into_boxed_str());
        let caller = Self {
            issuer: Arc::clone(issuer.name()),
            subject: token.subject().map(Arc::from),
            client_id: token.client_id().map(Arc::from),
            scopes,
            scope_text,
            claims,
            claims_bytes,
            expires_at: token.expires_at(),
        };
        // These become headers for the upstream, as they are or not at all: two subjects must never look the same there.
        let told = [
            caller.subject().map(AsRef::as_ref),
            caller.client_id().map(AsRef::as_ref),
            caller.scope_text(),
        ];
        if !told.into_iter().flatten().all(header::is_value) {
            return Err(Refusal::malformed(
                "sub, client_id or scope holds a control character or surrounding white space",
            ));
        }
        Ok(caller)
    }

    /// `iss`.
    pub fn issuer(&self) -> &Arc<str> {
        &self.issuer
    }

    /// `sub`.
    pub fn subject(&self) -> Option<&Arc<str>> {
        self.subject.as_ref()
    }

    /// `client_id`.
    pub fn client_id(&self) -> Option<&Arc<str>> {
        self.client_id.as_ref()
    }

    /// `scope`, split.
    pub fn scopes(&self) -> &[Box<str>] {
        &self.scopes
    }

    /// `scope` with one space between scopes; `None` when there is none.
    pub fn scope_text(&self) -> Option<&str> {
        self.scope_text.as_deref()
    }

    /// All claims, as policy sees them. Parsed once, when the token was verified.
    pub fn claims(&self) -> &Value {
        &self.claims
    }

    /// `exp`.
    pub fn expires_at(&self) -> UnixTime {
        self.expires_at
    }

    /// About how many bytes it takes to remember this: JSON grows some six times when it becomes values.
    pub(crate) fn weight(&self) -> u64 {
        const FIXED: u64 = 512;
        const GROWTH: u64 = 6;
        FIXED + GROWTH.saturating_mul(self.claims_bytes as u64)
    }
}
