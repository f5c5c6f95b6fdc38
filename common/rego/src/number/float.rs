//! Go's `big.Float` as far as OPA computes with it: a binary mantissa of a stated precision, rounded half to even.
//! Mirrors math/big (parsing and shortest printing included), since OPA's answers are its answers. No infinities: the
//! caller bounds exponents.

use std::cmp::Ordering;

use num_bigint::{BigInt, BigUint, Sign};
use num_integer::Integer;
use num_traits::{One, Zero};

use super::decimal::Decimal;
use super::digits::Digits;

/// The precision that a number gets when it is parsed.
const PARSED_BITS: u64 = 64;

/// `(-1)^negative × mantissa × 2^exponent`, the mantissa at most `precision` bits long. Zero has a sign.
#[derive(Clone, Debug)]
pub(super) struct Float {
    negative: bool,
    mantissa: BigUint,
    exponent: i64,
    precision: u64,
}

impl Float {
    /// Rounds `mantissa × 2^exponent` half to even.
    fn rounded(negative: bool, mantissa: BigUint, exponent: i64, precision: u64) -> Self {
        let excess = mantissa.bits().saturating_sub(precision);
        if excess == 0 {
            return Self {
                negative,
                mantissa,
                exponent,
                precision,
            };
        }
        let mut kept = &mantissa >> excess;
        let half = mantissa.bit(excess - 1);
        let below = mantissa.trailing_zeros().is_some_and(|zeros| zeros < excess - 1);
        if half && (below || kept.bit(0)) {
            kept += 1_u32;
        }
        let exponent = exponent + i64::try_from(excess).unwrap_or(i64::MAX);
        Self {
            negative,
            mantissa: kept,
            exponent,
            precision,
        }
    }

    /// Parses as `Float.SetString` does: not always the nearest float beyond 5^55, since Go's power of five isn't exact.
    pub(super) fn parse(decimal: &Decimal) -> Self {
        let (digits, power) = decimal.unscaled();
        let mantissa = digits.parse::<BigUint>().unwrap_or_default();
        let negative = decimal.negative();
        if mantissa.is_zero() {
            return Self {
                negative,
                mantissa,
                exponent: 0,
                precision: PARSED_BITS,
            };
        }
        let five = pow5(power.unsigned_abs(), PARSED_BITS + 64);
        if power < 0 {
            let whole = Self {
                negative,
                mantissa,
                exponent: power,
                precision: PARSED_BITS,
            };
            whole.quotient(&five, PARSED_BITS)
        } else {
            Self::rounded(
                negative,
                mantissa * five.mantissa,
                five.exponent + power,
                PARSED_BITS,
            )
        }
    }

    /// As `Float.SetInt`: exact, with at least 64 bits of precision.
    pub(super) fn from_int(int: &BigInt) -> Self {
        let mantissa = int.magnitude().clone();
        let precision = mantissa.bits().max(64);
        Self {
            negative: int.sign() == Sign::Minus,
            mantissa,
            exponent: 0,
            precision,
        }
    }

    /// As `big.NewFloat` of a small integer over two.
    pub(super) fn halves(count: u32) -> Self {
        Self {
            negative: false,
            mantissa: count.into(),
            exponent: -1,
            precision: 53,
        }
    }

    pub(super) fn is_zero(&self) -> bool {
        self.mantissa.is_zero()
    }

    pub(super) fn is_negative(&self) -> bool {
        self.negative
    }

    /// The binary exponent `e` for which the value is in [2^(e-1), 2^e); 0 for zero.
    pub(super) fn magnitude(&self) -> i64 {
        if self.is_zero() {
            0
        } else {
            self.exponent + bits(&self.mantissa)
        }
    }

    pub(super) fn is_int(&self) -> bool {
        let zeros = self
            .mantissa
            .trailing_zeros()
            .and_then(|zeros| i64::try_from(zeros).ok());
        zeros.is_none_or(|zeros| zeros + self.exponent >= 0)
    }

    /// The integer part, towards zero.
    pub(super) fn truncated(&self) -> BigInt {
        let shift = self.exponent.unsigned_abs();
        let magnitude = if self.exponent < 0 {
            &self.mantissa >> shift
        } else {
            &self.mantissa << shift
        };
        BigInt::from_biguint(if self.negative { Sign::Minus } else { Sign::Plus }, magnitude)
    }

    pub(super) fn negated(self) -> Self {
        Self {
            negative: !self.negative,
            ..self
        }
    }

    pub(super) fn abs(self) -> Self {
        Self {
            negative: false,
            ..self
        }
    }

    pub(super) fn sum(&self, other: &Self) -> Self {
        let precision = self.precision.max(other.precision);
        match (self.is_zero(), other.is_zero()) {
            // -0 + -0 is -0.
            (true, true) => Self {
                negative: self.negative && other.negative,
                precision,
                ..self.clone()
            },
            (false, true) => Self {
                precision,
                ..self.clone()
            },
            (true, false) => Self {
                precision,
                ..other.clone()
            },
            (false, false) => {
                let exponent = self.exponent.min(other.exponent);
                let total = self.aligned(exponent) + other.aligned(exponent);
                Self::rounded(
                    total.sign() == Sign::Minus,
                    total.into_parts().1,
                    exponent,
                    precision,
                )
            }
        }
    }

    pub(super) fn difference(&self, other: &Self) -> Self {
        self.sum(&other.clone().negated())
    }

    pub(super) fn product(&self, other: &Self) -> Self {
        let precision = self.precision.max(other.precision);
        let negative = self.negative != other.negative;
        Self::rounded(
            negative,
            &self.mantissa * &other.mantissa,
            self.exponent + other.exponent,
            precision,
        )
    }

    /// The product in this float's own precision.
    pub(super) fn scaled(&self, other: &Self) -> Self {
        let negative = self.negative != other.negative;
        Self::rounded(
            negative,
            &self.mantissa * &other.mantissa,
            self.exponent + other.exponent,
            self.precision,
        )
    }

    /// The quotient of two floats; the divisor must not be zero.
    pub(super) fn divided(&self, divisor: &Self) -> Self {
        self.quotient(divisor, self.precision.max(divisor.precision))
    }

    fn quotient(&self, divisor: &Self, precision: u64) -> Self {
        let negative = self.negative != divisor.negative;
        if self.is_zero() || divisor.is_zero() {
            return Self {
                negative,
                mantissa: BigUint::ZERO,
                exponent: 0,
                precision,
            };
        }
        // Two more bits than the precision, so that what is left over only ever breaks a tie.
        let shift = (precision + 2 + divisor.mantissa.bits()).saturating_sub(self.mantissa.bits());
        let (mut whole, rest) = (&self.mantissa << shift).div_rem(&divisor.mantissa);
        let exponent = self.exponent - divisor.exponent - i64::try_from(shift).unwrap_or(i64::MAX);
        // A remainder becomes a last bit below all that is kept.
        whole <<= 1_u32;
        if !rest.is_zero() {
            whole += 1_u32;
        }
        Self::rounded(negative, whole, exponent - 1, precision)
    }

    /// The signed mantissa of this value at a lower exponent.
    fn aligned(&self, exponent: i64) -> BigInt {
        let sign = if self.negative { Sign::Minus } else { Sign::Plus };
        BigInt::from_biguint(sign, &self.mantissa << (self.exponent - exponent).unsigned_abs())
    }

    /// As `Float.Cmp`: by value.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let exponent = self.exponent.min(other.exponent);
        self.aligned(exponent).cmp(&other.aligned(exponent))
    }

    /// The shortest text that parses to this float at its precision, in the form that OPA gives results.
    pub(super) fn to_text(&self) -> String {
        let mut digits = Digits::exact(&self.mantissa, self.exponent);
        self.shorten(&mut digits);
        let mut text = String::new();
        if self.negative {
            text.push('-');
        }
        let exponent = digits.point - 1;
        if !self.is_int() && !(-4..6).contains(&exponent) {
            digits.write_scientific(&mut text);
        } else {
            digits.write_plain(&mut text);
        }
        text
    }

    /// As math/big's `roundShortest`.
    fn shorten(&self, digits: &mut Digits) {
        if self.is_zero() {
            return;
        }
        // One bit more than the precision: the last bit is half a unit.
        let shift = i64::try_from(self.precision + 1).unwrap_or(i64::MAX) - bits(&self.mantissa);
        let mantissa = &self.mantissa << shift.unsigned_abs();
        let exponent = self.exponent - shift;
        let lower = Digits::exact(&(&mantissa - BigUint::one()), exponent);
        let upper = Digits::exact(&(&mantissa + BigUint::one()), exponent);
        let inclusive = !mantissa.bit(1);
        for (i, &digit) in digits.digits.iter().enumerate() {
            let (l, u) = (lower.at(i), upper.at(i));
            let down = l != digit || inclusive && i + 1 == lower.digits.len();
            let up = digit != u && (inclusive || digit + 1 < u || i + 1 < upper.digits.len());
            match (down, up) {
                (true, true) => return digits.round(i + 1),
                (true, false) => return digits.round_down(i + 1),
                (false, true) => return digits.round_up(i + 1),
                (false, false) => {}
            }
        }
    }
}

/// As math/big's `pow5`: exact up to 5^27, then in a precision that is not always enough.
fn pow5(power: u64, precision: u64) -> Float {
    const EXACT: u64 = 27;
    let of = |value: u64, precision| Float {
        negative: false,
        mantissa: value.into(),
        exponent: 0,
        precision,
    };
    let mut rest = power.saturating_sub(EXACT);
    let mut result = of(5_u64.pow(u32::try_from(power.min(EXACT)).unwrap_or(0)), precision);
    let mut factor = of(5, precision + 64);
    while rest > 0 {
        if rest & 1 == 1 {
            // Not `product`, which would round to the factor's precision first.
            let mantissa = &result.mantissa * &factor.mantissa;
            result = Float::rounded(false, mantissa, result.exponent + factor.exponent, precision);
        }
        factor = factor.product(&factor);
        rest >>= 1;
    }
    result
}

fn bits(mantissa: &BigUint) -> i64 {
    i64::try_from(mantissa.bits()).unwrap_or(i64::MAX)
}
