//! The operations on values. Each says whether it was defined; an undefined operand, or a collection of the wrong kind,
//! makes it undefined.

use super::Machine;
use super::fault::Fault;
use super::slot::Slot;
use super::upsert;
use crate::program::{Local, Operand, Source};
use crate::value::{MAX_NESTING, Value};

impl Machine<'_> {
    /// Assigns, unless there is a value already: then both must be equal. Undefined stays undefined.
    pub(super) fn assign_once(&mut self, source: Operand, target: Local) -> Result<bool, Fault> {
        let Some(value) = self.read(source) else {
            return Ok(false);
        };
        match self.local(target) {
            None => {
                let value = self.copy(source);
                self.set(target, value);
                Ok(true)
            }
            Some(present) if present == value => Ok(true),
            Some(_) => Err(Fault::ValueConflict),
        }
    }

    /// `target := source[key]`. In a set the result is the key asked for, however the set's member is written.
    pub(super) fn dot(&mut self, source: Operand, key: Operand, target: Local) -> bool {
        let found = match (source.source(), self.read(key)) {
            (Source::Local(source), Some(wanted)) => match self.slot(source) {
                Some(slot) => match slot.value() {
                    Some(Value::Set(set)) if set.contains(wanted) => self.copy(key),
                    _ => slot.map(|source| source.member(wanted)),
                },
                None => Slot::Undefined,
            },
            // Constants are scalars, which have no members.
            (Source::Constant(_), _) | (_, None) => Slot::Undefined,
        };
        let defined = found.is_defined();
        self.set(target, found);
        defined
    }

    /// Whether both are equal; `None` if one is undefined.
    pub(super) fn compare(&self, a: Operand, b: Operand) -> Option<bool> {
        Some(self.read(a)? == self.read(b)?)
    }

    pub(super) fn measure(&mut self, source: Operand, target: Local) -> bool {
        let len = self
            .read(source)
            .and_then(Value::length)
            .and_then(|len| u64::try_from(len).ok());
        let defined = len.is_some();
        self.set(target, len.map(Value::from).into());
        defined
    }

    /// A value that is about to be put into a collection.
    fn element(&self, operand: Operand) -> Result<Option<Value>, Fault> {
        match self.read(operand) {
            Some(value) if value.nesting() >= MAX_NESTING => Err(Fault::TOO_NESTED),
            value => Ok(value.cloned()),
        }
    }

    pub(super) fn array_append(&mut self, value: Operand, array: Local) -> Result<bool, Fault> {
        let Some(value) = self.element(value)? else {
            return Ok(false);
        };
        let Some(Value::Array(array)) = self.local_mut(array) else {
            return Ok(false);
        };
        array.push(value);
        Ok(true)
    }

    pub(super) fn set_add(&mut self, value: Operand, set: Local) -> Result<bool, Fault> {
        let Some(value) = self.element(value)? else {
            return Ok(false);
        };
        let Some(Value::Set(set)) = self.local_mut(set) else {
            return Ok(false);
        };
        set.insert(value);
        Ok(true)
    }

    pub(super) fn object_insert(
        &mut self,
        key: Operand,
        value: Operand,
        object: Local,
    ) -> Result<bool, Fault> {
        let (Some(key), Some(value)) = (self.element(key)?, self.element(value)?) else {
            return Ok(false);
        };
        let Some(Value::Object(object)) = self.local_mut(object) else {
            return Ok(false);
        };
        object.insert(key, value);
        Ok(true)
    }

    pub(super) fn object_insert_once(
        &mut self,
        key: Operand,
        value: Operand,
        object: Local,
    ) -> Result<bool, Fault> {
        let (Some(key), Some(value)) = (self.element(key)?, self.element(value)?) else {
            return Ok(false);
        };
        let Some(Value::Object(object)) = self.local_mut(object) else {
            return Ok(false);
        };
        match object.get(&key) {
            None => {
                object.insert(key, value);
                Ok(true)
            }
            Some(present) if *present == value => Ok(true),
            Some(_) => Err(Fault::KeyConflict),
        }
    }

    /// `target := a` with the members of `b` that it lacks, in the objects within them too; `a` where one isn't an
    /// object.
    pub(super) fn object_merge(&mut self, a: Local, b: Local, target: Local) -> Result<bool, Fault> {
        let mut cost = 0;
        let merged = match (self.local(a), self.local(b)) {
            (Some(a), Some(b)) => Some(upsert::merge(a, b, &mut cost)),
            (a, b) => a.or(b).cloned(),
        };
        let Some(left) = self.budget.checked_sub(cost) else {
            return Err(self.out_of_statements());
        };
        self.budget = left;
        let defined = merged.is_some();
        self.set(target, merged.into());
        Ok(defined)
    }
}
