//! Instants as Go writes them (`time.RFC3339Nano`, UTC): the fraction without its trailing zeros.

const DAY: i64 = 86_400;

/// An instant in nanoseconds since the epoch.
pub(in crate::opa) fn nanoseconds(unix_ns: i64) -> String {
    let (seconds, ns) = (
        unix_ns.div_euclid(1_000_000_000),
        unix_ns.rem_euclid(1_000_000_000),
    );
    let whole = without_zone(seconds);
    if ns == 0 {
        return whole + "Z";
    }
    let fraction = format!("{ns:09}");
    format!("{whole}.{}Z", fraction.trim_end_matches('0'))
}

/// The same, to the second (`time.RFC3339`).
pub(in crate::opa) fn seconds(unix_ns: i64) -> String {
    without_zone(unix_ns.div_euclid(1_000_000_000)) + "Z"
}

fn without_zone(seconds: i64) -> String {
    let (days, of_day) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

/// Year, month and day of so many days since the epoch (Hinnant, "chrono-compatible low-level date algorithms",
/// `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_read_as_go_writes_them() {
        for (ns, want) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_796_094_167_743_075_464, "2026-12-01T03:02:47.743075464Z"),
            (951_782_399_100_000_000, "2000-02-28T23:59:59.1Z"),
            (951_868_800_000_000_000, "2000-03-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999999999Z"),
        ] {
            assert_eq!(nanoseconds(ns), want);
        }
        assert_eq!(seconds(1_796_094_167_743_075_464), "2026-12-01T03:02:47Z");
    }
}
