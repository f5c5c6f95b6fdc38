//! What a verified token says. A [`VerifiedToken`] is made by `verify` alone.

use std::sync::Arc;

use serde_json::{Map, Number, Value};

use crate::algorithm::Algorithm;
use crate::strict_json;
use crate::time::UnixTime;
use crate::token_error::TokenError;

/// The claims of a token, as text and as JSON.
#[derive(Debug)]
pub(crate) struct Claims {
    json: String,
    members: Map<String, Value>,
}

impl Claims {
    /// Reads a payload and checks the JSON types of the claims that have a meaning here.
    pub(crate) fn parse(payload: Vec<u8>) -> Result<Self, TokenError> {
        let malformed = TokenError::Malformed("the payload is not a JSON object with each member once");
        let json = String::from_utf8(payload).map_err(|_| malformed.clone())?;
        let members = strict_json::parse_object(&json).ok_or(malformed)?;
        let wrong = |names: &[&str], right: fn(&Value) -> bool| {
            names
                .iter()
                .any(|name| members.get(*name).is_some_and(|value| !right(value)))
        };
        if wrong(&["iss", "sub", "client_id", "jti"], Value::is_string) {
            return Err(TokenError::Malformed(
                "`iss`, `sub`, `client_id` and `jti` must be strings",
            ));
        }
        if wrong(&["exp", "nbf", "iat"], Value::is_number) {
            return Err(TokenError::Malformed("`exp`, `nbf` and `iat` must be numbers"));
        }
        if wrong(&["aud"], is_audience) {
            return Err(TokenError::Malformed(
                "`aud` must be a string or an array of strings",
            ));
        }
        Ok(Self { json, members })
    }

    pub(crate) const fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name).and_then(Value::as_str)
    }
}

fn is_audience(value: &Value) -> bool {
    match value {
        Value::String(_) => true,
        Value::Array(audiences) => audiences.iter().all(Value::is_string),
        _ => false,
    }
}

/// A `NumericDate` (RFC 7519 §2) as whole seconds, rounded up: for a whole-second clock `now < 10.5` and `now < 11` are
/// the same, and so are `now >= 10.5` and `now >= 11`.
pub(crate) fn seconds(value: &Value) -> Option<UnixTime> {
    let Value::Number(number) = value else { return None };
    Some(UnixTime(number.as_i64().unwrap_or_else(|| rounded_up(number))))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "`as` saturates, which is what a time beyond the range should do"
)]
fn rounded_up(number: &Number) -> i64 {
    number.as_f64().map_or(i64::MIN, |seconds| seconds.ceil() as i64)
}

/// A token that was signed by a key we hold, for us, and valid at the time of the check. Cheap to clone.
#[derive(Clone, Debug)]
pub struct VerifiedToken {
    claims: Arc<Claims>,
    key_id: Option<Arc<str>>,
    algorithm: Algorithm,
    expires_at: UnixTime,
}

impl VerifiedToken {
    pub(crate) const fn new(
        claims: Arc<Claims>,
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

    /// Every claim. Numbers beyond 64 bits are the nearest double here; [`claims_json`](Self::claims_json) has them
    /// exactly.
    #[must_use]
    pub fn claims(&self) -> &Map<String, Value> {
        self.claims.members()
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

    /// The algorithm that the token was verified with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
