//! Whether a caller's token has been revoked since it was made, and whether what is known of revocations is fresh enough to
//! say so. Looks a remembered token up once for each change of the set, not on each check.

use postern_jose::UnixTime;
use postern_telemetry::Code;

use crate::caller::Caller;
use crate::refusal::Refusal;
use crate::revocation::{Name, Revocations};
use crate::routes::{RevocationRule, WhenStale};
use crate::verified_caller::VerifiedCaller;

/// How fresh the knowledge was that a caller was let pass by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Knowledge {
    Fresh,
    Stale,
}

/// Checks the caller's credentials.
///
/// # Errors
/// `token_revoked`; `revocations_stale` where the route would rather deny than not know.
pub(crate) fn check(
    revocations: &Revocations,
    rule: RevocationRule,
    caller: &Caller,
    now: UnixTime,
) -> Result<Knowledge, Refusal> {
    if let Some(token) = &caller.identity.token {
        check_token(revocations, token, now)?;
    }
    let revocable = caller.identity.token.is_some() || caller.identity.api_key.is_some();
    let stale = rule
        .max_staleness_seconds
        .is_some_and(|seconds| revocable && revocations.is_stale(now, seconds));
    match (stale, rule.when_stale) {
        (false, _) => Ok(Knowledge::Fresh),
        (true, WhenStale::Serve) => Ok(Knowledge::Stale),
        (true, WhenStale::Deny) => Err(Refusal::new(
            Code::RevocationsStale,
            "nothing has been heard of revocations for longer than the route allows",
        )),
    }
}

/// Checks one token.
///
/// # Errors
/// `token_revoked`.
pub(crate) fn check_token(
    revocations: &Revocations,
    token: &VerifiedCaller,
    now: UnixTime,
) -> Result<(), Refusal> {
    let generation = revocations.generation();
    // Entries of one generation only ever expire: what wasn't revoked in it never will be.
    if token.is_unrevoked_in(generation) {
        return Ok(());
    }
    match revocations.find(&token.revocation_subject(), now) {
        None => {
            token.note_unrevoked_in(generation);
            Ok(())
        }
        Some(by) => Err(Refusal::new(
            Code::TokenRevoked,
            match by.name {
                Name::KeyId => "the key that signed the token is revoked".to_owned(),
                Name::Claim(claim) => format!("a value of the token's claim `{claim}` is revoked"),
            },
        )),
    }
}
