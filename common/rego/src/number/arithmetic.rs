//! OPA's arithmetic: exact on integers of any size, Go's `big.Float` with 64 bits on everything else.
//! Mirrors v1/topdown/arithmetic.go of OPA; refuses only what would take unbounded time or memory.

use num_bigint::BigInt;
use num_traits::Zero;

use super::Number;
use super::float::Float;

/// Operands and results beyond this many bits, before or after the point, are refused.
const MAX_BITS: u64 = 270_000;

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ArithmeticError {
    #[error("divide by zero")]
    DivideByZero,
    #[error("modulo by zero")]
    ModuloByZero,
    #[error("modulo on floating-point number")]
    ModuloOfFraction,
    /// OPA would compute on; the machine is bounded.
    #[error("number too large to compute with")]
    TooLarge,
}

type Result<T> = std::result::Result<T, ArithmeticError>;

pub(crate) fn plus(a: &Number, b: &Number) -> Result<Number> {
    exact_or_float(a, b, i64::checked_add, |a, b| a + b, Float::sum)
}

pub(crate) fn minus(a: &Number, b: &Number) -> Result<Number> {
    exact_or_float(a, b, i64::checked_sub, |a, b| a - b, Float::difference)
}

pub(crate) fn times(a: &Number, b: &Number) -> Result<Number> {
    exact_or_float(a, b, i64::checked_mul, |a, b| a * b, Float::product)
}

/// An integer only where small integers divide evenly; else a float, for big integers too.
pub(crate) fn divide(a: &Number, b: &Number) -> Result<Number> {
    if let (Some(x), Some(y)) = (small(a), small(b)) {
        if y == 0 {
            return Err(ArithmeticError::DivideByZero);
        }
        if x != 0 && x % y == 0 {
            return Ok(Number::from_i64(x / y));
        }
    }
    let divisor = float(b)?;
    if divisor.is_zero() {
        return Err(ArithmeticError::DivideByZero);
    }
    from_float(&float(a)?.divided(&divisor))
}

/// What is left of a division, with the sign of the dividend; for integers only.
pub(crate) fn remainder(a: &Number, b: &Number) -> Result<Number> {
    let (Some(a), Some(b)) = (to_int(a)?, to_int(b)?) else {
        return Err(ArithmeticError::ModuloOfFraction);
    };
    if b.is_zero() {
        Err(ArithmeticError::ModuloByZero)
    } else {
        from_int(&(a % b))
    }
}

pub(crate) fn abs(a: &Number) -> Result<Number> {
    unary(a, i64::abs, Float::abs)
}

/// To the nearest integer, half away from zero.
pub(crate) fn round(a: &Number) -> Result<Number> {
    unary(
        a,
        |x| x,
        |x| {
            let half = Float::halves(1);
            let moved = if x.is_negative() {
                x.difference(&half)
            } else {
                x.sum(&half)
            };
            Float::from_int(&moved.truncated())
        },
    )
}

pub(crate) fn ceil(a: &Number) -> Result<Number> {
    unary(
        a,
        |x| x,
        |x| {
            let whole = Float::from_int(&x.truncated());
            let keeps = whole.is_negative() || x.compare(&whole).is_eq();
            if keeps {
                whole
            } else {
                whole.sum(&Float::halves(2))
            }
        },
    )
}

pub(crate) fn floor(a: &Number) -> Result<Number> {
    unary(
        a,
        |x| x,
        |x| {
            let whole = Float::from_int(&x.truncated());
            let keeps = !whole.is_negative() || x.compare(&whole).is_eq();
            if keeps {
                whole
            } else {
                whole.difference(&Float::halves(2))
            }
        },
    )
}

/// The sum where not all are integers: each step rounded to 64 bits.
pub(crate) fn sum_as_floats(numbers: &[&Number]) -> Result<Number> {
    let mut total = Float::from_int(&BigInt::ZERO);
    for number in numbers {
        total = bounded(total.sum(&float(number)?))?;
    }
    from_float(&total)
}

/// The product where not all are integers: OPA starts from a float of 53 bits, and that rules each step.
pub(crate) fn product_as_floats(numbers: &[&Number]) -> Result<Number> {
    let mut total = Float::halves(2);
    for number in numbers {
        total = bounded(total.scaled(&float(number)?))?;
    }
    from_float(&total)
}

/// The integer that a number is, exactly; `None` for a fraction.
pub(crate) fn to_int(number: &Number) -> Result<Option<BigInt>> {
    if let Some(int) = number.int_value() {
        return Ok(Some(int.into()));
    }
    let decimal = number.decimal();
    if !decimal.is_computable() {
        return Err(ArithmeticError::TooLarge);
    }
    Ok(if decimal.is_int() { decimal.to_int() } else { None })
}

/// The integer part: exact for plain integers, by way of a float of 64 bits for all else.
pub(crate) fn truncated(number: &Number) -> Result<BigInt> {
    let plain = !number.as_str().contains(['.', 'e', 'E']);
    if plain && let Some(int) = to_int(number)? {
        return Ok(int);
    }
    Ok(float(number)?.truncated())
}

/// The integer part of the product of two floats of 64 bits, as Go's `big.Float` has it.
pub(crate) fn float_product_truncated(a: &Number, b: &Number) -> Result<BigInt> {
    Ok(bounded(float(a)?.product(&float(b)?))?.truncated())
}

/// The integer of 64 bits that a number is once it is a float of 64 bits, if it is one.
#[cfg(feature = "time-zones")]
pub(crate) fn float_to_i64(number: &Number) -> Result<Option<i64>> {
    if let Some(int) = number.int_value() {
        return Ok(Some(int));
    }
    let float = float(number)?;
    // Far beyond the bound; spares building it.
    if float.magnitude() > 80 {
        return Ok(None);
    }
    let whole = float.truncated();
    let is_whole = float.compare(&Float::from_int(&whole)).is_eq();
    Ok(i64::try_from(whole).ok().filter(|_| is_whole))
}

/// The number that an integer is.
pub(crate) fn from_int(int: &BigInt) -> Result<Number> {
    if int.bits() > MAX_BITS {
        return Err(ArithmeticError::TooLarge);
    }
    Ok(i64::try_from(int).map_or_else(|_| Number::from_computed(&int.to_string()), Number::from_i64))
}

fn exact_or_float(
    a: &Number,
    b: &Number,
    small: fn(i64, i64) -> Option<i64>,
    exact: fn(BigInt, BigInt) -> BigInt,
    inexact: fn(&Float, &Float) -> Float,
) -> Result<Number> {
    if let (Some(x), Some(y)) = (a.int_value(), b.int_value())
        && let Some(result) = small(x, y)
    {
        return Ok(Number::from_i64(result));
    }
    match (to_int(a)?, to_int(b)?) {
        (Some(x), Some(y)) => from_int(&exact(x, y)),
        _ => from_float(&inexact(&float(a)?, &float(b)?)),
    }
}

fn unary(a: &Number, of_small: fn(i64) -> i64, of_float: fn(Float) -> Float) -> Result<Number> {
    match small(a) {
        Some(x) => Ok(Number::from_i64(of_small(x))),
        None => from_float(&of_float(float(a)?)),
    }
}

/// OPA's window of small integers, in plain form.
fn small(number: &Number) -> Option<i64> {
    number.as_i64().filter(|&int| i32::try_from(int).is_ok())
}

fn float(number: &Number) -> Result<Float> {
    let decimal = number.decimal();
    if decimal.is_computable() {
        Ok(Float::parse(&decimal))
    } else {
        Err(ArithmeticError::TooLarge)
    }
}

fn from_float(float: &Float) -> Result<Number> {
    Ok(Number::from_computed(&bounded(float.clone())?.to_text()))
}

fn bounded(float: Float) -> Result<Float> {
    if float.magnitude().unsigned_abs() > MAX_BITS {
        Err(ArithmeticError::TooLarge)
    } else {
        Ok(float)
    }
}
