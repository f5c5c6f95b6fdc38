//! Numbers as Go's big rationals and floats have them.

use num_bigint::BigInt;
use num_traits::Zero as _;

use super::super::json;
use super::{BuiltinError, refused};
use crate::number::Number;
use crate::value::{Array, Object, Value};

/// How many digits, and zeros that an exponent stands for, are computed with.
const MAX_DIGITS: i64 = 4000;

/// The digits without a point, and the power of ten that they are multiplied with.
fn parts(number: &Number) -> Result<(String, i64, bool), BuiltinError> {
    let text = number.as_str();
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((&text, "0"));
    let exponent: i64 = exponent
        .strip_prefix('+')
        .unwrap_or(exponent)
        .parse()
        .map_err(|_| odd())?;
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let power = exponent.saturating_sub(i64::try_from(fraction.len()).unwrap_or(i64::MAX));
    let count = i64::try_from(digits.len()).unwrap_or(i64::MAX);
    if count > MAX_DIGITS || power.saturating_abs() > MAX_DIGITS {
        return Err(odd());
    }
    Ok((digits, power, negative))
}

fn odd() -> BuiltinError {
    refused(&format!(
        "a number of more than {MAX_DIGITS} digits in or under a JSON schema"
    ))
}

/// Whether it is an integer by value.
pub(super) fn is_integer(number: &Number) -> Result<bool, BuiltinError> {
    let (digits, power, _) = parts(number)?;
    let zeros = digits.len() - digits.trim_end_matches('0').len();
    let zeros = i64::try_from(zeros).unwrap_or(i64::MAX);
    Ok(digits.bytes().all(|digit| digit == b'0') || power.saturating_add(zeros) >= 0)
}

pub(super) fn is_positive(number: &Number) -> Result<bool, BuiltinError> {
    let (digits, _, negative) = parts(number)?;
    Ok(!negative && digits.bytes().any(|digit| digit != b'0'))
}

/// Whether the one is a multiple of the other, which isn't zero.
pub(super) fn is_multiple(number: &Number, of: &Number) -> Result<bool, BuiltinError> {
    let (digits, power, _) = parts(number)?;
    let (of_digits, of_power, _) = parts(of)?;
    let mut value: BigInt = digits.parse().map_err(|_| odd())?;
    let mut divisor: BigInt = of_digits.parse().map_err(|_| odd())?;
    let shift = power - of_power;
    let scale = BigInt::from(10).pow(u32::try_from(shift.unsigned_abs()).map_err(|_| odd())?);
    if shift >= 0 {
        value *= scale;
    } else {
        divisor *= scale;
    }
    Ok(!divisor.is_zero() && (value % divisor).is_zero())
}

/// As Go prints the float of 64 bits nearest to it: the digits themselves, where there are few enough.
pub(super) fn shown(number: &Number) -> Result<String, BuiltinError> {
    let (digits, power, negative) = parts(number)?;
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Ok("0".to_owned());
    }
    if significant.len() > 18 {
        return Err(refused("a bound of more than 18 digits, which is to be shown,"));
    }
    let sign = if negative { "-" } else { "" };
    // Where the point stands, counted from before the first digit.
    let point = power.saturating_add(i64::try_from(digits.len()).unwrap_or(i64::MAX));
    let exponent = point - 1;
    let count = i64::try_from(significant.len()).unwrap_or(i64::MAX);
    if !(-4..6).contains(&exponent) {
        let (first, rest) = significant.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        let mark = if exponent < 0 { '-' } else { '+' };
        return Ok(format!("{sign}{first}{point}{rest}e{mark}{:02}", exponent.abs()));
    }
    let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
    Ok(if point <= 0 {
        format!("{sign}0.{}{significant}", zeros(-point))
    } else if point >= count {
        format!("{sign}{significant}{}", zeros(point - count))
    } else {
        let (whole, fraction) = significant.split_at(usize::try_from(point).unwrap_or(0));
        format!("{sign}{whole}.{fraction}")
    })
}

/// JSON text with numbers as 64-bit floats, by which gojsonschema tells values apart.
pub(super) fn by_floats(value: &Value) -> Result<String, BuiltinError> {
    Ok(json::whole_text(&with_floats(value)?))
}

/// Recurses as deep as the value nests, which values bound.
fn with_floats(value: &Value) -> Result<Value, BuiltinError> {
    Ok(match value {
        Value::Number(number) => Value::Number(as_float(number)?),
        Value::Array(array) => Value::Array(array.iter().map(with_floats).collect::<Result<Array, _>>()?),
        Value::Object(object) => {
            let pairs = object
                .iter()
                .map(|(key, value)| Ok((key.clone(), with_floats(value)?)));
            Value::Object(pairs.collect::<Result<Object, BuiltinError>>()?)
        }
        other => other.clone(),
    })
}

fn as_float(number: &Number) -> Result<Number, BuiltinError> {
    let float: f64 = number.as_str().parse().map_err(|_| odd())?;
    if !float.is_finite() {
        return Err(refused("a number beyond 64-bit floats in or under a JSON schema"));
    }
    let size = float.abs();
    let text = if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{float:e}");
        if text.contains("e-") {
            text
        } else {
            text.replace('e', "e+")
        }
    } else {
        format!("{float}")
    };
    Number::from_source(&text).ok_or_else(odd)
}
