//! The part of the stacks that a running function has: its locals, iterations and `with`s.

use super::Machine;
use super::cursor::Cursor;
use super::slot::Slot;
use crate::program::{Address, Local, Operand, Source};
use crate::value::Value;

/// Where a function's part begins in each stack, and where its result goes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Frame {
    pub(super) base: usize,
    pub(super) cursors: usize,
    pub(super) saved: usize,
    /// How many worlds there were when it began.
    pub(super) worlds: usize,
    /// Where the rules begin that its index found, which one comes next, and whether the first success ends it.
    pub(super) found: usize,
    pub(super) next: usize,
    pub(super) early: bool,
    /// Which input and data it has; `None` when they are not known to be those that a rule may remember results for.
    pub(super) world: Option<u32>,
    /// Where its result is remembered.
    pub(super) memo: Option<u32>,
    /// The function, if it was asked for some keys only.
    pub(super) asked: Option<u32>,
    /// The caller's local for its result, where the caller goes on, and where if the result is undefined.
    pub(super) result: Local,
    pub(super) back: Address,
    pub(super) fail: Address,
}

impl<'e> Machine<'e> {
    /// A local of the running function; `None` is undefined.
    pub(super) fn local(&self, local: Local) -> Option<&Value> {
        self.slot(local)?.value()
    }

    pub(super) fn slot(&self, local: Local) -> Option<&Slot<'e>> {
        self.scratch.stack.get(self.frame.base + local as usize)
    }

    pub(super) fn local_mut(&mut self, local: Local) -> Option<&mut Value> {
        self.scratch
            .stack
            .get_mut(self.frame.base + local as usize)?
            .value_mut()
    }

    pub(super) fn set(&mut self, local: Local, value: Slot<'e>) {
        if let Some(place) = self.scratch.stack.get_mut(self.frame.base + local as usize) {
            *place = value;
        }
    }

    pub(super) fn set_value(&mut self, local: Local, value: Value) {
        self.set(local, Slot::Owned(value));
    }

    pub(super) fn take(&mut self, local: Local) -> Slot<'e> {
        let place = self.scratch.stack.get_mut(self.frame.base + local as usize);
        place.map(std::mem::take).unwrap_or_default()
    }

    pub(super) fn read(&self, operand: Operand) -> Option<&Value> {
        match operand.source() {
            Source::Local(local) => self.local(local),
            Source::Constant(index) => self.program.constants.get(index as usize),
        }
    }

    /// A copy of what an operand holds; free of cost unless the evaluation made it.
    pub(super) fn copy(&self, operand: Operand) -> Slot<'e> {
        match operand.source() {
            Source::Local(local) => self.slot(local).cloned().unwrap_or_default(),
            Source::Constant(index) => self.program.constants.get(index as usize).into(),
        }
    }

    pub(super) fn set_cursor(&mut self, slot: u32, cursor: Cursor<'e>) {
        let at = self.frame.cursors + slot as usize;
        let cursors = &mut self.scratch.cursors;
        if cursors.len() <= at {
            cursors.resize_with(at + 1, Cursor::default);
        }
        if let Some(place) = cursors.get_mut(at) {
            *place = cursor;
        }
    }

    /// Takes the next element of an iteration; `false` at its end.
    pub(super) fn advance(&mut self, slot: u32, key: Option<Local>, value: Local) -> bool {
        let at = self.frame.cursors + slot as usize;
        let Some(cursor) = self.scratch.cursors.get_mut(at) else {
            return false;
        };
        match cursor.next(key.is_some()) {
            Some((name, element)) => {
                if let Some(key) = key {
                    self.set(key, name);
                }
                self.set(value, element);
                true
            }
            None => {
                *cursor = Cursor::default();
                false
            }
        }
    }
}
