//! `bits.*`, on integers of any size in two's complement.

use num_bigint::{BigInt, Sign};
use num_traits::Zero;

use super::operands::big_int;
use super::{Answer, BuiltinError, Context, answer, fail};
use crate::number::MAX_DIGITS;
use crate::number::arithmetic::from_int;
use crate::value::Value;

pub(super) fn and(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(from_int(
        &(big_int(context, operands, 1)? & big_int(context, operands, 2)?),
    )?)
}

pub(super) fn or(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(from_int(
        &(big_int(context, operands, 1)? | big_int(context, operands, 2)?),
    )?)
}

pub(super) fn xor(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(from_int(
        &(big_int(context, operands, 1)? ^ big_int(context, operands, 2)?),
    )?)
}

pub(super) fn negate(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    answer(from_int(&!big_int(context, operands, 1)?)?)
}

pub(super) fn lsh(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (value, shift) = (big_int(context, operands, 1)?, big_int(context, operands, 2)?);
    let shift = shift_by(&shift)?;
    if value.is_zero() {
        return answer(0_i64);
    }
    match usize::try_from(shift) {
        Ok(shift) if shift <= MAX_DIGITS => answer(from_int(&(value << shift))?),
        _ => Err(BuiltinError::Halt(format!(
            "a shift by {shift} bits makes too large a number"
        ))),
    }
}

pub(super) fn rsh(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (value, shift) = (big_int(context, operands, 1)?, big_int(context, operands, 2)?);
    // Rounds down: what is left of a negative number is -1.
    answer(from_int(&(value >> shift_by(&shift)?))?)
}

/// How far to shift: Go takes the low 64 bits.
fn shift_by(shift: &BigInt) -> Result<u64, BuiltinError> {
    if shift.sign() == Sign::Minus {
        return fail("operand 2 must be an unsigned integer number but got a negative integer");
    }
    Ok(shift.iter_u64_digits().next().unwrap_or(0))
}
