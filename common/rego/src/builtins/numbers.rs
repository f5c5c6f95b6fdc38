//! Ranges, conversion from text, formatting in a base, and the time.

use num_bigint::BigInt;
use num_traits::One;

use super::go_text::quote;
use super::operands::{self, big_int, number, wrong_type};
use super::{Answer, BuiltinError, Context, answer, fail};
use crate::number::{Number, arithmetic};
use crate::value::{Array, Value};

/// The longest range: what is longer stops the evaluation.
const MAX_RANGE: u64 = 1_000_000;

pub(super) fn range(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (from, to) = (big_int(context, operands, 1)?, big_int(context, operands, 2)?);
    fill(context, &from, &to, &BigInt::one())
}

pub(super) fn range_step(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (from, to, step) = (
        big_int(context, operands, 1)?,
        big_int(context, operands, 2)?,
        big_int(context, operands, 3)?,
    );
    if step < BigInt::one() {
        return fail("numbers.range_step: step must be a positive integer");
    }
    fill(context, &from, &to, &step)
}

/// From the first to the second, in either direction, both included.
fn fill(context: &mut Context<'_>, from: &BigInt, to: &BigInt, step: &BigInt) -> Answer {
    let up = from <= to;
    let distance = if up { to - from } else { from - to };
    let steps = u64::try_from(distance / step)
        .ok()
        .filter(|&steps| steps < MAX_RANGE);
    let Some(steps) = steps else {
        return Err(BuiltinError::Halt(format!(
            "a range of more than {MAX_RANGE} numbers is refused"
        )));
    };
    let mut numbers = Vec::new();
    let mut next = from.clone();
    for _ in 0..=steps {
        context.spend(4)?;
        let number = arithmetic::from_int(&next)?;
        // Large ones are texts.
        context.spend_on(&number)?;
        context.build(48 + number.own_text())?;
        numbers.push(Value::Number(number));
        if up {
            next += step;
        } else {
            next -= step;
        }
    }
    answer(Array::from(numbers))
}

pub(super) fn to_number(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    match operands::any(operands, 1)? {
        Value::Null => answer(0_i64),
        Value::Bool(flag) => answer(i64::from(*flag)),
        Value::Number(number) => answer(number.clone()),
        Value::String(text) => {
            context.spend(text.len())?;
            answer(parse(text)?)
        }
        other => wrong_type(1, other, &["null", "boolean", "number", "string"]),
    }
}

/// What Go's `ParseFloat` reads, kept as the text that it is.
fn parse(text: &str) -> Result<Number, BuiltinError> {
    let wrong = |what| {
        let mut message = "strconv.ParseFloat: parsing ".to_owned();
        quote(text, &mut message);
        BuiltinError::Lenient(message + what)
    };
    let unsigned = text.trim_start_matches(['+', '-']);
    if ["inf", "infinity", "nan"].contains(&unsigned.to_ascii_lowercase().as_str()) {
        return fail("operand 1 must be valid number string but got string");
    }
    let Some(number) = Number::from_literal(text) else {
        return Err(match text.parse::<f64>() {
            // Well formed, so that what is wrong is the exponent.
            Ok(float) if float.is_infinite() => wrong(": value out of range"),
            Ok(_) => BuiltinError::Lenient("invalid number: number too big".into()),
            Err(_) if is_go_only(unsigned) => {
                BuiltinError::Halt("to_number of hexadecimal text or underscores is not supported".into())
            }
            Err(_) => wrong(": invalid syntax"),
        });
    };
    let fits_float = number.as_str().parse::<f64>().is_ok_and(f64::is_finite);
    if fits_float {
        Ok(number)
    } else {
        Err(wrong(": value out of range"))
    }
}

/// Whether Go may read the text where this crate has no number: with underscores, or hexadecimal with an exponent.
fn is_go_only(unsigned: &str) -> bool {
    let hexadecimal = unsigned
        .strip_prefix("0x")
        .or_else(|| unsigned.strip_prefix("0X"));
    hexadecimal.is_some_and(|digits| digits.contains(['p', 'P']))
        || unsigned.contains('_') && Number::from_literal(&unsigned.replace('_', "")).is_some()
}

/// The integer part in base 2, 8, 10 or 16.
pub(super) fn format_int(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (input, base) = (number(context, operands, 1)?, number(context, operands, 2)?);
    let radix = match base.as_str().as_ref() {
        "2" => 2,
        "8" => 8,
        "10" => 10,
        "16" => 16,
        _ => return fail("operand 2 must be one of {2, 8, 10, 16}"),
    };
    context.spend(input.as_str().len())?;
    answer(arithmetic::truncated(input)?.to_str_radix(radix))
}

pub(super) fn now_ns(context: &mut Context<'_>, _: &[Value]) -> Answer {
    answer(context.now_ns())
}
