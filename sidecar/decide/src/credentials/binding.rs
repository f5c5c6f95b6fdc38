//! Whether the sender holds the key that the token is bound to: a DPoP key (RFC 9449), a certificate (RFC 8705), both, or
//! none. A bound token that anybody could have sent is refused. Fails closed.

use postern_jose::Algorithm;
use postern_telemetry::Code;

use super::Judging;
use super::expression::Shown;
use super::presented::Scheme;
use crate::caller::Binding;
use crate::dpop::{self, DpopPlan, Presented, ProofId, Proved};
use crate::refusal::Refusal;
use crate::verified_caller::VerifiedCaller;

/// The algorithms that proofs may be signed with: all there are, none of which is symmetric.
pub(crate) const PROOF_ALGORITHMS: &[Algorithm] = &Algorithm::ALL;

/// What ties the token to its sender.
#[derive(Debug, Default)]
pub(crate) struct Bound {
    pub(crate) binding: Binding,
    pub(crate) fresh_nonce: Option<String>,
    /// The DPoP proof that was used up.
    pub(crate) spent_proof: Option<ProofId>,
}

/// Checks all that the token is bound to.
///
/// # Errors
/// `token_binding_required`, `token_binding_mismatch`, and what is wrong with a proof.
pub(crate) fn check(token: &VerifiedCaller, shown: &Shown, judging: &Judging<'_>) -> Result<Bound, Refusal> {
    let cnf = token.confirmation();
    let by_certificate = match &cnf.x5t_s256 {
        Some(expected) => {
            certificate(expected, judging)?;
            true
        }
        None => false,
    };
    let Some(jkt) = &cnf.jkt else {
        return unbound(shown, judging).map(|()| Bound {
            binding: if by_certificate {
                Binding::Mtls
            } else {
                Binding::None
            },
            ..Bound::default()
        });
    };
    if shown.scheme != Scheme::Dpop {
        return Err(Refusal::new(
            Code::TokenBindingRequired,
            "the token is bound to a DPoP key (`cnf.jkt`) and was sent as a bearer token",
        ));
    }
    let (proved, spent_proof) = proof(jkt, shown, judging)?;
    Ok(Bound {
        binding: if by_certificate {
            Binding::DpopAndMtls
        } else {
            Binding::Dpop
        },
        fresh_nonce: proved.fresh_nonce,
        spent_proof: Some(spent_proof),
    })
}

fn certificate(expected: &[u8; 32], judging: &Judging<'_>) -> Result<(), Refusal> {
    match &judging.peer.certificate_sha256 {
        Some(shown) if shown == expected => Ok(()),
        Some(_) => Err(Refusal::new(
            Code::TokenBindingMismatch,
            "the token is bound to another certificate (`cnf.x5t#S256`) than the peer's",
        )),
        None => Err(Refusal::new(
            Code::TokenBindingRequired,
            "the token is bound to a certificate (`cnf.x5t#S256`), and the peer has shown none",
        )),
    }
}

/// RFC 9449 §7.1: the scheme DPoP is for tokens that are bound so.
fn unbound(shown: &Shown, judging: &Judging<'_>) -> Result<(), Refusal> {
    if shown.scheme == Scheme::Dpop {
        return Err(Refusal::new(
            Code::TokenBindingMismatch,
            "the token was sent by the scheme DPoP and is bound to no DPoP key",
        ));
    }
    if judging.route.dpop.required {
        return Err(Refusal::new(
            Code::TokenBindingMismatch,
            "the route requires tokens that are bound to a DPoP key",
        ));
    }
    Ok(())
}

/// What the proof proves, and which it is.
fn proof(jkt: &str, shown: &Shown, judging: &Judging<'_>) -> Result<(Proved, ProofId), Refusal> {
    let http = &judging.request.http;
    let rule = judging.route.dpop;
    let Some(public_origin) = &judging.route.public_origin else {
        return Err(Refusal::new(
            Code::DpopProofInvalid,
            "the route has no public_origin that a proof's `htu` could be compared with",
        ));
    };
    let plan = DpopPlan {
        public_origin,
        algorithms: PROOF_ALGORITHMS,
        nonce: rule.nonce,
        iat_window_seconds: rule.iat_window_seconds,
        nonce_lifetime_seconds: judging.snapshot.settings.dpop_nonce_lifetime_seconds,
    };
    let presented = Presented {
        proof: http.headers.value("dpop"),
        token_sha256: &shown.sha256,
        jkt,
        method: http.method,
        target: http.path,
    };
    dpop::check_unless_spent(
        &presented,
        &plan,
        &judging.snapshot.nonce_keys,
        &judging.caches.proofs,
        judging.spent_proof,
        judging.now,
    )
    .map_err(|refusal| Refusal::new(refusal.code(), refusal.to_string()).with_nonce(refusal.fresh_nonce))
}
