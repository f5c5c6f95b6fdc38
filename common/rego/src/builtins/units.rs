//! `units.*`: amounts with SI and binary units, in OPA's arithmetic: fractions for `units.parse`, floats of 64 bits for
//! `units.parse_bytes`.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, Zero};

use super::go_text::to_lower;
use super::operands::string;
use super::{Answer, BuiltinError, Context, answer, fail};
use crate::number::{MAX_DIGITS, Number, arithmetic};
use crate::value::Value;

/// The most digits that an exponent may have.
const MAX_EXPONENT_DIGITS: usize = 6;
/// How far an exponent may go here, so that numbers stay small.
const MAX_EXPONENT: i64 = 20_000;
/// How many digits after the point are written.
const PLACES: u32 = 10;

pub(super) fn parse(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let text = bounded(context, operands)?;
    let text = text.replace('"', "");
    let wrong = |what: &str| fail(format!("units.parse: {what}"));
    if text.contains(' ') {
        return wrong("spaces not allowed in resource strings");
    }
    let Some((amount, unit)) = split(&text) else {
        return wrong("exponent too large");
    };
    if amount.is_empty() {
        return wrong("no amount provided");
    }
    // The case of the first letter counts: m is a thousandth, M a million.
    let mut letters = unit.chars();
    let unit: String = letters.next().into_iter().chain(letters.map(to_lower)).collect();
    let (factor, divisor) = match unit.as_str() {
        "m" => thousandth(),
        "" => (1_u64.into(), 1.into()),
        "k" | "K" => (10_u64.pow(3).into(), 1.into()),
        "ki" | "Ki" => ((1_u64 << 10).into(), 1.into()),
        "M" => (10_u64.pow(6).into(), 1.into()),
        "mi" | "Mi" => ((1_u64 << 20).into(), 1.into()),
        "g" | "G" => (10_u64.pow(9).into(), 1.into()),
        "gi" | "Gi" => ((1_u64 << 30).into(), 1.into()),
        "t" | "T" => (10_u64.pow(12).into(), 1.into()),
        "ti" | "Ti" => ((1_u64 << 40).into(), 1.into()),
        "p" | "P" => (10_u64.pow(15).into(), 1.into()),
        "pi" | "Pi" => ((1_u64 << 50).into(), 1.into()),
        "e" | "E" => (10_u64.pow(18).into(), 1.into()),
        "ei" | "Ei" => ((1_u64 << 60).into(), 1.into()),
        _ => return wrong(&format!("unit {unit} not recognized")),
    };
    let Some(amount) = Amount::read(amount) else {
        return wrong("could not parse amount to a number");
    };
    let power = power_of_ten(context, &amount)?;
    let (mut numerator, mut denominator): (BigInt, BigInt) = (amount.digits * factor, divisor);
    if amount.exponent < 0 {
        denominator *= power;
    } else {
        numerator *= power;
    }
    answer(written(&numerator, &denominator)?)
}

/// The operand, if it isn't so long that reading its digits would take long.
fn bounded<'v>(context: &mut Context<'_>, operands: &'v [Value]) -> Result<&'v str, BuiltinError> {
    let text = string(operands, 1)?;
    context.spend(text.len())?;
    if text.len() > MAX_DIGITS {
        return Err(BuiltinError::Halt("a number that large is not supported".into()));
    }
    Ok(text)
}

/// What OPA has for a thousandth: the nearest float.
fn thousandth() -> (BigInt, BigInt) {
    let bits = 0.001_f64.to_bits();
    let exponent = (bits >> 52) & 0x7ff;
    let mantissa = (bits & ((1 << 52) - 1)) | (1 << 52);
    (mantissa.into(), BigInt::from(1) << (1075 - exponent))
}

/// The fraction: an integer as one, else with ten places, rounded half away from zero.
fn written(numerator: &BigInt, denominator: &BigInt) -> Result<Number, BuiltinError> {
    let (whole, rest) = numerator.div_rem(denominator);
    if rest.is_zero() {
        return Ok(arithmetic::from_int(&whole)?);
    }
    let unit = BigInt::from(10_u64.pow(PLACES));
    let magnitude: BigInt = numerator.abs() * &unit;
    let (mut scaled, left) = magnitude.div_rem(denominator);
    if left * 2 >= *denominator {
        scaled += 1;
    }
    let (whole, places) = scaled.div_rem(&unit);
    let sign = if numerator.is_negative() { "-" } else { "" };
    let text = format!("{sign}{whole}.{:0>10}", places.to_string());
    Number::from_source(&text)
        .ok_or_else(|| BuiltinError::Halt("a number that large is not supported".into()))
}

pub(super) fn parse_bytes(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let text = bounded(context, operands)?;
    let text: String = text.chars().filter(|&char| char != '"').map(to_lower).collect();
    let wrong = |what: &str| fail(format!("units.parse_bytes: {what}"));
    if text.contains(' ') {
        return wrong("spaces not allowed in resource strings");
    }
    let Some((amount, unit)) = split(&text) else {
        return wrong("exponent too large");
    };
    if amount.is_empty() {
        return wrong("no byte amount provided");
    }
    let factor = match unit {
        "" => 1,
        "kb" | "k" => 10_i64.pow(3),
        "kib" | "ki" => 1 << 10,
        "mb" | "m" => 10_i64.pow(6),
        "mib" | "mi" => 1 << 20,
        "gb" | "g" => 10_i64.pow(9),
        "gib" | "gi" => 1 << 30,
        "tb" | "t" => 10_i64.pow(12),
        "tib" | "ti" => 1 << 40,
        "pb" | "p" => 10_i64.pow(15),
        "pib" | "pi" => 1 << 50,
        "eb" | "e" => 10_i64.pow(18),
        "eib" | "ei" => 1 << 60,
        _ => return wrong(&format!("byte unit {unit} not recognized")),
    };
    let Some(read) = Amount::read(amount) else {
        return wrong("could not parse byte amount to a number");
    };
    power_of_ten(context, &read)?;
    let Some(number) = Number::from_literal(amount) else {
        return Err(BuiltinError::Halt("a number that large is not supported".into()));
    };
    let bytes = arithmetic::float_product_truncated(&number, &Number::from_i64(factor))?;
    answer(arithmetic::from_int(&bytes)?)
}

/// The number and the unit; `None` where an exponent is too long. Bytes, not characters, are looked at, as OPA does.
fn split(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let is_sign = |at: usize| matches!(bytes.get(at), Some(b'+' | b'-'));
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'e' | b'E' => {
                if !is_digit(at + 1) && !is_sign(at + 1) {
                    return text.split_at_checked(at);
                }
                at += usize::from(is_sign(at + 1));
                let digits = (at + 1..).take_while(|&at| is_digit(at)).count();
                if digits > MAX_EXPONENT_DIGITS {
                    return None;
                }
            }
            b'0'..=b'9' | b'.' | b'+' | b'-' => {}
            _ => return text.split_at_checked(at),
        }
        at += 1;
    }
    Some((text, ""))
}

/// `digits × 10^exponent`.
struct Amount {
    digits: BigInt,
    exponent: i64,
}

impl Amount {
    /// A sign, digits with a point somewhere, an exponent.
    fn read(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let unsigned = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let digits: BigInt = digits.parse().ok()?;
        let negative = mantissa.starts_with('-');
        Some(Self {
            digits: if negative { -digits } else { digits },
            exponent: exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?,
        })
    }
}

/// `10^|exponent|`, or a refusal.
fn power_of_ten(context: &mut Context<'_>, amount: &Amount) -> Result<BigInt, BuiltinError> {
    let bits = amount.digits.bits();
    if amount.exponent.abs() > MAX_EXPONENT || bits > 200_000 {
        return Err(BuiltinError::Halt("a number that large is not supported".into()));
    }
    let size = bits.saturating_add(amount.exponent.unsigned_abs() * 4);
    context.spend(usize::try_from(size.saturating_mul(size) / 4096).unwrap_or(usize::MAX))?;
    Ok(BigInt::from(10).pow(u32::try_from(amount.exponent.unsigned_abs()).unwrap_or(0)))
}
