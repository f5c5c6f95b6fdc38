//! `time.*` besides `time.now_ns`: Go's calendar, layouts and durations. Instants are nanoseconds since the Unix epoch.

mod civil;
#[cfg(feature = "time-zones")]
mod dates;
pub(super) mod duration;
#[cfg(feature = "time-zones")]
mod format;
mod layout;
mod parse;
#[cfg(test)]
mod tests;
#[cfg(feature = "time-zones")]
mod zone;

#[cfg(feature = "time-zones")]
pub(super) use dates::{add_date, clock, date, diff, format, weekday};

/// Reads a time in one of Go's layouts.
pub(super) use parse::parse as parse_time;

use super::operands::string;
use super::{Answer, Context, answer, fail};
use crate::value::Value;

/// The layouts that OPA knows by name.
fn named_layout(layout: &str) -> &str {
    match layout {
        "ANSIC" => "Mon Jan _2 15:04:05 2006",
        "UnixDate" => "Mon Jan _2 15:04:05 MST 2006",
        "RubyDate" => "Mon Jan 02 15:04:05 -0700 2006",
        "RFC822" => "02 Jan 06 15:04 MST",
        "RFC822Z" => "02 Jan 06 15:04 -0700",
        "RFC850" => "Monday, 02-Jan-06 15:04:05 MST",
        "RFC1123" => "Mon, 02 Jan 2006 15:04:05 MST",
        "RFC1123Z" => "Mon, 02 Jan 2006 15:04:05 -0700",
        "RFC3339" => RFC3339,
        "RFC3339Nano" => "2006-01-02T15:04:05.999999999Z07:00",
        _ => layout,
    }
}

const RFC3339: &str = "2006-01-02T15:04:05Z07:00";

pub(super) fn parse_ns(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (layout, value) = (string(operands, 1)?, string(operands, 2)?);
    parsed(context, named_layout(layout), value)
}

pub(super) fn parse_rfc3339_ns(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    parsed(context, RFC3339, string(operands, 1)?)
}

fn parsed(context: &mut Context<'_>, layout: &str, value: &str) -> Answer {
    context.spend(layout.len().saturating_mul(8).saturating_add(value.len()))?;
    match parse_time(layout, value) {
        Ok(instant) => nanoseconds(instant),
        Err(problem) => fail(problem),
    }
}

/// An instant that may lie beyond 64 bits, as an answer.
fn nanoseconds(instant: i128) -> Answer {
    match i64::try_from(instant) {
        Ok(instant) => answer(instant),
        Err(_) => fail("time outside of valid range"),
    }
}

pub(super) fn parse_duration_ns(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let text = string(operands, 1)?;
    context.spend(text.len())?;
    answer(duration::parse(text).or_else(fail)?)
}
