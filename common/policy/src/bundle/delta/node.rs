//! Values as Go has them: who holds an object holds it itself, and sees what others change in it. OPA's store hands parts of its
//! document from one update to another, so that what comes out depends on that. What nobody looks into stays the value that it
//! was, shared with the document in force.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use postern_rego::{Array, Object, Value};

use super::DeltaError;
use super::path::{self, Names};

/// A value that may be changed.
#[derive(Clone)]
pub(super) enum Node {
    Scalar(Value),
    Object(Rc<RefCell<Members>>),
    Array(Rc<RefCell<Elements>>),
}

/// An object as it was, and its members that were looked at or changed; `None` for those that are gone.
pub(super) struct Members {
    was: Object,
    now: BTreeMap<Arc<str>, Option<Node>>,
}

/// An array.
pub(super) enum Elements {
    /// As it was.
    Whole(Array),
    /// Looked into.
    Apart(Vec<Node>),
}

/// The most elements of arrays and updates that one delta may copy: some seconds of a processor.
const MOST_COPIED: u64 = 1 << 30;

/// How many may still be copied.
pub(super) struct Work {
    left: u64,
}

impl Work {
    pub(super) const fn new() -> Self {
        Self { left: MOST_COPIED }
    }

    pub(super) fn spend(&mut self, elements: usize) -> Result<(), DeltaError> {
        let left = self.left.checked_sub(elements as u64);
        self.left = left.ok_or(DeltaError::Work(MOST_COPIED))?;
        Ok(())
    }
}

impl From<Value> for Node {
    fn from(value: Value) -> Self {
        match value {
            Value::Object(was) => Self::Object(Rc::new(RefCell::new(Members {
                was,
                now: BTreeMap::new(),
            }))),
            Value::Array(array) => Self::array(Elements::Whole(array)),
            scalar => Self::Scalar(scalar),
        }
    }
}

impl Node {
    pub(super) fn array(elements: Elements) -> Self {
        Self::Array(Rc::new(RefCell::new(elements)))
    }

    /// As a value of its own. Recurses once for each level of nesting.
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Scalar(value) => value.clone(),
            Self::Object(members) => {
                let members = members.borrow();
                let mut object = members.was.clone();
                for (name, node) in &members.now {
                    let key = Value::String(Arc::clone(name));
                    match node {
                        Some(node) => drop(object.insert(key, node.value())),
                        None => drop(object.remove(&key)),
                    }
                }
                Value::Object(object)
            }
            Self::Array(elements) => match &*elements.borrow() {
                Elements::Whole(array) => Value::Array(array.clone()),
                Elements::Apart(nodes) => Value::Array(nodes.iter().map(Self::value).collect()),
            },
        }
    }

    pub(super) fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }
}

impl Members {
    pub(super) fn get(&mut self, name: &Arc<str>) -> Option<Node> {
        if let Some(known) = self.now.get(name) {
            return known.clone();
        }
        let node = Node::from(self.was.get_str(name)?.clone());
        self.now.insert(Arc::clone(name), Some(node.clone()));
        Some(node)
    }

    pub(super) fn set(&mut self, name: &Arc<str>, node: Option<Node>) {
        self.now.insert(Arc::clone(name), node);
    }
}

impl Elements {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Whole(array) => array.len(),
            Self::Apart(nodes) => nodes.len(),
        }
    }

    fn apart(&mut self, work: &mut Work) -> Result<&mut Vec<Node>, DeltaError> {
        if let Self::Whole(array) = self {
            work.spend(array.len())?;
            *self = Self::Apart(array.iter().cloned().map(Node::from).collect());
        }
        match self {
            Self::Apart(nodes) => Ok(nodes),
            Self::Whole(_) => Err(no_document()),
        }
    }

    pub(super) fn get(&mut self, at: usize, work: &mut Work) -> Result<Node, DeltaError> {
        self.apart(work)?.get(at).cloned().ok_or_else(no_document)
    }

    pub(super) fn set(&mut self, at: usize, node: Node, work: &mut Work) -> Result<(), DeltaError> {
        *self.apart(work)?.get_mut(at).ok_or_else(no_document)? = node;
        Ok(())
    }

    /// Its elements, once more: the elements themselves are the same.
    pub(super) fn copied(&mut self, work: &mut Work) -> Result<Vec<Node>, DeltaError> {
        let nodes = self.apart(work)?;
        work.spend(nodes.len())?;
        Ok(nodes.clone())
    }

    /// The place that a name stands for; `whole` is the path in messages.
    pub(super) fn position(&self, name: &str, whole: &Names) -> Result<usize, DeltaError> {
        let refuse = |hint: &str| DeltaError::NotFound(format!("{}: {hint}", path::shown(whole)));
        let index = path::index(name).map_err(|_| refuse("array index must be integer"))?;
        let index = usize::try_from(index).ok().filter(|index| *index < self.len());
        index.ok_or_else(|| refuse("array index out of range"))
    }

    /// Whether a name stands for the place behind the last element.
    pub(super) fn is_end(&self, name: &str) -> bool {
        name == "-" || name == self.len().to_string()
    }
}

pub(super) fn no_document() -> DeltaError {
    DeltaError::NotFound("document does not exist".to_owned())
}
