//! What of a token revocations look at.

use postern_jose::UnixTime;
use postern_rego::Value;

use super::digest::{Name, Scalar};

/// A verified token, as far as revocations are concerned.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// `iss`.
    pub issuer: &'a str,
    /// `kid` of the key that verified it.
    pub key_id: Option<&'a str>,
    /// Its claims.
    pub claims: &'a Value,
}

impl<'a> Subject<'a> {
    /// `iat` in whole seconds; `None` where there is none, or none that is a time.
    pub(super) fn issued_at(&self) -> Option<UnixTime> {
        let issued_at = self.claims.get("iat")?.as_number()?;
        if let Some(seconds) = issued_at.as_i64() {
            return Some(UnixTime(seconds));
        }
        let seconds: f64 = issued_at.as_str().parse().ok()?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "rounded down, and inside of what an i64 holds exactly"
        )]
        (seconds.abs() < 9e15).then(|| UnixTime(seconds.floor() as i64))
    }

    /// The values that the token has under `name`.
    pub(super) fn values(&self, name: Name<'_>) -> impl Iterator<Item = Scalar<'a>> {
        let (key, claim) = match name {
            Name::KeyId => (self.key_id, None),
            Name::Claim(claim) => (None, self.claims.get(claim)),
        };
        let elements = match claim {
            Some(Value::Array(array)) => array.as_slice(),
            Some(other) => std::slice::from_ref(other),
            None => &[],
        };
        key.map(Scalar::String)
            .into_iter()
            .chain(elements.iter().filter_map(Scalar::of))
    }
}
