//! What a payload is read into. Its text is read once, strictly, and straight into the form that the caller works with: a
//! map of `serde_json`, or what else implements [`ClaimsForm`]. A form only builds and shows; what is well-formed is
//! settled by the reader, alike for all forms.

use std::fmt::Debug;

use serde_json::{Map, Number, Value};

/// A JSON value that holds no others, as it was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar<'t> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer that fits.
    Signed(i64),
    /// An integer beyond `i64` that fits.
    Unsigned(u64),
    /// The double nearest to any other number; always finite. What was written may have been another number, or have
    /// looked different.
    Double(f64),
    /// A string without its escapes.
    String(&'t str),
}

/// What a value is, as far as claims with a meaning here are concerned.
#[derive(Debug)]
pub enum View<'v, V> {
    /// `null`.
    Null,
    /// A number, as [`Scalar::Signed`].
    Integer(i64),
    /// Any other number, as the nearest double.
    Double(f64),
    /// A string.
    String(&'v str),
    /// An array's elements.
    Array(&'v [V]),
    /// A boolean or an object.
    Other,
}

/// A form of JSON that a payload can be read into.
pub trait ClaimsForm: Copy + Debug {
    /// A member's name.
    type Name: AsRef<str> + for<'n> From<&'n str>;
    /// Any value.
    type Value: Debug;
    /// An object.
    type Object: Debug;

    /// A value that holds no others.
    fn scalar(scalar: Scalar<'_>) -> Self::Value;

    /// An array.
    fn array(items: Vec<Self::Value>) -> Self::Value;

    /// An object with these members, in the order in which they were written; no two have one name.
    fn object(members: Vec<(Self::Name, Self::Value)>) -> Self::Object;

    /// An object as a value.
    fn nested(object: Self::Object) -> Self::Value;

    /// The value of the member called `name`.
    fn member<'o>(object: &'o Self::Object, name: &str) -> Option<&'o Self::Value>;

    /// What `value` is.
    fn view(value: &Self::Value) -> View<'_, Self::Value>;
}

/// Claims as a map of `serde_json`.
#[derive(Clone, Copy, Debug)]
pub struct ClaimsMap;

impl ClaimsForm for ClaimsMap {
    type Name = String;
    type Value = Value;
    type Object = Map<String, Value>;

    fn scalar(scalar: Scalar<'_>) -> Value {
        match scalar {
            Scalar::Null => Value::Null,
            Scalar::Bool(flag) => Value::Bool(flag),
            Scalar::Signed(integer) => Value::Number(integer.into()),
            Scalar::Unsigned(integer) => Value::Number(integer.into()),
            Scalar::Double(double) => Number::from_f64(double).map_or(Value::Null, Value::Number),
            Scalar::String(text) => Value::String(text.to_owned()),
        }
    }

    fn array(items: Vec<Value>) -> Value {
        Value::Array(items)
    }

    fn object(members: Vec<(String, Value)>) -> Map<String, Value> {
        members.into_iter().collect()
    }

    fn nested(object: Map<String, Value>) -> Value {
        Value::Object(object)
    }

    fn member<'o>(object: &'o Map<String, Value>, name: &str) -> Option<&'o Value> {
        object.get(name)
    }

    fn view(value: &Value) -> View<'_, Value> {
        match value {
            Value::Null => View::Null,
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(integer), _) => View::Integer(integer),
                (None, Some(double)) => View::Double(double),
                (None, None) => View::Other,
            },
            Value::String(text) => View::String(text),
            Value::Array(items) => View::Array(items),
            Value::Bool(_) | Value::Object(_) => View::Other,
        }
    }
}
