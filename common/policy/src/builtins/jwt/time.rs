//! Instants as OPA compares them: the present in nanoseconds as a float, divided to seconds, written out, and compared
//! with the claim as a number.

use postern_rego::{BuiltinError, Context, Number, Span, Value};

use super::super::{fail, refuse};

/// An instant, in nanoseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Instant(f64);

/// When a token is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    /// Then.
    At(Instant),
    /// At the instant of the evaluation, for as long as that makes no difference.
    Now,
}

impl When {
    /// The present.
    ///
    /// # Errors
    /// When that is no time that a token can be looked at.
    pub(super) fn now(context: &mut Context<'_>) -> Result<Self, BuiltinError> {
        context.judge(|now_ns| match Instant::of(&Value::from(now_ns)) {
            // It doesn't depend on which one.
            Ok(_) => (
                Ok(Self::Now),
                Span {
                    from_ns: 0,
                    to_ns: i64::MAX,
                },
            ),
            Err(error) => (Err(error), Span::instant(now_ns)),
        })
    }
}

/// Instants and times of tokens are compared as floats: this close to an edge nothing is said of other instants, in
/// nanoseconds. Of the last instant that there is, floats of nanoseconds and of seconds are off by a thousand at most.
const BLUR_NS: f64 = 10_000.0;

/// The instants on the same side of `seconds` since the epoch as `now_ns`.
pub(super) fn side_of(seconds: &Number, now_ns: i64) -> Span {
    let Ok(edge) = seconds.as_str().parse::<f64>().map(|seconds| seconds * 1e9) else {
        return Span::instant(now_ns);
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast saturates, and no instant is beyond"
    )]
    let (before, after) = ((edge - BLUR_NS) as i64, (edge + BLUR_NS) as i64);
    if now_ns < before {
        Span {
            from_ns: i64::MIN,
            to_ns: before,
        }
    } else if now_ns > after {
        Span {
            from_ns: after,
            to_ns: i64::MAX,
        }
    } else {
        Span::instant(now_ns)
    }
}

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
