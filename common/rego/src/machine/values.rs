//! The operations on values. Each says whether it was defined; an undefined operand, or a collection of the wrong kind,
//! makes it undefined.

use super::Machine;
use super::base::storage_lookup;
use super::fault::{COMPARISONS, Fault};
use super::memory;
use super::slot::{Slot, part_member};
use super::upsert;
use crate::document::{Document, Part};
use crate::program::{Local, Operand, Source};
use crate::value::{MAX_NESTING, Value};

impl<'e> Machine<'e> {
    /// Assigns, unless there is a value already: then both must be equal. Undefined stays undefined.
    pub(super) fn assign_once(&mut self, source: Operand, target: Local) -> Result<bool, Fault> {
        let (value, present) = (self.read(source), self.local(target));
        match (value, present) {
            (None, _) => Ok(false),
            (Some(_), None) => {
                let value = self.copy(source);
                self.set(target, value);
                Ok(true)
            }
            (Some(_), Some(_)) => match self.compare(source, Operand::local(target))? {
                Some(true) => {
                    if self.frame.asked.is_some() {
                        self.again(source, target)?;
                    }
                    Ok(true)
                }
                _ => Err(Fault::ValueConflict),
            },
        }
    }

    /// `target := source[key]`. In a set the result is the key asked for, however the set's member is written.
    pub(super) fn dot(&mut self, source: Operand, key: Operand, target: Local) -> Result<bool, Fault> {
        self.spend_on_key(key)?;
        let found = match (source.source(), self.read(key)) {
            (Source::Local(source), Some(wanted)) => match self.slot(source) {
                Some(slot) => slot.member(wanted, || self.copy(key)),
                None => Slot::Undefined,
            },
            (Source::Constant(source), Some(wanted)) => match self.program.constants.get(source as usize) {
                Some(source) => Slot::Borrowed(source).member(wanted, || self.copy(key)),
                None => Slot::Undefined,
            },
            (_, None) => Slot::Undefined,
        };
        let defined = found.is_defined();
        self.set(target, found);
        Ok(defined)
    }

    /// Several lookups in a row, by constants; what was found before stays, if it is the same each time.
    pub(super) fn follow(&mut self, path: u32, target: Local, once: bool) -> Result<bool, Fault> {
        if once && self.slot(target).is_some_and(Slot::is_defined) {
            return Ok(true);
        }
        let program = self.program;
        let Some(path) = program.walks.get(path as usize) else {
            return Ok(false);
        };
        let in_storage = path.place.is_some() && self.reads_storage();
        if let Some(place) = path.place.filter(|_| !in_storage) {
            return self.follow_beside_with(path, target, place);
        }
        let constants = program.constants.as_slice();
        let found: Slot<'e> = match self.slot(path.source) {
            Some(&Slot::Borrowed(source)) => walk(source, &path.keys, constants, in_storage).into(),
            Some(Slot::Owned(source)) => walk(source, &path.keys, constants, in_storage).cloned().into(),
            Some(&Slot::Part(document, part)) => walk_part(document, part, &path.keys, constants),
            Some(Slot::Undefined) | None => Slot::Undefined,
        };
        let defined = found.is_defined();
        self.set(target, found);
        Ok(defined)
    }

    /// Whether `source[key]` and `other` are equal; `None` if one is undefined.
    pub(super) fn compare_member(
        &mut self,
        source: Operand,
        key: Operand,
        other: Operand,
    ) -> Result<Option<bool>, Fault> {
        self.spend_on_key(key)?;
        let (Some(key), Some(other)) = (self.read(key), self.read(other)) else {
            return Ok(None);
        };
        let of_part;
        let member = match source.source() {
            Source::Local(local) => match self.slot(local) {
                Some(&Slot::Part(document, part)) => {
                    of_part = part_member(document, part, key);
                    of_part.value()
                }
                Some(source) => source.value().and_then(|source| source.lookup(key)),
                None => None,
            },
            Source::Constant(_) => self.read(source).and_then(|source| source.lookup(key)),
        };
        let Some(member) = member else {
            return Ok(None);
        };
        let equal = member == other;
        if !member.is_light() && !other.is_light() {
            let weight = member.weight().min(other.weight());
            self.spend_on(weight)?;
        }
        Ok(Some(equal))
    }

    /// Whether both are equal; `None` if one is undefined.
    pub(super) fn compare(&mut self, a: Operand, b: Operand) -> Result<Option<bool>, Fault> {
        let (Some(first), Some(second)) = (self.read(a), self.read(b)) else {
            return Ok(None);
        };
        if first.is_light() || second.is_light() {
            return Ok(Some(first == second));
        }
        // Paid for before it is done.
        let weight = first.weight().min(second.weight());
        self.spend_on(weight)?;
        Ok(Some(self.read(a) == self.read(b)))
    }

    pub(super) fn measure(&mut self, source: Operand, target: Local) -> Result<bool, Fault> {
        // The characters of a string are counted.
        if let Some(text @ Value::String(_)) = self.read(source) {
            let weight = text.weight();
            self.spend_on(weight)?;
        }
        let len = self
            .read(source)
            .and_then(Value::length)
            .and_then(|len| u64::try_from(len).ok());
        let defined = len.is_some();
        self.set(target, len.map(Value::from).into());
        Ok(defined)
    }

    /// A value that is about to be put into a collection.
    fn element(&self, operand: Operand) -> Result<Option<Value>, Fault> {
        let Some(value) = self.read(operand) else {
            return Ok(None);
        };
        if value.nesting() >= MAX_NESTING {
            return Err(Fault::TOO_NESTED);
        }
        Fault::check(value)?;
        Ok(Some(value.clone()))
    }

    /// A value that a collection will order by: it is compared with several others.
    pub(super) fn key(&mut self, operand: Operand) -> Result<Option<Value>, Fault> {
        let key = self.element(operand)?;
        self.spend_on(key.as_ref().map_or(0, Value::weight).saturating_mul(COMPARISONS))?;
        Ok(key)
    }

    pub(super) fn array_append(&mut self, value: Operand, array: Local) -> Result<bool, Fault> {
        let Some(value) = self.element(value)? else {
            return Ok(false);
        };
        let copied = match self.local(array) {
            Some(Value::Array(present)) => self.slot(array).map_or(0, |slot| slot.copied(present)),
            _ => return Ok(false),
        };
        if copied > 0 {
            self.spend(copied as u64 / 16)?;
        }
        self.build(memory::append(copied))?;
        let Some(Value::Array(array)) = self.local_mut(array) else {
            return Ok(false);
        };
        array.push(value);
        Ok(true)
    }

    pub(super) fn set_add(&mut self, value: Operand, set: Local) -> Result<bool, Fault> {
        let Some(value) = self.key(value)? else {
            return Ok(false);
        };
        match self.local_mut(set) {
            Some(Value::Set(set)) => {
                let change = set.put(value);
                self.build(memory::member(change))?;
                Ok(true)
            }
            Some(_) => Err(Fault::KeyConflict),
            None => Ok(false),
        }
    }

    pub(super) fn object_insert(
        &mut self,
        key: Operand,
        value: Operand,
        object: Local,
    ) -> Result<bool, Fault> {
        let (Some(key), Some(value)) = (self.key(key)?, self.element(value)?) else {
            return Ok(false);
        };
        match self.local_mut(object) {
            Some(Value::Object(object)) => {
                let change = object.put(key, value);
                self.build(memory::pair(change))?;
                Ok(true)
            }
            // Another rule gave something else there.
            Some(_) => Err(Fault::KeyConflict),
            None => Ok(false),
        }
    }

    pub(super) fn object_insert_once(
        &mut self,
        key: Operand,
        value: Operand,
        object: Local,
        last: bool,
    ) -> Result<bool, Fault> {
        let (Some(key), Some(value)) = (self.key(key)?, self.element(value)?) else {
            return Ok(false);
        };
        // In case there is a value to compare with.
        self.spend_on(value.weight())?;
        let object = match self.local_mut(object) {
            Some(Value::Object(object)) => object,
            Some(_) => return Err(Fault::KeyConflict),
            None => return Ok(false),
        };
        match object.get(&key) {
            None => {
                let change = object.put(key, value);
                self.build(memory::pair(change))?;
                Ok(true)
            }
            Some(present) if *present == value => {
                if last {
                    object.put(key, value);
                }
                Ok(true)
            }
            Some(_) => Err(Fault::KeyConflict),
        }
    }

    /// `target := a` with the members of `b` that it lacks, in the objects within them too; `a` where one isn't an
    /// object.
    pub(super) fn object_merge(&mut self, a: Local, b: Local, target: Local) -> Result<bool, Fault> {
        let merged = match (self.local(a).cloned(), self.local(b).cloned()) {
            (Some(a), Some(b)) => Some(upsert::merge(&a, &b, &mut self.context.meter)),
            (a, b) => a.or(b).map(Ok),
        };
        let merged = merged.transpose().map_err(|limit| self.used_up(limit))?;
        let defined = merged.is_some();
        self.set(target, merged.into());
        Ok(defined)
    }
}

/// What the keys lead to, one after the other; in OPA's storage, or in a value.
fn walk<'v>(source: &'v Value, keys: &[u32], constants: &'v [Value], in_storage: bool) -> Option<&'v Value> {
    let mut at = source;
    for key in keys {
        let key = constants.get(*key as usize)?;
        at = match (at, key) {
            // The same in both.
            (Value::Object(object), Value::String(name)) => object.get_shared(name)?,
            _ if in_storage => storage_lookup(at, key)?,
            _ => at.lookup(key)?,
        };
    }
    Some(at)
}

/// What the keys lead to in a document: through its parts, then in a value.
fn walk_part<'e>(
    document: &'e &'e dyn Document,
    mut part: Part,
    keys: &[u32],
    constants: &'e [Value],
) -> Slot<'e> {
    let mut keys = keys;
    while let Some((key, rest)) = keys.split_first() {
        let Some(key) = constants.get(*key as usize) else {
            return Slot::Undefined;
        };
        keys = rest;
        match part_member(document, part, key) {
            Slot::Part(_, inner) => part = inner,
            Slot::Borrowed(value) => return walk(value, keys, constants, false).into(),
            Slot::Undefined | Slot::Owned(_) => return Slot::Undefined,
        }
    }
    Slot::Part(document, part)
}
