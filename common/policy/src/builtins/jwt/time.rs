//! Instants as OPA compares them: the present in nanoseconds as a float, divided to seconds, written out, and compared
//! with the claim as a number.

use postern_rego::{BuiltinError, Number, Value};

use super::super::{fail, refuse};

/// An instant, in nanoseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Instant(f64);

/// Integers up to here are floats exactly.
const EXACT: i64 = 1 << 53;

impl Instant {
    /// Of a constraint, or of the present.
    pub(super) fn of(value: &Value) -> Result<Self, BuiltinError> {
        let Value::Number(number) = value else {
            return fail("token time constraint: must be a number");
        };
        match number.as_str().parse::<f64>() {
            Ok(time) if time.is_infinite() || time.is_nan() => fail("token time constraint: unvalid float64"),
            Ok(time) if time < 0.0 => fail("token time constraint: must not be negative"),
            Ok(time) => Ok(Self(time)),
            Err(_) => fail("token time constraint: unvalid float64"),
        }
    }

    /// Whether the instant is before `seconds` since the epoch.
    pub(super) fn is_before(self, seconds: &Number) -> Result<bool, BuiltinError> {
        let now = self.0 / 1e9;
        if let Some(whole) = seconds.as_i64().filter(|whole| whole.abs() < EXACT) {
            // The float's shortest text lies on the same side of a number that is a float itself.
            #[expect(clippy::cast_precision_loss, reason = "it is exact up to here")]
            let whole = whole as f64;
            return Ok(now < whole);
        }
        match Number::from_source(&now.to_string()) {
            Some(now) => Ok(now < *seconds),
            None => refuse("this time constraint"),
        }
    }
}
