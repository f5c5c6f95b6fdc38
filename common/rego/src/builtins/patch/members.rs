//! The edits of an object or a set: each key that was touched, and what became of it.

use std::collections::BTreeMap;

use super::tree::Tree;
use crate::builtins::{BuiltinError, Context};
use crate::value::Value;

/// What stands under a key that was touched.
pub(super) enum Child {
    /// A scalar; `None` once deleted.
    Scalar(Option<Value>),
    /// A collection that may have edits of its own; `None` once deleted.
    Composite(Option<Tree>),
}

impl Child {
    pub(super) fn of(context: &mut Context<'_>, value: Value) -> Result<Self, BuiltinError> {
        context.build(256)?;
        Ok(if is_composite(&value) {
            Self::Composite(Some(Tree::new(context, value)?))
        } else {
            Self::Scalar(Some(value))
        })
    }

    pub(super) fn deleted(value: &Value) -> Self {
        if is_composite(value) {
            Self::Composite(None)
        } else {
            Self::Scalar(None)
        }
    }
}

/// By key; with the key as it was written last, which is how it comes out.
#[derive(Default)]
pub(super) struct Members(pub(super) BTreeMap<Value, (Value, Child)>);

impl Members {
    pub(super) fn put(&mut self, key: &Value, child: Child) {
        self.0.insert(key.clone(), (key.clone(), child));
    }

    pub(super) fn get_mut(&mut self, key: &Value) -> Option<&mut Child> {
        self.0.get_mut(key).map(|(_, child)| child)
    }
}

pub(super) fn is_composite(value: &Value) -> bool {
    matches!(value, Value::Array(_) | Value::Object(_) | Value::Set(_))
}
