//! A JWT (RFC 7519): read, and verified against keys, expectations and the time it is given. The order of the checks
//! is [`TokenError`]'s.

use std::sync::Arc;

use crate::claims_form::{ClaimsForm, ClaimsMap, View};
use crate::compact::{CompactRef, Header};
use crate::expectations::Expectations;
use crate::key_set::KeySet;
use crate::time::UnixTime;
use crate::token_error::TokenError;
use crate::verified::{Claims, Times, VerifiedToken};

/// Longest token read, 16 KiB.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// A well-formed JWT, its claims in the form `F`. Nothing it says has been proved.
#[derive(Clone, Debug)]
pub struct TokenRef<'a, F: ClaimsForm = ClaimsMap> {
    compact: CompactRef<'a>,
    claims: Arc<Claims<F>>,
}

impl<'a> TokenRef<'a> {
    /// Takes a token apart: its form, its size and the JSON types of registered claims are checked, nothing else.
    ///
    /// # Errors
    /// [`TokenError::TooLarge`] or [`TokenError::Malformed`].
    pub fn parse(text: &'a str) -> Result<Self, TokenError> {
        Self::parse_into(text)
    }
}

impl<'a, F: ClaimsForm> TokenRef<'a, F> {
    /// As [`parse`](TokenRef::parse), the claims in the form `F`.
    ///
    /// # Errors
    /// [`TokenError::TooLarge`] or [`TokenError::Malformed`].
    pub fn parse_into(text: &'a str) -> Result<Self, TokenError> {
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
    pub fn unverified_claims(&self) -> &F::Object {
        self.claims.members()
    }
}

/// Proves that `token` was signed by one of `keys` and is what `expected` says, at the time `now`.
///
/// # Errors
/// The first [`TokenError`] in the order of its documentation.
pub fn verify<F: ClaimsForm>(
    token: &TokenRef<'_, F>,
    keys: &KeySet,
    expected: &Expectations,
    now: UnixTime,
) -> Result<VerifiedToken<F>, TokenError> {
    let (key, algorithm) = token.compact.signed_by(keys, &expected.algorithms)?;
    check_type(token.header().typ(), &expected.types)?;
    check_issuer_and_audience(&token.claims, expected)?;
    let expires_at = check_time(token.claims.times(), i64::from(expected.leeway_seconds), now)?;
    for name in &expected.required_claims {
        if matches!(token.claims.view(name), None | Some(View::Null)) {
            return Err(TokenError::MissingClaim(name.clone()));
        }
    }
    Ok(VerifiedToken::new(
        Arc::clone(&token.claims),
        key.key_id().map(Arc::clone),
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

fn check_issuer_and_audience<F: ClaimsForm>(
    claims: &Claims<F>,
    expected: &Expectations,
) -> Result<(), TokenError> {
    let issuer = claims
        .text("iss")
        .ok_or_else(|| TokenError::MissingClaim("iss".to_owned()))?;
    if issuer != expected.issuer {
        return Err(TokenError::WrongIssuer);
    }
    let ours = |audience: &str| expected.audiences.iter().any(|name| name == audience);
    let for_us = match claims.view("aud") {
        None => return Err(TokenError::MissingClaim("aud".to_owned())),
        Some(View::String(audience)) => ours(audience),
        Some(View::Array(audiences)) => audiences
            .iter()
            .any(|audience| matches!(F::view(audience), View::String(audience) if ours(audience))),
        Some(_) => false,
    };
    if for_us {
        Ok(())
    } else {
        Err(TokenError::WrongAudience)
    }
}

/// The first second at which the token has expired, leeway left out.
fn check_time(times: &Times, leeway: i64, now: UnixTime) -> Result<UnixTime, TokenError> {
    let expires_at = times
        .expires_at
        .ok_or_else(|| TokenError::MissingClaim("exp".to_owned()))?;
    if now.plus_seconds(-leeway) >= expires_at {
        return Err(TokenError::Expired);
    }
    // A token from the future (`iat`) means that one of the clocks is wrong, and with it how long the token lives.
    let too_early = |time: Option<UnixTime>| time.is_some_and(|start| start > now.plus_seconds(leeway));
    if too_early(times.not_before) || too_early(times.issued_at) {
        return Err(TokenError::NotYetValid);
    }
    Ok(expires_at)
}
