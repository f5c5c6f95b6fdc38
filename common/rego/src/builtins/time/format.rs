//! Instants as text, in Go's layouts.

use std::fmt::Write as _;

use super::civil::{DAY, MONTHS, SECOND, WEEKDAYS, date, days_since_epoch, weekday};
use super::layout::{Chunk, Offset, next_chunk};

/// An instant where it is looked at.
pub(super) struct Local {
    /// Seconds since the Unix epoch, moved by the offset.
    pub(super) seconds: i64,
    pub(super) nanoseconds: i64,
    /// Seconds east of UTC.
    pub(super) offset: i64,
    /// What the zone is called at that time.
    pub(super) zone: String,
}

impl Local {
    pub(super) fn new(instant: i64, offset: i64, zone: String) -> Self {
        let second = i64::try_from(SECOND).unwrap_or(i64::MAX);
        Self {
            seconds: instant.div_euclid(second) + offset,
            nanoseconds: instant.rem_euclid(second),
            offset,
            zone,
        }
    }

    /// Days since the Unix epoch.
    pub(super) fn days(&self) -> i64 {
        self.seconds.div_euclid(DAY)
    }

    pub(super) fn date(&self) -> (i64, i64, i64) {
        date(self.days())
    }

    /// Hour, minute and second.
    pub(super) fn clock(&self) -> (i64, i64, i64) {
        let second = self.seconds.rem_euclid(DAY);
        (second / 3600, second / 60 % 60, second % 60)
    }

    pub(super) fn weekday(&self) -> &'static str {
        WEEKDAYS.get(weekday(self.days())).copied().unwrap_or_default()
    }

    /// Appends the instant.
    pub(super) fn write(&self, mut layout: &str, out: &mut String) {
        let (year, month, day) = self.date();
        let month_name = usize::try_from(month - 1)
            .ok()
            .and_then(|at| MONTHS.get(at))
            .copied();
        let month_name = month_name.unwrap_or_default();
        let year_day = self.days() - days_since_epoch(year, 1, 1) + 1;
        let (hour, minute, second) = self.clock();
        let hour12 = if hour % 12 == 0 { 12 } else { hour % 12 };
        let short = |name: &str| name.get(..3).unwrap_or_default().to_owned();
        loop {
            let (before, found, after) = next_chunk(layout);
            out.push_str(before);
            let Some((chunk, _)) = found else { break };
            layout = after;
            // Writing into a string doesn't fail.
            let _ = match chunk {
                Chunk::Year => write!(out, "{:02}", year.abs() % 100),
                Chunk::LongYear => write!(out, "{year:04}"),
                Chunk::Month => write!(out, "{}", short(month_name)),
                Chunk::LongMonth => write!(out, "{month_name}"),
                Chunk::NumMonth => write!(out, "{month}"),
                Chunk::ZeroMonth => write!(out, "{month:02}"),
                Chunk::WeekDay => write!(out, "{}", short(self.weekday())),
                Chunk::LongWeekDay => write!(out, "{}", self.weekday()),
                Chunk::Day => write!(out, "{day}"),
                Chunk::UnderDay => write!(out, "{day:2}"),
                Chunk::ZeroDay => write!(out, "{day:02}"),
                Chunk::UnderYearDay => write!(out, "{year_day:3}"),
                Chunk::ZeroYearDay => write!(out, "{year_day:03}"),
                Chunk::Hour => write!(out, "{hour:02}"),
                Chunk::Hour12 => write!(out, "{hour12}"),
                Chunk::ZeroHour12 => write!(out, "{hour12:02}"),
                Chunk::Minute => write!(out, "{minute}"),
                Chunk::ZeroMinute => write!(out, "{minute:02}"),
                Chunk::Second => write!(out, "{second}"),
                Chunk::ZeroSecond => write!(out, "{second:02}"),
                Chunk::Noon { upper } => {
                    out.push_str(match (hour >= 12, upper) {
                        (true, true) => "PM",
                        (false, true) => "AM",
                        (true, false) => "pm",
                        (false, false) => "am",
                    });
                    Ok(())
                }
                Chunk::Zone => write!(out, "{}", self.zone),
                Chunk::Offset(form) => {
                    self.write_offset(form, out);
                    Ok(())
                }
                Chunk::Fraction {
                    digits,
                    trimmed,
                    separator,
                } => {
                    self.write_fraction(digits, trimmed, separator, out);
                    Ok(())
                }
            };
        }
    }

    fn write_offset(&self, form: Offset, out: &mut String) {
        if form.z && self.offset == 0 {
            out.push('Z');
            return;
        }
        // The sign is that of the minutes: what is less than one west of UTC has a plus, and seconds with a minus, in Go.
        let minutes = self.offset / 60;
        let (sign, minutes, offset) = if minutes < 0 {
            ('-', -minutes, -self.offset)
        } else {
            ('+', minutes, self.offset)
        };
        let colon = if form.colons { ":" } else { "" };
        let _ = write!(out, "{sign}{:02}", minutes / 60);
        if form.minutes {
            let _ = write!(out, "{colon}{:02}", minutes % 60);
        }
        if form.seconds {
            let _ = write!(out, "{colon}{:02}", offset % 60);
        }
    }

    fn write_fraction(&self, digits: usize, trimmed: bool, separator: u8, out: &mut String) {
        if trimmed && (digits == 0 || self.nanoseconds == 0) {
            return;
        }
        let mut text = format!("{:09}", self.nanoseconds);
        text.truncate(digits.min(9));
        if trimmed {
            text.truncate(text.trim_end_matches('0').len());
            if text.is_empty() {
                return;
            }
        }
        out.push(char::from(separator));
        out.push_str(&text);
    }
}
