//! What the values that an evaluation builds take, in bytes, near enough and never much too little: what allocators add
//! is counted, and that a vector that grows was a smaller one before.

use super::slot::Slot;
use crate::builtins::BuiltinError;
use crate::value::{Array, Change, Value};

/// Of a value where it stands in a collection or a variable.
const VALUE: u64 = size_of::<Value>() as u64;

/// An empty set or object.
pub(super) const EMPTY: u64 = 128;

/// An array with room for `capacity` elements.
pub(super) fn array(capacity: usize) -> u64 {
    64 + VALUE * capacity as u64
}

/// An element more in an array, and `copied` elements that were others', too.
#[inline]
pub(super) fn append(copied: usize) -> u64 {
    2 * VALUE + 3 * VALUE * copied as u64
}

/// A member more in a set.
#[inline]
pub(super) fn member(change: Change) -> u64 {
    let own = if change.is_new { 3 * VALUE } else { 0 };
    own + 2 * VALUE * change.copied as u64
}

/// A pair more in an object.
#[inline]
pub(super) fn pair(change: Change) -> u64 {
    let own = if change.is_new { 5 * VALUE } else { 0 };
    own + 3 * VALUE * change.copied as u64
}

/// Room for the results of as many functions.
pub(super) fn memos(functions: u32) -> u64 {
    2 * VALUE * u64::from(functions)
}

/// A result that is remembered by its keys.
pub(super) fn remembered(keys: usize) -> u64 {
    128 + VALUE * keys as u64
}

/// The text that a builtin has made; collections it counts itself, before it makes them.
pub(super) fn of_answer(answer: &Result<Option<Value>, BuiltinError>) -> u64 {
    match answer {
        Ok(Some(value)) => value.own_text() as u64,
        // A message may quote an operand.
        Err(BuiltinError::Lenient(message) | BuiltinError::Halt(message)) => message.len() as u64,
        Ok(None) | Err(BuiltinError::Exhausted(_) | BuiltinError::NeedsHttp(_)) => 0,
    }
}

impl Slot<'_> {
    /// How many elements of an array, which is what it holds, a change copies: all where others have it, too.
    pub(super) fn copied(&self, array: &Array) -> usize {
        match self {
            Slot::Owned(_) if !array.is_shared() => 0,
            _ => array.len(),
        }
    }
}
