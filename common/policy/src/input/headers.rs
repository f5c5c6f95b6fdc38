//! How the document is given a request's headers: it asks for those that a policy looks at, or for all.

use postern_rego::{Object, Value};

/// The headers of a request: names in lower case, each once, repeats joined by a comma.
pub trait HeaderParts {
    /// The value under `name`, which is in lower case.
    fn value(&self, name: &str) -> Option<&str>;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// All of them.
    fn iter(&self) -> impl Iterator<Item = (&str, &str)>;
}

/// For hosts that have no better form; looks at all of them.
impl HeaderParts for [(&str, &str)] {
    fn value(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(other, _)| *other == name)
            .map(|(_, value)| *value)
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter().copied()
    }
}

/// All of `headers`; absent where the request has none.
pub(super) fn all(headers: &(impl HeaderParts + ?Sized)) -> Option<Value> {
    let all = headers.iter();
    let object: Object = all
        .map(|(name, value)| (Value::from(name), Value::from(value)))
        .collect();
    (!object.is_empty()).then_some(Value::Object(object))
}
