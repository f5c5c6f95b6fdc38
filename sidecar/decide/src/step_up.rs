//! Whether the user behind a token signed in as strongly and as lately as the route asks (RFC 9470). Looks at what the
//! issuer said of it; measures nothing itself.

use postern_jose::UnixTime;
use postern_telemetry::Code;

use crate::caller::Caller;
use crate::refusal::{Refusal, Wanted};
use crate::routes::StepUp;

/// Checks `acr` (OpenID Connect Core §2) and `auth_time` against what the route asks. A caller without a token has no user
/// who could have signed in.
///
/// # Errors
/// `insufficient_user_authentication`.
pub(crate) fn check(asked: &StepUp, caller: &Caller, now: UnixTime) -> Result<(), Refusal> {
    let refused = |reason| {
        Err(Refusal::new(Code::InsufficientUserAuthentication, reason).asking(Wanted::StepUp(asked.clone())))
    };
    let Some(token) = &caller.identity.token else {
        return refused("the route asks how the user signed in, and no token says so");
    };
    if !asked.acr_values.is_empty() {
        match token.acr() {
            Some(acr) if asked.acr_values.iter().any(|value| **value == *acr) => {}
            Some(_) => return refused("the token's `acr` is none of those that the route asks for"),
            None => return refused("the route asks for an `acr`, and the token has none"),
        }
    }
    if let Some(max_age) = asked.max_age_seconds {
        let Some(signed_in) = token.auth_time() else {
            return refused("the route asks when the user signed in, and the token has no `auth_time`");
        };
        let age = now.seconds_since(signed_in);
        let leeway = i64::from(token.leeway_seconds());
        if age > i64::from(max_age).saturating_add(leeway) || age < -leeway {
            return refused("the user signed in longer ago than the route allows, or in the future");
        }
    }
    Ok(())
}
