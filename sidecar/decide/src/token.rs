//! From a token to the caller that it proves (R1.1–R1.3): remembered, or verified against the one issuer that it names.
//! Never fetches a key: what can't be verified with the keys at hand is refused.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use postern_jose::{MAX_TOKEN_BYTES, TokenError, TokenRef, UnixTime, verify};
use postern_telemetry::Code;

use crate::answer::{Need, PresentedToken};
use crate::caches::{Caches, TokenHash};
use crate::grounds::Proof;
use crate::issuer::{OnUnknownKid, Placed, TrustedIssuer};
use crate::policy_claims::PolicyClaims;
use crate::refusal::Refusal;
use crate::revoked;
use crate::snapshot::Snapshot;
use crate::verified_caller::VerifiedCaller;

/// A caller, and how it came to be known.
#[derive(Debug)]
pub struct Authenticated {
    /// Who.
    pub caller: Arc<VerifiedCaller>,
    /// Whether the token had been verified before.
    pub cached: bool,
}

/// Verifies a token against the issuers of `snapshot`, and that it hasn't been revoked: the same verification as for
/// Envoy's requests, for applications that ask about a token. That its sender holds the key which it may be bound to can't
/// be said without a request.
///
/// # Errors
/// The exact reason; what of it a client may be told is settled where the answer is made.
pub fn verify_token(
    snapshot: &Snapshot,
    caches: &Caches,
    token: &str,
    now: UnixTime,
) -> Result<Authenticated, Refusal> {
    let hash = hash_of(token.as_bytes())?;
    let authenticated = authenticate(snapshot, caches, token.as_bytes(), &hash, None, now)?;
    if *authenticated.caller.proof() == Proof::Introspection {
        // That its issuer's word on it is remembered must not make a difference.
        return Err(Refusal::malformed("the token is no JWT"));
    }
    revoked::check_token(&snapshot.revocations, &authenticated.caller, now)?;
    Ok(authenticated)
}

/// Verifies a token, or remembers that it was. `introspects` names the issuer that is asked about tokens that are no JWTs.
pub(crate) fn authenticate(
    snapshot: &Snapshot,
    caches: &Caches,
    token: &[u8],
    hash: &TokenHash,
    introspects: Option<&Arc<str>>,
    now: UnixTime,
) -> Result<Authenticated, Refusal> {
    if let Some(caller) = caches.tokens.find(hash, &snapshot.issuers, now) {
        return Ok(Authenticated { caller, cached: true });
    }
    let Ok(token) = std::str::from_utf8(token) else {
        return Err(Refusal::malformed("the token is not text"));
    };
    let parsed = match (TokenRef::<PolicyClaims>::parse_into(token), introspects) {
        (Ok(parsed), _) => parsed,
        (Err(TokenError::Malformed(_)), Some(issuer)) if is_opaque(token) => {
            return Err(introspect(caches, token, hash, issuer, now));
        }
        (Err(error), _) => return Err(refusal(&error, None)),
    };
    let found = issuer_named_by(&parsed, snapshot)?;
    let issuer = found.issuer;
    let Some(keys) = issuer.usable_keys(now) else {
        return Err(Refusal::new(
            Code::KeysUnavailable,
            "no keys of the token's issuer have been loaded yet, or none were confirmed for too long",
        )
        .refetching(issuer.name()));
    };
    let verified =
        verify(&parsed, keys, issuer.expectations(), now).map_err(|error| refusal(&error, Some(issuer)))?;
    let caller = Arc::new(VerifiedCaller::signed(found, &verified, now)?);
    caches.tokens.remember(*hash, &caller);
    Ok(Authenticated {
        caller,
        cached: false,
    })
}

/// SHA-256 of a token.
///
/// # Errors
/// `token_too_large`: nobody makes us hash, let alone parse, more than a token can be.
pub(crate) fn hash_of(token: &[u8]) -> Result<TokenHash, Refusal> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(refusal(&TokenError::TooLarge, None));
    }
    let mut hash = TokenHash::default();
    // SHA-256 gives exactly that many bytes.
    hash.copy_from_slice(digest(&SHA256, token).as_ref());
    Ok(hash)
}

/// The trusted issuer that the token claims to be from. The claim only chooses who must have signed; that they did is
/// proved afterwards.
fn issuer_named_by<'s>(
    token: &TokenRef<'_, PolicyClaims>,
    snapshot: &'s Snapshot,
) -> Result<Placed<'s>, Refusal> {
    let name = token
        .claimed_issuer()
        .ok_or_else(|| refusal(&TokenError::MissingClaim("iss".to_owned()), None))?;
    snapshot
        .issuers
        .find(name)
        .ok_or_else(|| refusal(&TokenError::WrongIssuer, None))
}

/// Whether it could be a token that only its issuer can read: `b64token` of RFC 6750 §2.1.
fn is_opaque(token: &str) -> bool {
    token
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte))
}

/// The issuer must be asked, unless it lately said no.
fn introspect(caches: &Caches, token: &str, hash: &TokenHash, issuer: &Arc<str>, now: UnixTime) -> Refusal {
    if caches.inactive.contains(hash, issuer, now) {
        return Refusal::new(Code::InvalidToken, "the issuer says that the token is not active");
    }
    Refusal::new(
        Code::IntrospectionUnavailable,
        "the issuer alone can say whether the token is active, and hasn't",
    )
    .needing(Need::Introspect {
        issuer: Arc::clone(issuer),
        token: PresentedToken::new(token),
    })
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
    let refusal = Refusal::new(code, error.to_string());
    match (error, issuer) {
        (TokenError::KeyUnknown, Some(issuer)) => for_newer_keys(refusal, issuer),
        _ => refusal,
    }
}

/// The issuer may have a key by now that it hadn't when its keys were fetched.
fn for_newer_keys(refusal: Refusal, issuer: &TrustedIssuer) -> Refusal {
    let refusal = refusal.refetching(issuer.name());
    match issuer.rules().on_unknown_kid {
        OnUnknownKid::Refuse => refusal,
        OnUnknownKid::Wait { wait_ms } => refusal.needing(Need::Keys {
            issuer: Arc::clone(issuer.name()),
            wait_ms: wait_ms.min(OnUnknownKid::MAX_WAIT_MS),
        }),
    }
}
