//! An iteration that looks for the next element by one of its members.

use super::Machine;
use super::cursor::Cursor;
use super::fault::Fault;
use super::slot::Slot;
use crate::program::{Local, Operand};
use crate::value::Value;

impl Machine<'_> {
    /// Takes the next element whose member `key` is (or isn't) equal to `other`; `false` at the iteration's end.
    pub(super) fn seek(
        &mut self,
        slot: u32,
        value: Local,
        (key, other, equal): (Operand, Operand, bool),
    ) -> Result<bool, Fault> {
        let at = self.frame.cursors + slot as usize;
        let rest = self.scratch.cursors.get(at).and_then(Cursor::rest);
        let (Some(rest), Some(key_value), Some(wanted)) = (rest, self.read(key), self.read(other)) else {
            return self.seek_slowly(slot, value, (key, other, equal));
        };
        if !wanted.is_light() || !key.is_light_constant() {
            return self.seek_slowly(slot, value, (key, other, equal));
        }
        let fits = |element: &Value| {
            let member = match (element, key_value) {
                (Value::Object(object), Value::String(name)) => object.get_shared(name),
                (element, key) => element.lookup(key),
            };
            member.is_some_and(|member| (member == wanted) == equal)
        };
        let found = rest.iter().position(fits);
        let passed = found.map_or(rest.len(), |found| found + 1);
        self.spend(passed as u64)?;
        let element = found.and_then(|found| rest.get(found));
        if let Some(cursor) = self.scratch.cursors.get_mut(at) {
            cursor.pass(passed);
        }
        if element.is_none() {
            self.set_cursor(slot, Cursor::default());
            return Ok(false);
        }
        self.set(value, Slot::from(element));
        Ok(true)
    }

    /// The same, element by element.
    fn seek_slowly(
        &mut self,
        slot: u32,
        value: Local,
        (key, other, equal): (Operand, Operand, bool),
    ) -> Result<bool, Fault> {
        loop {
            self.spend(1)?;
            if !self.advance(slot, None, value) {
                return Ok(false);
            }
            if self.compare_member(Operand::local(value), key, other)? == Some(equal) {
                return Ok(true);
            }
        }
    }
}
