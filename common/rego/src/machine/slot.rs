//! What a local variable holds. Most values are part of the input, the data or the program, which outlive the
//! evaluation: those are borrowed, and cost no reference count.

use crate::value::Value;

/// A local variable's content.
#[derive(Clone, Default)]
pub(super) enum Slot<'e> {
    #[default]
    Undefined,
    /// A part of the input, the data or the program.
    Borrowed(&'e Value),
    /// Made by the evaluation.
    Owned(Value),
}

impl<'e> Slot<'e> {
    pub(super) fn value(&self) -> Option<&Value> {
        match self {
            Slot::Undefined => None,
            Slot::Borrowed(value) => Some(value),
            Slot::Owned(value) => Some(value),
        }
    }

    pub(super) fn is_defined(&self) -> bool {
        !matches!(self, Slot::Undefined)
    }

    /// The value to be changed in place; from now on the evaluation's own.
    pub(super) fn value_mut(&mut self) -> Option<&mut Value> {
        if let Slot::Borrowed(value) = self {
            *self = Slot::Owned(value.clone());
        }
        match self {
            Slot::Owned(value) => Some(value),
            Slot::Undefined | Slot::Borrowed(_) => None,
        }
    }

    /// What `find` gets out of the value; borrowed if the value is.
    pub(super) fn map(&self, find: impl for<'v> FnOnce(&'v Value) -> Option<&'v Value>) -> Slot<'e> {
        match self {
            Slot::Undefined => Slot::Undefined,
            Slot::Borrowed(value) => find(value).into(),
            Slot::Owned(value) => find(value).cloned().into(),
        }
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
