//! Days and dates of the Gregorian calendar, extended backwards.

/// Year, month and day of so many days after 1 January 1970.
pub(super) fn date(days: i64) -> (i64, i64, i64) {
    // Counted from 1 March of the year 0, so that the leap day is a year's last.
    let days = days.saturating_add(719_468);
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (year_of_era + 400 * era + i64::from(month <= 2), month, day)
}

/// How many days after 1 January 1970 a date is.
pub(super) fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    era * 146_097 + of_era - 719_468
}

/// How many days a month has.
pub(super) fn month_length(year: i64, month: i64) -> i64 {
    let next = if month == 12 {
        days(year + 1, 1, 1)
    } else {
        days(year, month + 1, 1)
    };
    next - days(year, month, 1)
}

#[cfg(test)]
mod tests {
    use super::{date, days, month_length};

    #[test]
    fn dates_and_days_go_there_and_back() {
        for (number, wanted) in [
            (0, (1970, 1, 1)),
            (-1, (1969, 12, 31)),
            (16_677, (2015, 8, 30)),
            (11_016, (2000, 2, 29)),
            (-106_752, (1677, 9, 21)),
        ] {
            assert_eq!(date(number), wanted, "{number}");
        }
        for number in -200_000..200_000 {
            let (year, month, day) = date(number);
            assert_eq!(days(year, month, day), number);
            assert!(day <= month_length(year, month));
        }
        assert_eq!(
            [
                month_length(2024, 2),
                month_length(1900, 2),
                month_length(2023, 12)
            ],
            [29, 28, 31]
        );
    }
}
