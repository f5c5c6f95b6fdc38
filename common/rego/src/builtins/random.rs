//! `rand.intn` and `uuid.rfc4122`: drawn from the evaluation's seed, one value for each key while it lasts.

use super::operands::{any, int, string};
use super::{Answer, BuiltinError, Context, answer};
use crate::value::Value;

/// A whole number from 0 to below `n`, the same for the same text and `n`.
pub(super) fn intn(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let text = string(operands, 1)?;
    let n = int(operands, 2)?;
    if n == 0 {
        return answer(0);
    }
    // Go has no positive counterpart of the least integer either, and falls over.
    let halt = || BuiltinError::Halt("rand.intn of the least integer is refused".into());
    let n = n.checked_abs().ok_or_else(halt)?.unsigned_abs();
    let key = Value::from(vec![Value::from(text), Value::from(n)]);
    context.remember("rand.intn", &key, |context| {
        // What lies above the largest multiple of n would favour small numbers.
        let bound = u64::MAX - u64::MAX % n;
        loop {
            let drawn = u64::from_le_bytes(context.random()?);
            if drawn < bound {
                return answer(drawn % n);
            }
        }
    })
}

/// A random UUID (version 4), the same for the same key.
pub(super) fn uuid(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let key = any(operands, 1)?;
    context.remember("uuid.rfc4122", key, |context| {
        let mut bytes: [u8; 16] = context.random()?;
        let [.., version, _, variant, _, _, _, _, _, _, _] = &mut bytes;
        *version = (*version & 0x0f) | 0x40;
        *variant = (*variant & 0x3f) | 0x80;
        let digits = hex::encode(bytes);
        let mut text = String::with_capacity(36);
        for (at, digit) in digits.chars().enumerate() {
            if matches!(at, 8 | 12 | 16 | 20) {
                text.push('-');
            }
            text.push(digit);
        }
        answer(text)
    })
}
