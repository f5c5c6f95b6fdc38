//! Decimal digits of binary floats, and the roundings that the shortest text needs. Mirrors math/big's `decimal`.

use std::cmp::Ordering;

use num_bigint::BigUint;
use num_traits::Zero;

use super::decimal::signed;

/// Decimal digits `0.d1d2… × 10^point`, as math/big's `decimal`: no zero at the end, none at the start.
pub(super) struct Digits {
    pub(super) digits: Vec<u8>,
    pub(super) point: i64,
}

impl Digits {
    /// All digits of `mantissa × 2^exponent`.
    pub(super) fn exact(mantissa: &BigUint, exponent: i64) -> Self {
        let zeros = mantissa
            .trailing_zeros()
            .unwrap_or(0)
            .min(exponent.min(0).unsigned_abs());
        let (mantissa, exponent) = (mantissa >> zeros, exponent + i64::try_from(zeros).unwrap_or(0));
        let shift = exponent.unsigned_abs();
        let (scaled, point) = if exponent < 0 {
            (
                mantissa * num_traits::pow(BigUint::from(5_u32), usize::try_from(shift).unwrap_or(0)),
                exponent,
            )
        } else {
            (mantissa << shift, 0)
        };
        if scaled.is_zero() {
            return Self {
                digits: Vec::new(),
                point: 0,
            };
        }
        let digits = scaled.to_string().into_bytes();
        let mut digits = Self {
            point: point + signed(digits.len()),
            digits,
        };
        digits.trim();
        digits
    }

    pub(super) fn at(&self, i: usize) -> u8 {
        self.digits.get(i).copied().unwrap_or(b'0')
    }

    fn trim(&mut self) {
        while self.digits.last() == Some(&b'0') {
            self.digits.pop();
        }
        if self.digits.is_empty() {
            self.point = 0;
        }
    }

    /// Rounds to `n` digits, half to even.
    pub(super) fn round(&mut self, n: usize) {
        if n >= self.digits.len() {
            return;
        }
        let up = match self.at(n).cmp(&b'5') {
            Ordering::Equal if n + 1 == self.digits.len() => n > 0 && self.at(n - 1) % 2 == 1,
            ordering => ordering != Ordering::Less,
        };
        if up { self.round_up(n) } else { self.round_down(n) }
    }

    pub(super) fn round_up(&mut self, n: usize) {
        if n >= self.digits.len() {
            return;
        }
        self.digits.truncate(n);
        while self.digits.last() == Some(&b'9') {
            self.digits.pop();
        }
        match self.digits.last_mut() {
            Some(last) => *last += 1,
            None => {
                self.digits.push(b'1');
                self.point += 1;
            }
        }
    }

    pub(super) fn round_down(&mut self, n: usize) {
        if n < self.digits.len() {
            self.digits.truncate(n);
            self.trim();
        }
    }

    pub(super) fn write_plain(&self, text: &mut String) {
        let whole = usize::try_from(self.point).unwrap_or(0);
        if whole == 0 {
            text.push('0');
        }
        for i in 0..whole {
            text.push(char::from(self.at(i)));
        }
        if signed(self.digits.len()) > self.point {
            text.push('.');
            for _ in self.point..0 {
                text.push('0');
            }
            text.extend(self.digits.iter().skip(whole).map(|&digit| char::from(digit)));
        }
    }

    pub(super) fn write_scientific(&self, text: &mut String) {
        text.push(char::from(self.at(0)));
        if self.digits.len() > 1 {
            text.push('.');
            text.extend(self.digits.iter().skip(1).map(|&digit| char::from(digit)));
        }
        let exponent = self.point - 1;
        text.push_str(if exponent < 0 { "e-" } else { "e+" });
        text.push_str(&format!("{:02}", exponent.unsigned_abs()));
    }
}
