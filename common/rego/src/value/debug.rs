//! Values as Rego writes them, for messages and tests: sets between `{` and `}`.

use std::fmt;

use super::{Array, Object, Set, Value};

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(flag) => write!(f, "{flag}"),
            Value::Number(number) => f.write_str(&number.as_str()),
            Value::String(text) => write!(f, "{text:?}"),
            Value::Array(array) => array.fmt(f),
            Value::Object(object) => object.fmt(f),
            Value::Set(set) => set.fmt(f),
        }
    }
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            f.write_str("set()")
        } else {
            f.debug_set().entries(self.iter()).finish()
        }
    }
}
