//! A JWT (RFC 7519): read, and verified against keys, expectations and the time it is given. The order of the checks
//! is [`TokenError`]'s.

use std::sync::Arc;

use serde_json::Value;

use crate::compact::{CompactRef, Header};
use crate::expectations::Expectations;
use crate::key_set::KeySet;
use crate::time::UnixTime;
use crate::token_error::TokenError;
use crate::verified::{Claims, VerifiedToken, seconds};

/// Longest token read, 16 KiB.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// A well-formed JWT. Nothing it says has been proved.
#[derive(Clone, Debug)]
pub struct TokenRef<'a> {
    compact: CompactRef<'a>,
    claims: Arc<Claims>,
}

impl<'a> TokenRef<'a> {
    /// Takes a token apart: its form, its size and the JSON types of registered claims are checked, nothing else.
    ///
    /// # Errors
    /// [`TokenError::TooLarge`] or [`TokenError::Malformed`].
    pub fn parse(text: &'a str) -> Result<Self, TokenError> {
        if text.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLarge);
        }
        let mut compact = CompactRef::parse(text)?;
        let claims = Claims::parse(compact.take_payload())?;
        Ok(Self {
            compact,
            claims: Arc::new(claims),
        })
    }

    /// The header, unproved.
    #[must_use]
    pub const fn header(&self) -> &Header {
        self.compact.header()
    }

    /// `iss` as claimed: picks the keys and expectations to verify with, no more.
    #[must_use]
    pub fn claimed_issuer(&self) -> Option<&str> {
        self.claims.text("iss")
    }

    /// The claims, unproved: to show, never to decide by.
    #[must_use]
    pub fn unverified_claims(&self) -> &serde_json::Map<String, Value> {
        self.claims.members()
    }
}

/// Proves that `token` was signed by one of `keys` and is what `expected` says, at the time `now`.
///
/// # Errors
/// The first [`TokenError`] in the order of its documentation.
pub fn verify(
    token: &TokenRef<'_>,
    keys: &KeySet,
    expected: &Expectations,
    now: UnixTime,
) -> Result<VerifiedToken, TokenError> {
    let (key, algorithm) = token.compact.signed_by(keys, &expected.algorithms)?;
    check_type(token.header().typ(), &expected.types)?;
    check_issuer_and_audience(&token.claims, expected)?;
    let expires_at = check_time(&token.claims, i64::from(expected.leeway_seconds), now)?;
    for name in &expected.required_claims {
        if token.claims.members().get(name).is_none_or(Value::is_null) {
            return Err(TokenError::MissingClaim(name.clone()));
        }
    }
    Ok(VerifiedToken::new(
        Arc::clone(&token.claims),
        key.key_id().map(Into::into),
        algorithm,
        expires_at,
    ))
}

/// RFC 7515 §4.1.9: compared as media types, `application/` left out.
fn check_type(typ: Option<&str>, accepted: &[String]) -> Result<(), TokenError> {
    fn short(name: &str) -> &str {
        const PREFIX: &str = "application/";
        match name.split_at_checked(PREFIX.len()) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) => rest,
            _ => name,
        }
    }
    let fits = |typ: &str| {
        accepted
            .iter()
            .any(|name| short(name).eq_ignore_ascii_case(short(typ)))
    };
    if accepted.is_empty() || typ.is_some_and(fits) {
        Ok(())
    } else {
        Err(TokenError::WrongType)
    }
}

fn check_issuer_and_audience(claims: &Claims, expected: &Expectations) -> Result<(), TokenError> {
    let issuer = claims
        .text("iss")
        .ok_or_else(|| TokenError::MissingClaim("iss".to_owned()))?;
    if issuer != expected.issuer {
        return Err(TokenError::WrongIssuer);
    }
    let ours = |audience: &str| expected.audiences.iter().any(|name| name == audience);
    let for_us = match claims.members().get("aud") {
        None => return Err(TokenError::MissingClaim("aud".to_owned())),
        Some(Value::String(audience)) => ours(audience),
        Some(Value::Array(audiences)) => audiences.iter().filter_map(Value::as_str).any(ours),
        Some(_) => false,
    };
    if for_us {
        Ok(())
    } else {
        Err(TokenError::WrongAudience)
    }
}

/// The first second at which the token has expired, leeway left out.
fn check_time(claims: &Claims, leeway: i64, now: UnixTime) -> Result<UnixTime, TokenError> {
    let time = |name: &str| claims.members().get(name).and_then(seconds);
    let expires_at = time("exp").ok_or_else(|| TokenError::MissingClaim("exp".to_owned()))?;
    if now.plus_seconds(-leeway) >= expires_at {
        return Err(TokenError::Expired);
    }
    // A token from the future (`iat`) means that one of the clocks is wrong, and with it how long the token lives.
    let too_early = |name: &str| time(name).is_some_and(|start| start > now.plus_seconds(leeway));
    if too_early("nbf") || too_early("iat") {
        return Err(TokenError::NotYetValid);
    }
    Ok(expires_at)
}
