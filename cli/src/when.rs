//! Times and spans as people type them: `now`, `2026-11-24T16:12:40Z`, seconds since the epoch; `90s`, `30m`, `12h`, `7d`.
//! And a span as people read it. Knows no time zones.

/// A moment, before `now` is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// When the command runs.
    Now,
    /// Seconds since the epoch.
    At(i64),
}

impl Moment {
    /// The end of the moment, seconds since the epoch: what happened in the second that is `now` is before it.
    pub fn end(self, now: i64) -> i64 {
        match self {
            Self::Now => now.saturating_add(1),
            Self::At(seconds) => seconds,
        }
    }
}

/// Reads a moment.
///
/// # Errors
/// What was expected.
pub fn moment(text: &str) -> Result<Moment, String> {
    if text == "now" {
        return Ok(Moment::Now);
    }
    let positive = |seconds: &i64| *seconds > 0;
    text.parse()
        .ok()
        .or_else(|| utc(text))
        .filter(positive)
        .map(Moment::At)
        .ok_or_else(|| {
            "expected `now`, a time such as 2026-11-24T16:12:40Z, or seconds since the epoch".to_owned()
        })
}

/// Reads a span of at least a second; gives seconds.
///
/// # Errors
/// What was expected.
pub fn span(text: &str) -> Result<i64, String> {
    let read = || {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let unit = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return None,
        };
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        let number: i64 = number.parse().ok().filter(|_| digits)?;
        number.checked_mul(unit).filter(|seconds| *seconds > 0)
    };
    read().ok_or_else(|| "expected a number with s, m, h or d, such as 30m".to_owned())
}

/// A span in its two largest units: `1 d 5 min`, `3 h`, `40 s`.
pub fn in_words(seconds: i64) -> String {
    let mut rest = seconds.max(0);
    let mut words = Vec::new();
    for (length, unit) in [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")] {
        if rest >= length && words.len() < 2 {
            words.push(format!("{} {unit}", rest / length));
        }
        rest %= length;
    }
    if words.is_empty() {
        words.push("0 s".to_owned());
    }
    words.join(" ")
}

/// `2026-11-24T16:12:40Z` in seconds since the epoch (RFC 3339, UTC only).
fn utc(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let form = bytes.len() == 20
        && bytes.iter().enumerate().all(|(n, byte)| match n {
            4 | 7 => *byte == b'-',
            10 => *byte == b'T',
            13 | 16 => *byte == b':',
            19 => *byte == b'Z',
            _ => byte.is_ascii_digit(),
        });
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let (hour, minute, second) = (part(11, 13)?, part(14, 16)?, part(17, 19)?);
    // Howard Hinnant's `days_from_civil`: a year starts in March, so that the leap day is its last.
    let from_march = year - i64::from(month <= 2);
    let era = from_march.div_euclid(400);
    let year_of_era = from_march.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let seconds = (era * 146_097 + day_of_era - 719_468) * 86_400 + hour * 3_600 + minute * 60 + second;
    // What is no date (February 30, hour 25) reads back as another one.
    (form && crate::time_text::utc(seconds) == text).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_they_are_printed() {
        assert_eq!(moment("now"), Ok(Moment::Now));
        assert_eq!(moment("1795536760"), Ok(Moment::At(1_795_536_760)));
        for seconds in [1, 951_782_400, 1_709_164_800, 1_795_536_760, 4_102_444_799] {
            assert_eq!(moment(&crate::time_text::utc(seconds)), Ok(Moment::At(seconds)));
        }
        for wrong in [
            "",
            "0",
            "-5",
            "yesterday",
            "2026-02-30T00:00:00Z",
            "2026-11-24T24:00:00Z",
            "2026-11-24T16:12:40+01:00",
            "2026-11-24",
            "2026-13-01T00:00:00Z",
            "+026-11-24T16:12:40Z",
        ] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_happened_in_this_second_is_before_now() {
        assert_eq!((Moment::Now.end(100), Moment::At(50).end(100)), (101, 50));
    }

    #[test]
    fn spans_have_a_unit() {
        for (text, seconds) in [("90s", 90), ("30m", 1_800), ("12h", 43_200), ("7d", 604_800)] {
            assert_eq!(span(text), Ok(seconds));
        }
        for wrong in [
            "",
            "5",
            "m",
            "-1m",
            "+1m",
            "1.5h",
            "0s",
            "1w",
            "1é",
            "9223372036854775807d",
        ] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_span_reads_in_two_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (-5, "0 s"),
            (59, "59 s"),
            (61, "1 min 1 s"),
            (3_600, "1 h"),
            (86_700, "1 d 5 min"),
            (90_061, "1 d 1 h"),
        ] {
            assert_eq!(in_words(seconds), text);
        }
    }
}
