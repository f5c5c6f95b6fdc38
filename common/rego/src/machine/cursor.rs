//! An iteration over a collection as it was when the iteration began.

use crate::value::{Array, Object, Set, Value};

pub(super) enum Cursor {
    /// At its end, or over something that has no elements.
    Closed,
    Array {
        array: Array,
        next: usize,
    },
    Object {
        object: Object,
        next: usize,
    },
    Set {
        set: Set,
        next: usize,
    },
}

impl Cursor {
    pub(super) fn over(value: &Value) -> Self {
        match value {
            Value::Array(array) => Cursor::Array {
                array: array.clone(),
                next: 0,
            },
            Value::Object(object) => Cursor::Object {
                object: object.clone(),
                next: 0,
            },
            Value::Set(set) => Cursor::Set {
                set: set.clone(),
                next: 0,
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Cursor::Closed,
        }
    }

    /// The next key and value: an array's index and element, an object's member, a set's member twice. The key only if
    /// it is wanted.
    pub(super) fn next(&mut self, wants_key: bool) -> Option<(Option<Value>, Value)> {
        match self {
            Cursor::Closed => None,
            Cursor::Array { array, next } => {
                let element = array.get(*next)?.clone();
                let key = wants_key.then(|| Value::from(u64::try_from(*next).unwrap_or(u64::MAX)));
                *next += 1;
                Some((key, element))
            }
            Cursor::Object { object, next } => {
                let (key, value) = object.nth(*next)?;
                *next += 1;
                Some((wants_key.then(|| key.clone()), value.clone()))
            }
            Cursor::Set { set, next } => {
                let member = set.nth(*next)?;
                *next += 1;
                Some((wants_key.then(|| member.clone()), member.clone()))
            }
        }
    }
}
