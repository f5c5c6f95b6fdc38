//! Rego's values: JSON's, and sets, and objects with keys of any kind. Cheap to clone (a collection or a string is
//! one shared pointer), totally ordered as OPA orders them. Never loses a number's source text.

mod array;
mod convert;
mod debug;
mod extent;
mod object;
mod order;
mod set;
mod tree;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::number::Number;

pub(crate) use tree::Change;

pub use array::Array;
pub use object::{Object, ObjectIter};
pub use set::{Set, SetIter};

/// The deepest nesting of arrays, objects and sets that this crate reads or builds. It bounds the native recursion
/// of comparing, printing and dropping a value.
pub const MAX_NESTING: usize = 512;

/// The heaviest value ([`Value::weight`]) that an evaluation builds.
pub const MAX_WEIGHT: u64 = 1 << 24;

/// A Rego value.
///
/// Values compare by content: `1`, `1.0` and `1e0` are one value, although each keeps its text.
/// The order is OPA's: null, booleans, numbers, strings, arrays, objects, sets.
#[derive(Clone)]
pub enum Value {
    /// JSON's `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number of any size, with the text it was written as.
    Number(Number),
    /// A string, UTF-8.
    String(Arc<str>),
    /// An array.
    Array(Array),
    /// An object; in Rego its keys may be any values.
    Object(Object),
    /// A set. JSON has none; written as JSON it is an array in order.
    Set(Set),
}

impl Value {
    /// A string value.
    pub fn string(text: impl Into<Arc<str>>) -> Self {
        Value::String(text.into())
    }

    /// An object from pairs whose keys are strings. Where a key comes twice, the last one stands.
    pub fn object_from<K, V, I>(pairs: I) -> Self
    where
        K: Into<Arc<str>>,
        V: Into<Value>,
        I: IntoIterator<Item = (K, V)>,
    {
        Value::Object(
            pairs
                .into_iter()
                .map(|(key, value)| (Value::String(key.into()), value.into()))
                .collect(),
        )
    }

    /// What the value is called in OPA's messages: `null`, `boolean`, `number`, `string`, `array`, `object`, `set`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
            Value::Set(_) => "set",
        }
    }

    /// The member of an object under a string key; `None` for anything else.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_object()?.get_str(key)
    }

    /// What `self[key]` is in Rego: an array's element, an object's member, or `key` itself where a set has it.
    #[must_use]
    pub fn lookup<'v>(&'v self, key: &'v Value) -> Option<&'v Value> {
        match self {
            // The key as it was asked for, however the member is written.
            Value::Set(set) => set.contains(key).then_some(key),
            _ => self.member(key),
        }
    }

    /// An object's member or an array's element.
    pub(crate) fn member(&self, key: &Value) -> Option<&Value> {
        match self {
            Value::Object(object) => object.get(key),
            Value::Array(array) => {
                let Value::Number(index) = key else { return None };
                array.get(usize::try_from(index.as_i64()?).ok()?)
            }
            Value::Set(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        }
    }

    /// The boolean, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The number, if it is one.
    #[must_use]
    pub fn as_number(&self) -> Option<&Number> {
        match self {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The integer, if it is a number written as one (`2`, not `2.0`) that fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number()?.as_i64()
    }

    /// The string, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The array, if it is one.
    #[must_use]
    pub fn as_array(&self) -> Option<&Array> {
        match self {
            Value::Array(array) => Some(array),
            _ => None,
        }
    }

    /// The object, if it is one.
    #[must_use]
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The set, if it is one.
    #[must_use]
    pub fn as_set(&self) -> Option<&Set> {
        match self {
            Value::Set(set) => Some(set),
            _ => None,
        }
    }

    /// How many elements, members or, for a string, Unicode code points there are; `None` for what has no length.
    #[must_use]
    pub fn length(&self) -> Option<usize> {
        match self {
            Value::String(text) => Some(text.chars().count()),
            Value::Array(array) => Some(array.len()),
            Value::Object(object) => Some(object.len()),
            Value::Set(set) => Some(set.len()),
            Value::Null | Value::Bool(_) | Value::Number(_) => None,
        }
    }

    /// How many collections deep the value is: 0 for a scalar, 1 for `[]`, 2 for `[[]]`.
    #[must_use]
    pub fn nesting(&self) -> usize {
        match self {
            Value::Array(array) => array.nesting(),
            Value::Object(object) => object.nesting(),
            Value::Set(set) => set.nesting(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
        }
    }

    /// How large the value is when it is written out: about the number of values in it, shared ones as often as they
    /// occur, and more for long strings. Comparing and printing cost that much.
    #[must_use]
    pub fn weight(&self) -> u64 {
        match self {
            Value::Array(array) => array.weight(),
            Value::Object(object) => object.weight(),
            Value::Set(set) => set.weight(),
            Value::String(text) => 1 + text.len() as u64 / 64,
            Value::Number(number) => 1 + number.text_len() as u64 / 64,
            Value::Null | Value::Bool(_) => 1,
        }
    }

    /// Whether it is compared for nothing: lighter than 32 ([`Value::weight`]).
    #[inline]
    pub(crate) fn is_light(&self) -> bool {
        match self {
            Value::Null | Value::Bool(_) => true,
            Value::String(text) => text.len() < 31 * 64,
            other => other.weight() < 32,
        }
    }

    /// The bytes of a string or number that nobody else has.
    pub(crate) fn own_text(&self) -> usize {
        match self {
            Value::String(text) if Arc::strong_count(text) == 1 => text.len().saturating_add(16),
            Value::Number(number) => number.own_text(),
            _ => 0,
        }
    }

    /// Whether both are the very same value in memory. Never true of values that differ; says nothing when false.
    pub(crate) fn same(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            // Those of many digits aren't compared for nothing.
            (Value::Number(a), Value::Number(b)) => self.is_light() && a.source() == b.source(),
            (Value::String(a), Value::String(b)) => Arc::ptr_eq(a, b),
            (Value::Array(a), Value::Array(b)) => a.same(b),
            (Value::Object(a), Value::Object(b)) => a.same(b),
            (Value::Set(a), Value::Set(b)) => a.same(b),
            _ => false,
        }
    }
}
