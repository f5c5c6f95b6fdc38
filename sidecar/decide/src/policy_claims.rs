//! Claims as policy sees them, read straight from a token's payload. Judges nothing: what is well-formed is settled by the
//! reader.

use std::sync::Arc;

use postern_jose::{ClaimsForm, Scalar, View};
use postern_rego::{Number, Object, Value};

use crate::common_texts::shared;

/// Claims as a Rego object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PolicyClaims;

/// The name of a claim.
pub(crate) struct ClaimName(Arc<str>);

impl From<&str> for ClaimName {
    fn from(name: &str) -> Self {
        Self(shared(name))
    }
}

impl AsRef<str> for ClaimName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl ClaimsForm for PolicyClaims {
    type Name = ClaimName;
    type Value = Value;
    type Object = Object;

    fn scalar(scalar: Scalar<'_>) -> Value {
        match scalar {
            Scalar::Null => Value::Null,
            Scalar::Bool(flag) => Value::Bool(flag),
            Scalar::Signed(integer) => Value::from(integer),
            Scalar::Unsigned(integer) => Value::from(integer),
            // Rust writes a finite double as JSON does, and as no other double.
            Scalar::Double(double) => {
                Number::from_source(&double.to_string()).map_or(Value::Null, Value::Number)
            }
            Scalar::String(text) => Value::String(shared(text)),
        }
    }

    fn array(items: Vec<Value>) -> Value {
        Value::from(items)
    }

    fn object(members: Vec<(ClaimName, Value)>) -> Object {
        members
            .into_iter()
            .map(|(name, value)| (Value::String(name.0), value))
            .collect()
    }

    fn nested(object: Object) -> Value {
        Value::Object(object)
    }

    fn member<'o>(object: &'o Object, name: &str) -> Option<&'o Value> {
        object.get_str(name)
    }

    fn view(value: &Value) -> View<'_, Value> {
        match value {
            Value::Null => View::Null,
            Value::Number(number) => match number.as_i64() {
                Some(integer) => View::Integer(integer),
                None => number.as_str().parse().map_or(View::Other, View::Double),
            },
            Value::String(text) => View::String(text),
            Value::Array(array) => View::Array(array.as_slice()),
            Value::Bool(_) | Value::Object(_) | Value::Set(_) => View::Other,
        }
    }
}
