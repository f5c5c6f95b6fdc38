//! OPA's total order of values (`v1/ast/compare.go`), and equality and hashing that agree with it.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use super::{Array, Object, Set, Value};

/// Where a kind of value stands among the others.
fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
        Value::Set(_) => 6,
    }
}

/// Compares `value` with a string, without making a value of it.
pub(super) fn with_str(value: &Value, text: &str) -> Ordering {
    match value {
        Value::String(own) => own.as_ref().cmp(text),
        other => rank(other).cmp(&3),
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::Number(a), Value::Number(b)) => a.cmp(b),
            (Value::String(a), Value::String(b)) => a.cmp(b),
            (Value::Array(a), Value::Array(b)) => a.cmp(b),
            (Value::Object(a), Value::Object(b)) => a.cmp(b),
            (Value::Set(a), Value::Set(b)) => a.cmp(b),
            _ => rank(self).cmp(&rank(other)),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::String(a), Value::String(b)) => a == b,
            (Value::Array(a), Value::Array(b)) => a == b,
            (Value::Object(a), Value::Object(b)) => a == b,
            (Value::Set(a), Value::Set(b)) => a == b,
            _ => self.cmp(other) == Ordering::Equal,
        }
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        rank(self).hash(state);
        match self {
            Value::Null => {}
            Value::Bool(flag) => flag.hash(state),
            Value::Number(number) => number.hash(state),
            Value::String(text) => text.hash(state),
            Value::Array(array) => array.hash(state),
            Value::Object(object) => object.hash(state),
            Value::Set(set) => set.hash(state),
        }
    }
}

/// A collection compares as the sequence of what it holds: arrays and sets element by element, objects pair by pair in
/// the order of keys; the shorter first where one begins with the other.
macro_rules! compare_as_sequence {
    ($($collection:ty),*) => {$(
        impl Ord for $collection {
            fn cmp(&self, other: &Self) -> Ordering {
                if self.same(other) { Ordering::Equal } else { self.iter().cmp(other.iter()) }
            }
        }

        impl PartialOrd for $collection {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl PartialEq for $collection {
            fn eq(&self, other: &Self) -> bool {
                self.same(other) || (self.len() == other.len() && self.iter().eq(other.iter()))
            }
        }

        impl Eq for $collection {}

        impl Hash for $collection {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.len().hash(state);
                for item in self {
                    item.hash(state);
                }
            }
        }
    )*};
}

compare_as_sequence!(Array, Object, Set);
