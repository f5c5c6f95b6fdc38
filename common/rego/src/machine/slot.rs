//! What a local variable holds. Most values are part of the input, the data or the program, which outlive the
//! evaluation: those are borrowed, and cost no reference count.

use crate::document::{Document, Input, Member, Part};
use crate::value::Value;

/// A local variable's content.
#[derive(Clone, Default)]
pub(super) enum Slot<'e> {
    #[default]
    Undefined,
    /// A part of the input, the data or the program.
    Borrowed(&'e Value),
    /// A part of the input of which no value was made yet.
    Part(&'e &'e dyn Document, Part),
    /// Made by the evaluation.
    Owned(Value),
}

impl<'e> Slot<'e> {
    pub(super) fn value(&self) -> Option<&Value> {
        match self {
            Slot::Borrowed(value) => Some(value),
            Slot::Owned(value) => Some(value),
            Slot::Undefined => None,
            Slot::Part(document, part) => Some(document.value(*part)),
        }
    }

    /// The same, with a value where it is a part of a document.
    pub(super) fn made(self) -> Slot<'e> {
        match self {
            Slot::Part(document, part) => Slot::Borrowed(document.value(part)),
            other => other,
        }
    }

    pub(super) fn is_defined(&self) -> bool {
        !matches!(self, Slot::Undefined)
    }

    /// The value to be changed in place; from now on the evaluation's own.
    pub(super) fn value_mut(&mut self) -> Option<&mut Value> {
        match self {
            Slot::Borrowed(value) => *self = Slot::Owned(value.clone()),
            Slot::Part(document, part) => *self = Slot::Owned(document.value(*part).clone()),
            Slot::Undefined | Slot::Owned(_) => {}
        }
        match self {
            Slot::Owned(value) => Some(value),
            Slot::Undefined | Slot::Borrowed(_) | Slot::Part(..) => None,
        }
    }

    /// What `find` gets out of the value; borrowed if the value is.
    pub(super) fn map(&self, find: impl for<'v> FnOnce(&'v Value) -> Option<&'v Value>) -> Slot<'e> {
        match *self {
            Slot::Undefined => Slot::Undefined,
            Slot::Borrowed(value) => find(value).into(),
            Slot::Owned(ref value) => find(value).cloned().into(),
            Slot::Part(document, part) => find(document.value(part)).into(),
        }
    }

    /// `self[key]`. In a set the result is the key, as `key` copies it, however the set's member is written.
    pub(super) fn member(&self, key: &Value, copy_key: impl FnOnce() -> Slot<'e>) -> Slot<'e> {
        match *self {
            Slot::Part(document, part) => part_member(document, part, key),
            _ => match self.value() {
                Some(Value::Set(set)) if set.contains(key) => copy_key(),
                _ => self.map(|source| source.member(key)),
            },
        }
    }

    /// The input as an evaluation begins with it.
    pub(super) fn of_input(input: &'e Input<'e>) -> Self {
        match input {
            Input::Undefined => Slot::Undefined,
            Input::Value(value) => Slot::Borrowed(value),
            Input::Document(document) => Slot::Part(document, Part::WHOLE),
        }
    }
}

/// What a part of a document has under a key; only strings are keys there.
pub(super) fn part_member<'e>(document: &'e &'e dyn Document, part: Part, key: &Value) -> Slot<'e> {
    let Value::String(name) = key else {
        return Slot::Undefined;
    };
    match document.member(part, name) {
        Some(Member::Value(value)) => Slot::Borrowed(value),
        Some(Member::Part(part)) => Slot::Part(document, part),
        None => Slot::Undefined,
    }
}

impl<'e> From<Option<&'e Value>> for Slot<'e> {
    fn from(value: Option<&'e Value>) -> Self {
        value.map_or(Slot::Undefined, Slot::Borrowed)
    }
}

impl From<Option<Value>> for Slot<'_> {
    fn from(value: Option<Value>) -> Self {
        value.map_or(Slot::Undefined, Slot::Owned)
    }
}
