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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000_000;

    /// Times as tokens have them, and some that they ought not to have.
    fn seconds() -> impl Strategy<Value = String> {
        prop_oneof![
            (0_i64..9_300_000_000).prop_map(|whole| whole.to_string()),
            (0_i64..9_300_000_000, "[0-9]{1,12}").prop_map(|(whole, rest)| format!("{whole}.{rest}")),
            (1_700_000_000_i64..1_900_000_000, "[0-9]{1,9}")
                .prop_map(|(whole, rest)| format!("{whole}.{rest}")),
            prop::sample::select(
                &[
                    "-1",
                    "0",
                    "-0.0",
                    "1e300",
                    "-1e300",
                    "9223372036.854775807",
                    "1.8e9",
                    "1e400"
                ][..]
            )
            .prop_map(str::to_owned),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        /// Near the edge, far from it, and anywhere.
        #[test]
        fn within_what_is_said_to_be_the_same_side_the_comparison_is_the_same(
            seconds in seconds(),
            near in prop::sample::select(&[0, 1, 127, 255, 1_000, 9_999, 10_001, 20_000, SECOND][..]),
            sign in prop::sample::select(&[-1_i64, 1][..]),
            far: i64,
            is_near: bool,
            others in prop::collection::vec(any::<u64>(), 6),
        ) {
            let number = Number::from_source(&seconds);
            prop_assume!(number.is_some());
            let number = number.unwrap();
            #[expect(clippy::cast_possible_truncation, reason = "a cast saturates")]
            let edge = (seconds.parse::<f64>().unwrap() * 1e9) as i64;
            let now = if is_near { edge.saturating_add(sign * near).max(0) } else { far & i64::MAX };
            let before = |at: i64| Instant::of(&Value::from(at)).unwrap().is_before(&number).unwrap();
            let span = side_of(&number, now);
            prop_assert!(span.contains(now));
            let (first, last) = (span.from_ns.max(0), span.to_ns);
            let width = last.abs_diff(first).saturating_add(1);
            for at in [first, last].into_iter().chain(others.iter().map(|other| first.saturating_add_unsigned(other % width))) {
                prop_assert_eq!(before(at), before(now), "{} at {} and {}", seconds, at, now);
            }
        }
    }

    #[test]
    fn today_little_is_left_unsaid() {
        let edge = Number::from_source("1800000000").unwrap();
        let now = 1_800_000_000 * SECOND;
        let before = side_of(&edge, now - SECOND);
        assert!(
            before.from_ns == i64::MIN && (now - 11_000..now).contains(&before.to_ns),
            "{before:?}"
        );
        let after = side_of(&edge, now + SECOND);
        assert!(
            after.to_ns == i64::MAX && (now..now + 11_000).contains(&after.from_ns),
            "{after:?}"
        );
        assert_eq!(side_of(&edge, now), Span::instant(now));
    }
}
