//! The text of a number with its value laid out beside it: sign, significant digits, position of the point.
//! Compares and hashes by value in time linear in the text, whatever the exponent; never expands one.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use num_bigint::{BigInt, BigUint, Sign};
use num_traits::Pow;

use super::MAX_DIGITS;
use super::float::Float;

/// A decimal: `(-1)^negative × 0.digits × 10^point`.
#[derive(Clone)]
pub(super) struct Decimal {
    text: Box<str>,
    /// The same in JSON's grammar, where `text` isn't (`+5`, `007`, `.5`).
    json: Option<Box<str>>,
    negative: bool,
    /// Significant digits, no zero at either end; empty for zero.
    digits: Box<str>,
    /// Where the point stands, counted from the left of `digits`; 0 for zero.
    point: i64,
    /// The value, where it is an integer that fits.
    int: Option<i64>,
}

impl Decimal {
    /// Reads JSON's grammar of numbers, all of `text`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
            Some(at) => (unsigned.get(..at)?, Some(unsigned.get(at + 1..)?)),
            None => (unsigned, None),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
            Some(_) => return None,
            None => (mantissa, ""),
        };
        if !is_digits(whole) || (whole.len() > 1 && whole.starts_with('0')) {
            return None;
        }
        let exponent = exponent.map_or(Some(0), parse_exponent)?;
        Some(Self::new(text, negative, whole, fraction, exponent))
    }

    /// Reads what Rego's literals and Go's decimal floats may be besides: with a plus, with zeros in front, without
    /// digits on one side of the point.
    pub(super) fn parse_literal(text: &str) -> Option<Self> {
        if let Some(decimal) = Self::parse(text) {
            return Some(decimal);
        }
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (mantissa, exponent) = unsigned
            .find(['e', 'E'])
            .map_or((unsigned, ""), |at| unsigned.split_at(at));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if !(is_digits(whole) || whole.is_empty() && is_digits(fraction)) {
            return None;
        }
        let whole = match whole.trim_start_matches('0') {
            "" => "0",
            significant => significant,
        };
        let sign = if text.starts_with('-') { "-" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        let json = format!("{sign}{whole}{point}{fraction}{exponent}");
        let decimal = Self::parse(&json)?;
        Some(Self {
            text: text.into(),
            json: Some(json.into()),
            ..decimal
        })
    }

    pub(super) fn from_i64(int: i64) -> Self {
        let text = int.to_string();
        let digits = text.trim_start_matches('-');
        let mut decimal = Self::new(&text, int < 0, digits, "", 0);
        decimal.int = Some(int);
        decimal
    }

    fn new(text: &str, negative: bool, whole: &str, fraction: &str, exponent: i64) -> Self {
        let mut digits = String::with_capacity(whole.len() + fraction.len());
        digits.push_str(whole);
        digits.push_str(fraction);
        let significant = digits.trim_start_matches('0');
        let leading = digits.len() - significant.len();
        let significant = significant.trim_end_matches('0');
        let point = if significant.is_empty() {
            0
        } else {
            exponent
                .saturating_add(signed(whole.len()))
                .saturating_sub(signed(leading))
        };
        let mut decimal = Self {
            text: text.into(),
            json: None,
            negative,
            digits: significant.into(),
            point,
            int: None,
        };
        decimal.int = decimal.small_int();
        decimal
    }

    fn small_int(&self) -> Option<i64> {
        if self.digits.is_empty() {
            return Some(0);
        }
        let zeros = usize::try_from(self.point).ok()?.checked_sub(self.digits.len())?;
        if self.point > 19 {
            return None;
        }
        let mut value: i128 = self.digits.parse().ok()?;
        for _ in 0..zeros {
            value *= 10;
        }
        i64::try_from(if self.negative { -value } else { value }).ok()
    }

    /// As it was written.
    pub(super) fn source(&self) -> &str {
        &self.text
    }

    /// As JSON has it, which is as it was written where JSON can have that.
    pub(super) fn text(&self) -> &str {
        self.json.as_deref().unwrap_or(&self.text)
    }

    pub(super) fn negative(&self) -> bool {
        self.negative
    }

    /// All digits as written, zeros at the end included, and the power of ten that they are multiplied with.
    pub(super) fn unscaled(&self) -> (String, i64) {
        let digits: String = self
            .text
            .chars()
            .take_while(|c| !matches!(c, 'e' | 'E'))
            .filter(char::is_ascii_digit)
            .collect();
        let leading = signed(digits.len() - digits.trim_start_matches('0').len());
        let power = self.point.saturating_sub(signed(digits.len()) - leading);
        (digits, power)
    }

    pub(super) fn int_value(&self) -> Option<i64> {
        self.int
    }

    /// The value, where the text is an integer without an exponent and short: what OPA's `Atoi64` reads.
    pub(super) fn plain_int(&self) -> Option<i64> {
        let unsigned = self.text.strip_prefix(['-', '+']).unwrap_or(&self.text);
        if self.has_exponent_mark() || unsigned.len() > 19 {
            None
        } else {
            self.int
        }
    }

    pub(super) fn has_exponent_mark(&self) -> bool {
        self.text.contains(['e', 'E'])
    }

    /// Whether the value lies within 2^±100000, as OPA wants of numbers that come in.
    pub(super) fn is_in_range(&self) -> bool {
        const MAX_EXPONENT: i64 = 100_000;
        // 10^25000 is well inside, 10^40000 well outside: only what lies between needs the exact answer.
        if self.point.unsigned_abs() <= 25_000 {
            return true;
        }
        self.point.unsigned_abs() <= 40_000 && Float::parse(self).magnitude().abs() <= MAX_EXPONENT
    }

    /// How many digits there are when the number is written out without an exponent, near enough.
    pub(super) fn size(&self) -> usize {
        let zeros = usize::try_from(self.point.unsigned_abs()).unwrap_or(usize::MAX);
        self.digits.len().max(zeros)
    }

    /// Whether arithmetic takes this number on: it has a bounded number of digits when written out.
    pub(super) fn is_computable(&self) -> bool {
        self.size() <= MAX_DIGITS
    }

    pub(super) fn is_int(&self) -> bool {
        self.point >= signed(self.digits.len())
    }

    /// The integer that this number is, exactly. Only for numbers that are computable.
    pub(super) fn to_int(&self) -> Option<BigInt> {
        let zeros = u32::try_from(self.point.checked_sub(signed(self.digits.len()))?).ok()?;
        if self.digits.is_empty() {
            return Some(BigInt::ZERO);
        }
        let magnitude = self.digits.parse::<BigUint>().ok()? * BigUint::from(10_u32).pow(zeros);
        let sign = if self.negative { Sign::Minus } else { Sign::Plus };
        Some(BigInt::from_biguint(sign, magnitude))
    }

    /// Orders by value.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self.signum(), other.signum()) {
            (-1, -1) => other.compare_magnitude(self),
            (1, 1) => self.compare_magnitude(other),
            (a, b) => a.cmp(&b),
        }
    }

    fn compare_magnitude(&self, other: &Self) -> Ordering {
        self.point
            .cmp(&other.point)
            .then_with(|| self.digits.cmp(&other.digits))
    }

    fn signum(&self) -> i8 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    /// Hashes so that equal values have equal hashes.
    pub(super) fn hash_value<H: Hasher>(&self, state: &mut H) {
        self.signum().hash(state);
        self.point.hash(state);
        self.digits.hash(state);
    }
}

/// A length as the signed type that positions have; no text is as long as 2^63.
pub(super) fn signed(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads an exponent; one that doesn't fit saturates, which is out of range for all but zero.
fn parse_exponent(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', ..] => (true, text.get(1..)?),
        [b'+', ..] => (false, text.get(1..)?),
        _ => (false, text),
    };
    if !is_digits(digits) {
        return None;
    }
    let magnitude = digits.parse::<i64>().unwrap_or(i64::MAX);
    Some(if negative { -magnitude } else { magnitude })
}
