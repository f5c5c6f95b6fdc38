//! What a verified token says. A [`VerifiedToken`] is made by `verify` alone.

use std::sync::Arc;

use crate::algorithm::Algorithm;
use crate::claims_form::{ClaimsForm, ClaimsMap, View};
use crate::strict_json;
use crate::time::UnixTime;
use crate::token_error::TokenError;

/// The claims of a token, as text and in the form that was asked for.
#[derive(Debug)]
pub(crate) struct Claims<F: ClaimsForm> {
    json: String,
    members: F::Object,
    exact: bool,
    times: Times,
}

/// The claims that are times.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Times {
    pub(crate) expires_at: Option<UnixTime>,
    pub(crate) not_before: Option<UnixTime>,
    pub(crate) issued_at: Option<UnixTime>,
}

impl<F: ClaimsForm> Claims<F> {
    /// Reads a payload and checks the JSON types of the claims that have a meaning here.
    pub(crate) fn parse(payload: Vec<u8>) -> Result<Self, TokenError> {
        const NO_OBJECT: TokenError =
            TokenError::Malformed("the payload is not a JSON object with each member once");
        let json = String::from_utf8(payload).map_err(|_| NO_OBJECT)?;
        let read = strict_json::read::<F>(&json).ok_or(NO_OBJECT)?;
        let mut times = Times::default();
        for (name, value) in &read.members {
            let view = F::view(value);
            match name.as_ref() {
                "iss" | "sub" | "client_id" | "jti" => check_string(&view)?,
                "aud" => check_audience::<F>(&view)?,
                "exp" => times.expires_at = Some(time(&view)?),
                "nbf" => times.not_before = Some(time(&view)?),
                "iat" => times.issued_at = Some(time(&view)?),
                _ => {}
            }
        }
        Ok(Self {
            members: F::object(read.members),
            json,
            exact: read.exact,
            times,
        })
    }

    pub(crate) const fn members(&self) -> &F::Object {
        &self.members
    }

    pub(crate) const fn times(&self) -> &Times {
        &self.times
    }

    /// What the claim called `name` is; `None` where there is none.
    pub(crate) fn view(&self, name: &str) -> Option<View<'_, F::Value>> {
        F::member(&self.members, name).map(F::view)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.view(name)? {
            View::String(text) => Some(text),
            _ => None,
        }
    }
}

fn check_string<V>(view: &View<'_, V>) -> Result<(), TokenError> {
    match view {
        View::String(_) => Ok(()),
        _ => Err(TokenError::Malformed(
            "`iss`, `sub`, `client_id` and `jti` must be strings",
        )),
    }
}

fn check_audience<F: ClaimsForm>(view: &View<'_, F::Value>) -> Result<(), TokenError> {
    let right = match view {
        View::String(_) => true,
        View::Array(audiences) => audiences
            .iter()
            .all(|audience| matches!(F::view(audience), View::String(_))),
        _ => false,
    };
    if right {
        Ok(())
    } else {
        Err(TokenError::Malformed(
            "`aud` must be a string or an array of strings",
        ))
    }
}

fn time<V>(view: &View<'_, V>) -> Result<UnixTime, TokenError> {
    seconds(view).ok_or(TokenError::Malformed("`exp`, `nbf` and `iat` must be numbers"))
}

/// A `NumericDate` (RFC 7519 §2) as whole seconds, rounded up: for a whole-second clock `now < 10.5` and `now < 11` are
/// the same, and so are `now >= 10.5` and `now >= 11`.
pub(crate) fn seconds<V>(view: &View<'_, V>) -> Option<UnixTime> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "`as` saturates, which is what a time beyond the range should do"
    )]
    match view {
        View::Integer(seconds) => Some(UnixTime(*seconds)),
        View::Double(seconds) => Some(UnixTime(seconds.ceil() as i64)),
        View::Null | View::String(_) | View::Array(_) | View::Other => None,
    }
}

/// A token that was signed by a key we hold, for us, and valid at the time of the check. Cheap to clone.
#[derive(Clone, Debug)]
pub struct VerifiedToken<F: ClaimsForm = ClaimsMap> {
    claims: Arc<Claims<F>>,
    key_id: Option<Arc<str>>,
    algorithm: Algorithm,
    expires_at: UnixTime,
}

impl<F: ClaimsForm> VerifiedToken<F> {
    pub(crate) const fn new(
        claims: Arc<Claims<F>>,
        key_id: Option<Arc<str>>,
        algorithm: Algorithm,
        expires_at: UnixTime,
    ) -> Self {
        Self {
            claims,
            key_id,
            algorithm,
            expires_at,
        }
    }

    /// Every claim. Numbers that aren't integers of 64 bits are the nearest double here;
    /// [`claims_json`](Self::claims_json) has them exactly.
    #[must_use]
    pub fn claims(&self) -> &F::Object {
        self.claims.members()
    }

    /// Whether [`claims`](Self::claims) has each number exactly.
    #[must_use]
    pub fn claims_are_exact(&self) -> bool {
        self.claims.exact
    }

    /// The payload as the issuer wrote it, byte for byte (R2.7).
    #[must_use]
    pub fn claims_json(&self) -> &str {
        &self.claims.json
    }

    /// `iss`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.claims.text("iss").unwrap_or_default()
    }

    /// `sub`.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.claims.text("sub")
    }

    /// `client_id` (RFC 8693 §4.3, RFC 9068 §2.2).
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.claims.text("client_id")
    }

    /// The values of `scope` (RFC 8693 §4.2), in their order. A `scope` that isn't a string grants nothing.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.claims
            .text("scope")
            .unwrap_or_default()
            .split(' ')
            .filter(|scope| !scope.is_empty())
    }

    /// `jti`.
    #[must_use]
    pub fn jti(&self) -> Option<&str> {
        self.claims.text("jti")
    }

    /// `exp`: the first whole second at which the token has expired, without leeway.
    #[must_use]
    pub const fn expires_at(&self) -> UnixTime {
        self.expires_at
    }

    /// The `kid` of the key that verified the token, when that key has one.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// [`kid`](Self::kid) to keep: the very text that the key set has, and that its other tokens share.
    #[must_use]
    pub const fn shared_kid(&self) -> Option<&Arc<str>> {
        self.key_id.as_ref()
    }

    /// The algorithm that the token was verified with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
