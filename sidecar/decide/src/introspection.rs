//! An issuer's word on a token that it alone can read (RFC 7662 §2.2), as the host got it: read strictly, held to what is
//! expected of the issuer's tokens, and remembered for as long as it counts. Never asks.

use std::sync::Arc;

use postern_jose::UnixTime;
use postern_rego::Value;
use postern_telemetry::Code;
use quick_cache::sync::Cache;

use crate::caches::{Caches, TokenHash};
use crate::numeric_date::numeric_date;
use crate::refusal::Refusal;
use crate::revoked;
use crate::snapshot::Snapshot;
use crate::token::hash_of;
use crate::verified_caller::VerifiedCaller;

/// How many tokens are remembered that their issuer said no to.
const INACTIVE_ENTRIES: usize = 4096;

/// What an issuer says of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// It is active, and what is expected.
    Active,
    /// It isn't.
    Inactive,
}

/// Takes in what `issuer` answered about `token`, good for at most `for_seconds`. The check that needed it finds it when
/// it is made again.
///
/// # Errors
/// When the answer is no introspection response, or of a token that isn't accepted here whatever the issuer says; nothing
/// is remembered then. `token_revoked` where the control plane has revoked it, as a check would find.
pub fn remember_introspection(
    snapshot: &Snapshot,
    caches: &Caches,
    issuer: &str,
    token: &str,
    response: &[u8],
    for_seconds: u32,
    now: UnixTime,
) -> Result<Word, Refusal> {
    let hash = hash_of(token.as_bytes())?;
    let unreadable = || {
        Refusal::new(
            Code::IntrospectionUnavailable,
            "the issuer's answer is no introspection response (RFC 7662 §2.2)",
        )
    };
    let found = snapshot.issuers.find(issuer).ok_or_else(unreadable)?;
    let issuer = found.issuer;
    let claims = Value::from_json_slice(response).map_err(|_| unreadable())?;
    let until = now.plus_seconds(i64::from(for_seconds));
    match claims.get("active").and_then(Value::as_bool) {
        Some(true) => {}
        Some(false) => {
            caches.inactive.remember(hash, Arc::clone(issuer.name()), until);
            return Ok(Word::Inactive);
        }
        None => return Err(unreadable()),
    }
    let expected = issuer.expectations();
    if claims
        .get("iss")
        .is_some_and(|iss| iss.as_str() != Some(&expected.issuer))
    {
        return Err(Refusal::new(
            Code::TokenWrongIssuer,
            "the issuer says that the token is another issuer's",
        ));
    }
    if !is_for(claims.get("aud"), &expected.audiences) {
        return Err(Refusal::new(
            Code::TokenWrongAudience,
            "the issuer doesn't say that the token is for an audience accepted here",
        ));
    }
    let leeway = i64::from(expected.leeway_seconds);
    let time = |name: &str| claims.get(name).map(numeric_date);
    let expires_at = match time("exp") {
        None => until,
        Some(Some(expires_at)) if now.plus_seconds(-leeway) < expires_at => expires_at.min(until),
        Some(Some(_)) => return Err(Refusal::new(Code::TokenExpired, "the token has expired")),
        Some(None) => return Err(unreadable()),
    };
    match time("nbf") {
        Some(Some(from)) if from > now.plus_seconds(leeway) => {
            return Err(Refusal::new(Code::TokenNotYetValid, "the token is not valid yet"));
        }
        Some(None) => return Err(unreadable()),
        _ => {}
    }
    let caller = Arc::new(VerifiedCaller::introspected(
        found,
        claims,
        response.len(),
        now,
        expires_at,
    )?);
    caches.tokens.remember(hash, &caller);
    revoked::check_token(&snapshot.revocations, &caller, now)?;
    Ok(Word::Active)
}

/// RFC 7662 lets an issuer leave the audience out; a token that may be for anybody isn't for us.
fn is_for(aud: Option<&Value>, audiences: &[String]) -> bool {
    let ours = |value: &Value| {
        value
            .as_str()
            .is_some_and(|text| audiences.iter().any(|audience| audience == text))
    };
    match aud {
        Some(Value::Array(several)) => several.iter().any(ours),
        Some(one) => ours(one),
        None => false,
    }
}

/// Tokens that their issuer said no to, so that asking again and again about one costs it nothing. Bounded; correct since
/// an entry counts for a short time only, and for one issuer.
#[derive(Debug)]
pub(crate) struct InactiveTokens(Cache<TokenHash, (Arc<str>, UnixTime)>);

impl InactiveTokens {
    pub(crate) fn new() -> Self {
        Self(Cache::new(INACTIVE_ENTRIES))
    }

    /// Whether `issuer` said so of the token, and says so still.
    pub(crate) fn contains(&self, hash: &TokenHash, issuer: &str, now: UnixTime) -> bool {
        self.0
            .get(hash)
            .is_some_and(|(by, until)| *by == *issuer && now < until)
    }

    fn remember(&self, hash: TokenHash, issuer: Arc<str>, until: UnixTime) {
        self.0.insert(hash, (issuer, until));
    }
}
