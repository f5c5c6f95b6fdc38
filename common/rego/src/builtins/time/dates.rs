//! The builtins that look at an instant in a time zone.

use super::civil::{DAY, SECOND, days_since_epoch};
use super::format::Local;
use super::zone::Zone;
use super::{named_layout, nanoseconds};
use crate::builtins::operands::{self, int, wrong_type};
use crate::builtins::{Answer, BuiltinError, Context, answer, fail};
use crate::number::arithmetic;
use crate::value::Value;

/// Years, months and days of a sum beyond this aren't added: no result would be in range.
const MAX_ADDED: u64 = 1_000_000_000;

/// An instant, its zone, and a layout.
struct Moment<'v> {
    instant: i64,
    zone: Zone,
    layout: &'v str,
}

impl Moment<'_> {
    fn local(&self) -> Local {
        self.local_in(&self.zone)
    }

    fn local_in(&self, zone: &Zone) -> Local {
        let (offset, name) = zone.at(self.instant.div_euclid(1_000_000_000));
        Local::new(self.instant, offset, name)
    }
}

/// Nanoseconds, or `[nanoseconds, zone, layout]`.
fn moment<'v>(
    context: &mut Context<'_>,
    operands: &'v [Value],
    position: usize,
) -> Result<Moment<'v>, BuiltinError> {
    const EXPECTED: &str = "either number (ns) or [number (ns), string (tz)]";
    context.spend(64)?;
    let operand = operands::any(operands, position)?;
    let parts = match operand {
        Value::Number(_) => std::slice::from_ref(operand).iter().collect::<Vec<_>>(),
        Value::Array(array) if !array.is_empty() => array.iter().take(3).collect(),
        other => return wrong_type(1, other, &[EXPECTED]),
    };
    let text = |at: usize| match parts.get(at) {
        None => Ok(""),
        Some(Value::String(text)) => Ok(text.as_ref()),
        Some(other) => wrong_type(1, other, &["string"]),
    };
    let number = match parts.first() {
        Some(Value::Number(number)) => number,
        Some(other) => return wrong_type(1, other, &["number"]),
        None => return wrong_type(1, operand, &[EXPECTED]),
    };
    let zone = Zone::named(text(1)?)?;
    let layout = text(2)?;
    match arithmetic::float_to_i64(number)? {
        Some(instant) => Ok(Moment {
            instant,
            zone,
            layout,
        }),
        None => fail("timestamp too big"),
    }
}

pub(in crate::builtins) fn format(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let moment = moment(context, operands, 1)?;
    let layout = match moment.layout {
        "" => "RFC3339Nano",
        layout => layout,
    };
    context.spend(layout.len().saturating_mul(8))?;
    let mut out = String::new();
    moment.local().write(named_layout(layout), &mut out);
    answer(out)
}

pub(in crate::builtins) fn date(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (year, month, day) = moment(context, operands, 1)?.local().date();
    answer(three(year, month, day))
}

pub(in crate::builtins) fn clock(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (hour, minute, second) = moment(context, operands, 1)?.local().clock();
    answer(three(hour, minute, second))
}

fn three(a: i64, b: i64, c: i64) -> Vec<Value> {
    vec![a.into(), b.into(), c.into()]
}

pub(in crate::builtins) fn weekday(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(moment(context, operands, 1)?.local().weekday())
}

/// The same time of day, years, months and days later; a day that the month hasn't is one of the next.
pub(in crate::builtins) fn add_date(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let moment = moment(context, operands, 1)?;
    let added = [int(operands, 2)?, int(operands, 3)?, int(operands, 4)?];
    if added.iter().any(|added| added.unsigned_abs() > MAX_ADDED) {
        return Err(BuiltinError::Halt(format!(
            "adding more than {MAX_ADDED} years, months or days is refused"
        )));
    }
    let [years, months, days] = added;
    let local = moment.local();
    let (year, month, day) = local.date();
    let day = days_since_epoch(year + years, month + months, day + days);
    let clock = day * DAY + local.seconds.rem_euclid(DAY);
    let second = clock - moment.zone.offset_of_clock(clock);
    nanoseconds(i128::from(second) * SECOND + i128::from(local.nanoseconds))
}

/// Years, months, days, hours, minutes and seconds from one to the other, in the zone of the first.
pub(in crate::builtins) fn diff(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (a, b) = (moment(context, operands, 1)?, moment(context, operands, 2)?);
    let (mut from, mut to) = (a.local(), b.local_in(&a.zone));
    if a.instant > b.instant {
        std::mem::swap(&mut from, &mut to);
    }
    let ((from_year, from_month, from_day), (to_year, to_month, to_day)) = (from.date(), to.date());
    let ((from_hour, from_minute, from_second), (to_hour, to_minute, to_second)) = (from.clock(), to.clock());
    let (mut year, mut month, mut day) = (to_year - from_year, to_month - from_month, to_day - from_day);
    let (mut hour, mut minute, mut second) = (
        to_hour - from_hour,
        to_minute - from_minute,
        to_second - from_second,
    );
    let carry = |low: &mut i64, high: &mut i64, base: i64| {
        if *low < 0 {
            *low += base;
            *high -= 1;
        }
    };
    carry(&mut second, &mut minute, 60);
    carry(&mut minute, &mut hour, 60);
    carry(&mut hour, &mut day, 24);
    carry(&mut day, &mut month, super::civil::days_in(from_month, from_year));
    carry(&mut month, &mut year, 12);
    answer(vec![
        Value::from(year),
        month.into(),
        day.into(),
        hour.into(),
        minute.into(),
        second.into(),
    ])
}
