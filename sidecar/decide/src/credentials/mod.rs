//! What the route accepts, judged: tokens, API keys and peers that were presented, and what the route's rules ask of them.
//! A credential that is presented and wrong refuses the request, whatever else would have done: nobody is let in as less
//! than they claimed to be.

mod binding;
mod expression;
mod presented;

use postern_jose::UnixTime;
use postern_telemetry::Code;

use crate::accept::Accept;
use crate::caches::Caches;
use crate::caller::Caller;
use crate::claims;
use crate::dpop::ProofId;
use crate::peer::Peer;
use crate::refusal::{Refusal, Wanted};
use crate::routes::Route;
use crate::snapshot::Snapshot;
use crate::view::RequestView;

pub(crate) use binding::PROOF_ALGORITHMS;

/// What credentials are judged by.
#[derive(Clone, Copy)]
pub(crate) struct Judging<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) caches: &'a Caches,
    pub(crate) request: &'a RequestView<'a>,
    pub(crate) route: &'a Route,
    pub(crate) peer: &'a Peer,
    pub(crate) now: UnixTime,
    /// The DPoP proof that this check used up before it was interrupted.
    pub(crate) spent_proof: Option<ProofId>,
}

/// A caller that the route accepts.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) caller: Caller,
    /// For the `DPoP-Nonce` header of the answer.
    pub(crate) fresh_nonce: Option<String>,
    /// The DPoP proof that was used up.
    pub(crate) spent_proof: Option<ProofId>,
}

/// Judges what the request presents. `note` is shown the caller as soon as it is known who that would be, for the record
/// of a refusal that comes after.
///
/// # Errors
/// The first thing that is wrong, or what is missing.
pub(crate) fn judge(judging: &Judging<'_>, note: impl FnOnce(&Caller, bool)) -> Result<Accepted, Refusal> {
    let proved = expression::prove(&judging.route.accept, judging)?;
    note(&proved.caller, proved.token_cached);
    let mut accepted = Accepted {
        caller: proved.caller,
        fresh_nonce: None,
        spent_proof: None,
    };
    let route = judging.route;
    if let (Some(token), Some(shown)) = (&accepted.caller.identity.token, &proved.shown) {
        let bound = binding::check(token, shown, judging)?;
        accepted.caller.binding = bound.binding;
        accepted.fresh_nonce = bound.fresh_nonce;
        accepted.spent_proof = bound.spent_proof;
    }
    check_claims(route, &accepted.caller)?;
    check_scopes(route, &accepted.caller)?;
    Ok(accepted)
}

/// A caller without a token has no claims.
fn check_claims(route: &Route, caller: &Caller) -> Result<(), Refusal> {
    if route.required_claims.is_empty() {
        return Ok(());
    }
    match &caller.identity.token {
        Some(token) => claims::check(&route.required_claims, token.claims()),
        None => Err(Refusal::new(
            Code::TokenMissingClaim,
            "the route requires claims, and the caller has no token",
        )),
    }
}

fn check_scopes(route: &Route, caller: &Caller) -> Result<(), Refusal> {
    let scopes = caller.identity.scopes();
    if route.required_scopes.iter().all(|scope| scopes.contains(scope)) {
        return Ok(());
    }
    let refusal = Refusal::new(
        Code::InsufficientScope,
        "the caller lacks a scope that the route requires",
    );
    Err(refusal.asking(Wanted::Scope(route.required_scopes.join(" "))))
}

/// Whether a token could be accepted anywhere in this expression.
pub(crate) fn takes_tokens(accept: &Accept) -> bool {
    match accept {
        Accept::Jwt(_) => true,
        Accept::Any(parts) | Accept::All(parts) => parts.iter().any(takes_tokens),
        Accept::Anonymous | Accept::Mtls(_) | Accept::ApiKey(_) => false,
    }
}
