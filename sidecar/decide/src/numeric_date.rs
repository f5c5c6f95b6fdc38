//! `NumericDate` (RFC 7519 §2): seconds since the epoch, which need not be whole.

use postern_jose::UnixTime;
use postern_rego::Value;

/// The time in whole seconds, rounded up as in tokens that are verified here: for a clock of whole seconds `now < 10.5` and
/// `now < 11` are the same. `None` for what is no number.
pub(crate) fn numeric_date(value: &Value) -> Option<UnixTime> {
    if let Some(seconds) = value.as_i64() {
        return Some(UnixTime(seconds));
    }
    let seconds: f64 = value.as_number()?.as_str().parse().ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "`as` saturates, which is what a time beyond the range should do"
    )]
    Some(UnixTime(seconds.ceil() as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_need_not_be_whole_and_must_be_a_number() {
        for (json, seconds) in [
            ("1700000000", Some(1_700_000_000)),
            ("1700000000.5", Some(1_700_000_001)),
            ("1.7e9", Some(1_700_000_000)),
            ("-0.5", Some(0)),
            ("1e300", Some(i64::MAX)),
            ("\"1700000000\"", None),
            ("null", None),
            ("[1]", None),
        ] {
            let value = Value::from_json_slice(json.as_bytes()).unwrap();
            assert_eq!(numeric_date(&value), seconds.map(UnixTime), "{json}");
        }
    }
}
