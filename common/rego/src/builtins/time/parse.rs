//! Text as instants, in Go's layouts. A zone that is only named is taken for UTC, as where the host's own zone is that.

use super::civil::{DAY, MONTHS, SECOND, WEEKDAYS, days_before, days_in, days_since_epoch, is_leap};
use super::layout::{Chunk, Offset, next_chunk};
use crate::builtins::go_text::quote;

mod scan;

use scan::{Bad, fixed, fraction_length, integer, lookup, nanoseconds, number, skip, year_day, zone_length};

/// What has been read.
#[derive(Default)]
struct Fields {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanoseconds: i64,
    /// AM or PM.
    noon: Option<bool>,
    /// Seconds east of UTC, where the text says so.
    offset: Option<i64>,
    /// Whether it says Z or UTC, which counts more.
    is_utc: bool,
    /// The hours of a zone such as GMT-3.
    named_offset: i64,
}

/// What is wrong with a part.
enum Problem {
    Bad,
    OutOfRange(&'static str),
}

impl From<Bad> for Problem {
    fn from(_: Bad) -> Self {
        Problem::Bad
    }
}

/// Nanoseconds since the Unix epoch. The error is in Go's words.
pub(in crate::builtins) fn parse(layout: &str, value: &str) -> Result<i128, String> {
    let mut fields = Fields::default();
    let (mut layout_rest, mut rest) = (layout, value.as_bytes());
    let cannot = |rest: &[u8], element: &str| {
        format!(
            "parsing time {} as {}: cannot parse {} as {}",
            quoted(value),
            quoted(layout),
            quoted(&String::from_utf8_lossy(rest)),
            quoted(element)
        )
    };
    let wrong = |what: &str| format!("parsing time {}: {what}", quoted(value));
    loop {
        let (before, found, after) = next_chunk(layout_rest);
        rest = skip(rest, before.as_bytes()).map_err(|rest| cannot(rest, before))?;
        let Some((chunk, text)) = found else {
            if rest.is_empty() {
                break;
            }
            return Err(wrong(&format!(
                "extra text: {}",
                quoted(&String::from_utf8_lossy(rest))
            )));
        };
        layout_rest = after;
        let held = rest;
        fields
            .read(chunk, after, &mut rest)
            .map_err(|problem| match problem {
                Problem::Bad => cannot(held, text),
                Problem::OutOfRange(what) => wrong(&format!("{what} out of range")),
            })?;
    }
    fields.instant().map_err(wrong)
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    quote(text, &mut out);
    out
}

impl Fields {
    /// Reads a part from the start of the text.
    fn read(&mut self, chunk: Chunk, layout_after: &str, rest: &mut &[u8]) -> Result<(), Problem> {
        let in_range = |ok: bool, what| {
            if ok {
                Ok(())
            } else {
                Err(Problem::OutOfRange(what))
            }
        };
        match chunk {
            Chunk::Year => {
                let year = integer(fixed(rest, 2)?)?;
                self.year = year + if year >= 69 { 1900 } else { 2000 };
            }
            Chunk::LongYear => {
                if !rest.first().is_some_and(u8::is_ascii_digit) {
                    return Err(Problem::Bad);
                }
                self.year = integer(fixed(rest, 4)?)?;
            }
            Chunk::Month => self.month = Some(lookup(rest, &MONTHS, 3)? + 1),
            Chunk::LongMonth => self.month = Some(lookup(rest, &MONTHS, usize::MAX)? + 1),
            Chunk::NumMonth | Chunk::ZeroMonth => {
                let month = number(rest, chunk == Chunk::ZeroMonth)?;
                in_range((1..=12).contains(&month), "month")?;
                self.month = Some(month);
            }
            Chunk::WeekDay => {
                lookup(rest, &WEEKDAYS, 3)?;
            }
            Chunk::LongWeekDay => {
                lookup(rest, &WEEKDAYS, usize::MAX)?;
            }
            Chunk::Day | Chunk::UnderDay | Chunk::ZeroDay => {
                if chunk == Chunk::UnderDay {
                    *rest = rest.strip_prefix(b" ").unwrap_or(rest);
                }
                self.day = Some(number(rest, chunk == Chunk::ZeroDay)?);
            }
            Chunk::UnderYearDay | Chunk::ZeroYearDay => {
                for _ in 0..2 {
                    if chunk == Chunk::UnderYearDay {
                        *rest = rest.strip_prefix(b" ").unwrap_or(rest);
                    }
                }
                self.year_day = Some(year_day(rest, chunk == Chunk::ZeroYearDay)?);
            }
            Chunk::Hour => {
                self.hour = number(rest, false)?;
                in_range(self.hour < 24, "hour")?;
            }
            Chunk::Hour12 | Chunk::ZeroHour12 => {
                self.hour = number(rest, chunk == Chunk::ZeroHour12)?;
                in_range(self.hour <= 12, "hour")?;
            }
            Chunk::Minute | Chunk::ZeroMinute => {
                self.minute = number(rest, chunk == Chunk::ZeroMinute)?;
                in_range(self.minute < 60, "minute")?;
            }
            Chunk::Second | Chunk::ZeroSecond => {
                self.second = number(rest, chunk == Chunk::ZeroSecond)?;
                in_range(self.second < 60, "second")?;
                // A fraction may follow that the layout doesn't ask for.
                let (_, next, _) = next_chunk(layout_after);
                if !matches!(next, Some((Chunk::Fraction { .. }, _))) {
                    self.fraction(rest, fraction_length(rest))?;
                }
            }
            Chunk::Noon { upper } => {
                self.noon = Some(match (fixed(rest, 2)?, upper) {
                    (b"PM", true) | (b"pm", false) => true,
                    (b"AM", true) | (b"am", false) => false,
                    _ => return Err(Problem::Bad),
                });
            }
            Chunk::Offset(form) => self.read_offset(form, rest)?,
            Chunk::Zone => {
                if let Some(after) = rest.strip_prefix(b"UTC") {
                    *rest = after;
                    self.is_utc = true;
                } else {
                    let name = fixed(rest, zone_length(rest).ok_or(Problem::Bad)?)?;
                    if let Some(hours) = name.strip_prefix(b"GMT") {
                        self.named_offset = integer(hours).unwrap_or(0) * 3600;
                    } else {
                        self.named_offset = 0;
                    }
                }
            }
            Chunk::Fraction {
                digits,
                trimmed: false,
                ..
            } => {
                if rest.len() < digits + 1 {
                    return Err(Problem::Bad);
                }
                self.fraction(rest, digits + 1)?;
            }
            Chunk::Fraction { .. } => self.fraction(rest, fraction_length(rest))?,
        }
        Ok(())
    }

    /// Reads a point or comma and digits, so many bytes; none is none.
    fn fraction(&mut self, rest: &mut &[u8], length: usize) -> Result<(), Problem> {
        if length == 0 {
            return Ok(());
        }
        let value = nanoseconds(fixed(rest, length)?)?;
        if value < 0 {
            return Err(Problem::OutOfRange("fractional second"));
        }
        self.nanoseconds = value;
        Ok(())
    }

    fn read_offset(&mut self, form: Offset, rest: &mut &[u8]) -> Result<(), Problem> {
        if form.z
            && let Some(after) = rest.strip_prefix(b"Z")
        {
            *rest = after;
            self.is_utc = true;
            return Ok(());
        }
        let parts = 1 + usize::from(form.minutes) + usize::from(form.seconds);
        let width = if form.colons { 3 } else { 2 };
        let text = fixed(rest, 1 + 2 * parts + (width - 2) * (parts - 1))?;
        let (sign, digits) = text.split_first().ok_or(Problem::Bad)?;
        let mut values = [0_i64; 3];
        let mut bad = false;
        for (part, value) in values.iter_mut().enumerate().take(parts) {
            let start = part * width;
            // A colon must stand where the layout has one.
            if form.colons && part > 0 && digits.get(start - 1) != Some(&b':') {
                return Err(Problem::Bad);
            }
            let mut two = digits.get(start..start + 2).unwrap_or_default();
            match number(&mut two, true) {
                Ok(read) if !bad => *value = read,
                _ => bad = true,
            }
        }
        let [hours, minutes, seconds] = values;
        // Some write 24 hours and 60 minutes.
        for (value, most, what) in [
            (hours, 24, "time zone offset hour"),
            (minutes, 60, "time zone offset minute"),
            (seconds, 60, "time zone offset second"),
        ] {
            if value > most {
                return Err(Problem::OutOfRange(what));
            }
        }
        let offset = (hours * 60 + minutes) * 60 + seconds;
        self.offset = Some(match sign {
            _ if bad => return Err(Problem::Bad),
            b'+' => offset,
            b'-' => -offset,
            _ => return Err(Problem::Bad),
        });
        Ok(())
    }

    /// Nanoseconds since the Unix epoch, if all that was read goes together.
    fn instant(mut self) -> Result<i128, &'static str> {
        match self.noon {
            Some(true) if self.hour < 12 => self.hour += 12,
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        let (month, day) = match self.year_day {
            Some(year_day) => self.of_year_day(year_day)?,
            None => (self.month.unwrap_or(1), self.day.unwrap_or(1)),
        };
        if day < 1 || day > days_in(month, self.year) {
            return Err("day out of range");
        }
        let days = days_since_epoch(self.year, month, day);
        let second = days * DAY + self.hour * 3600 + self.minute * 60 + self.second;
        let offset = match self.offset {
            _ if self.is_utc => 0,
            // Go's sign of there being none.
            None | Some(-1) => 0,
            Some(offset) => offset,
        };
        Ok(i128::from(second - offset) * SECOND + i128::from(self.nanoseconds))
    }

    fn of_year_day(&self, year_day: i64) -> Result<(i64, i64), &'static str> {
        let leap_day = is_leap(self.year) && year_day == 31 + 29;
        let after_leap_day = is_leap(self.year) && year_day > 31 + 29;
        let ordinary = year_day - i64::from(after_leap_day);
        if !(1..=365).contains(&ordinary) {
            return Err("day-of-year out of range");
        }
        let (month, day) = if leap_day {
            (2, 29)
        } else {
            let month = (1..=12)
                .rev()
                .find(|&month| days_before(month) < ordinary)
                .unwrap_or(1);
            (month, ordinary - days_before(month))
        };
        if self.month.is_some_and(|read| read != month) {
            return Err("day-of-year does not match month");
        }
        if self.day.is_some_and(|read| read != day) {
            return Err("day-of-year does not match day");
        }
        Ok((month, day))
    }
}
