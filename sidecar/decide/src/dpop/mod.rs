//! DPoP (RFC 9449 §4.3 and §7): a bound token counts only with a proof, made for this very request, by the key that the
//! token is bound to. Says nothing of the token itself, which is verified beforehand.
//!
//! What is left open, and what bounds it: a proof counts once per *process*, since no network stands behind
//! [`ReplayCache`]. Whoever sees a request with its proof can repeat that very request (method, URI, token) at another pod,
//! or at this one after it restarted, while `iat` is within the window, and no longer than a nonce lives where nonces are
//! asked for. The window is at most [`MAX_IAT_WINDOW_SECONDS`].

mod nonce;
mod refusal;
mod replay;
mod target;

#[cfg(test)]
mod tests;

use postern_jose::{Algorithm, DpopProof, DpopProofRef, UnixTime, base64url};

pub use nonce::{MAX_NONCE_KEYS, NonceKey, NonceKeys};
pub use refusal::{DpopReason, DpopRefusal};
pub use replay::{ReplayCache, ReplayRefusal};
pub use target::is_public_origin;

pub(crate) use replay::ProofId;

/// The widest window for `iat`, in seconds: how long a proof must be remembered at most.
pub const MAX_IAT_WINDOW_SECONDS: u32 = 300;

/// What the route asks of proofs.
#[derive(Debug, Clone, Copy)]
pub struct DpopPlan<'a> {
    /// Scheme, host and port that clients know the route by, as [`is_public_origin`] accepts it. Never from the request.
    pub public_origin: &'a str,
    /// The algorithms that proofs may be signed with.
    pub algorithms: &'a [Algorithm],
    /// Whether a proof must hold a nonce of ours (§9).
    pub nonce: bool,
    /// How far `iat` may be from now, in seconds, either way; more than [`MAX_IAT_WINDOW_SECONDS`] counts as that.
    pub iat_window_seconds: u32,
    /// For how many seconds a nonce is good.
    pub nonce_lifetime_seconds: u32,
}

/// What the request brings.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    /// The value of the `DPoP` header; repeated headers joined by a comma, which no proof holds.
    pub proof: Option<&'a str>,
    /// The SHA-256 of the access token's text.
    pub token_sha256: &'a [u8; 32],
    /// `cnf.jkt` of the verified token.
    pub jkt: &'a str,
    /// The method, as sent.
    pub method: &'a str,
    /// The request target as sent: path and query, undecoded.
    pub target: &'a str,
}

/// The caller holds the key that its token is bound to, and made a proof of that for this request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    /// For the `DPoP-Nonce` header of the answer (§8.2), where the route asks for nonces.
    pub fresh_nonce: Option<String>,
}

/// Checks the proof of a request with a DPoP-bound token, and remembers it, so that it counts once.
///
/// # Errors
/// [`DpopRefusal`], with a fresh nonce where the route asks for nonces. Only a proof that would otherwise be accepted is
/// remembered.
pub fn check(
    presented: &Presented<'_>,
    plan: &DpopPlan<'_>,
    nonce_keys: &NonceKeys,
    replays: &ReplayCache,
    now: UnixTime,
) -> Result<Proved, DpopRefusal> {
    check_unless_spent(presented, plan, nonce_keys, replays, None, now).map(|(proved, _)| proved)
}

/// As [`check`], for a check that may have used up the proof `spent` itself, before it was interrupted: that one counts
/// again. Gives which proof it was.
pub(crate) fn check_unless_spent(
    presented: &Presented<'_>,
    plan: &DpopPlan<'_>,
    nonce_keys: &NonceKeys,
    replays: &ReplayCache,
    spent: Option<ProofId>,
    now: UnixTime,
) -> Result<(Proved, ProofId), DpopRefusal> {
    // Every answer of such a route renews the nonce: clients use the latest they were told.
    let fresh_nonce = if plan.nonce { nonce_keys.issue(now) } else { None };
    match checked(presented, plan, nonce_keys, replays, spent, now) {
        Ok(id) => Ok((Proved { fresh_nonce }, id)),
        Err(reason) => Err(DpopRefusal { reason, fresh_nonce }),
    }
}

fn checked(
    presented: &Presented<'_>,
    plan: &DpopPlan<'_>,
    nonce_keys: &NonceKeys,
    replays: &ReplayCache,
    spent: Option<ProofId>,
    now: UnixTime,
) -> Result<ProofId, DpopReason> {
    let proof = DpopProofRef::parse(only_proof(presented.proof)?)?;
    // Before its signature: nobody makes us verify with a key that isn't the token's.
    if proof.thumbprint() != presented.jkt {
        return Err(DpopReason::KeyMismatch);
    }
    let proof = proof.verify(plan.algorithms)?;
    let htu = check_made_for(&proof, presented, plan)?;
    let window_seconds = plan.iat_window_seconds.min(MAX_IAT_WINDOW_SECONDS);
    check_time(&proof, window_seconds, now)?;
    if plan.nonce {
        if nonce_keys.is_empty() {
            // Who is asked for a nonce must be given one.
            return Err(DpopReason::NoNonceKeys);
        }
        let nonce = proof.nonce().ok_or(DpopReason::NonceMissing)?;
        nonce_keys.check(nonce, plan.nonce_lifetime_seconds, now)?;
    }
    let id = ProofId::of(&proof, &htu);
    if spent != Some(id) {
        replays.insert(id, proof.iat(), window_seconds, now)?;
    }
    Ok(id)
}

/// §4.3 item 1: exactly one header.
fn only_proof(header: Option<&str>) -> Result<&str, DpopReason> {
    match header {
        None | Some("") => Err(DpopReason::Missing),
        Some(value) if value.contains(',') => Err(DpopReason::Several),
        Some(value) => Ok(value),
    }
}

/// §4.3 items 8, 9 and 12: this method, this URI, this token. Gives the URI in its normal form.
fn check_made_for(
    proof: &DpopProof,
    presented: &Presented<'_>,
    plan: &DpopPlan<'_>,
) -> Result<String, DpopReason> {
    if proof.htm() != presented.method {
        return Err(DpopReason::Method);
    }
    let expected = target::expected(plan.public_origin, presented.target);
    let htu = target::normal_form(proof.htu())
        .filter(|htu| Some(htu) == expected.as_ref())
        .ok_or(DpopReason::Uri)?;
    match proof.ath() {
        None => Err(DpopReason::TokenHashMissing),
        Some(hash) if hash == base64url::encode(presented.token_sha256) => Ok(htu),
        Some(_) => Err(DpopReason::TokenHash),
    }
}

/// §4.3 item 11.
fn check_time(proof: &DpopProof, window_seconds: u32, now: UnixTime) -> Result<(), DpopReason> {
    let age = now.seconds_since(proof.iat());
    let window = i64::from(window_seconds);
    if age > window {
        Err(DpopReason::TooOld)
    } else if age < -window {
        Err(DpopReason::FromTheFuture)
    } else {
        Ok(())
    }
}
