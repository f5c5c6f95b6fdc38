//! Documents that share their texts with a program: names are then told to be the same by where they are, without a
//! look at their letters, and kept once.

use std::sync::Arc;

use super::Program;
use crate::hash::HashMap;
use crate::value::Value;

impl Program {
    /// The same document, with the program's own copies of the names and texts that it knows. Takes a look at all of it:
    /// for data that many evaluations share.
    #[must_use]
    pub fn share(&self, document: Value) -> Value {
        let texts = self.constants.iter().filter_map(|constant| match constant {
            Value::String(text) => Some((text.as_ref(), text)),
            _ => None,
        });
        let texts: HashMap<&str, &Arc<str>> = texts.collect();
        shared(&document, &texts).unwrap_or(document)
    }
}

/// `None` where there is nothing to share. Recurses as deep as the value nests, which is bounded.
fn shared(value: &Value, texts: &HashMap<&str, &Arc<str>>) -> Option<Value> {
    match value {
        Value::String(text) => texts
            .get(text.as_ref())
            .map(|known| Value::String(Arc::clone(known))),
        Value::Array(array) => {
            let made: Vec<Option<Value>> = array.iter().map(|item| shared(item, texts)).collect();
            made.iter().any(Option::is_some).then(|| {
                let items = array.iter().zip(made);
                let items = items.map(|(item, made)| made.unwrap_or_else(|| item.clone()));
                Value::Array(items.collect())
            })
        }
        Value::Object(object) => {
            let made: Vec<_> = object
                .iter()
                .map(|(name, value)| (shared(name, texts), shared(value, texts)))
                .collect();
            let any = made.iter().any(|(name, value)| name.is_some() || value.is_some());
            any.then(|| {
                let members = object.iter().zip(made).map(|((name, value), made)| {
                    let name = made.0.unwrap_or_else(|| name.clone());
                    (name, made.1.unwrap_or_else(|| value.clone()))
                });
                Value::Object(members.collect())
            })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Set(_) => None,
    }
}
