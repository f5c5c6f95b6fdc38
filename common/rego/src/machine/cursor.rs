//! An iteration over a collection as it was when the iteration began.

use super::slot::Slot;
use crate::value::Value;

/// The collection, and the rank of its next element.
#[derive(Default)]
pub(super) struct Cursor<'e> {
    /// Undefined once the iteration is at its end.
    collection: Slot<'e>,
    next: usize,
    /// The only element, where its key was known, which is seldom.
    only: Option<Box<(Slot<'e>, Slot<'e>)>>,
}

impl<'e> Cursor<'e> {
    pub(super) fn over(collection: Slot<'e>) -> Self {
        Cursor {
            collection,
            next: 0,
            only: None,
        }
    }

    /// Over one element, if it is there.
    pub(super) fn at(key: Slot<'e>, element: Slot<'e>) -> Self {
        Cursor {
            only: element.is_defined().then(|| Box::new((key, element))),
            ..Cursor::default()
        }
    }

    /// The elements to come, where they stand beside each other and outlive the evaluation.
    pub(super) fn rest(&self) -> Option<&'e [Value]> {
        match self.collection {
            Slot::Borrowed(Value::Array(array)) => array.as_slice().get(self.next..),
            _ => None,
        }
    }

    /// Leaves out as many elements.
    pub(super) fn pass(&mut self, elements: usize) {
        self.next += elements;
    }

    /// The next key, if it is wanted, and value: an array's index and element, an object's member, a set's member
    /// twice. What can't be iterated has none.
    pub(super) fn next(&mut self, wants_key: bool) -> Option<(Slot<'e>, Slot<'e>)> {
        if let Some(only) = self.only.take() {
            return Some(*only);
        }
        let rank = self.next;
        self.next += 1;
        match &self.collection {
            // What an iteration is over is a value ([`Slot::made`]).
            Slot::Undefined | Slot::Part(..) => None,
            Slot::Borrowed(collection) => {
                let (key, element) = entry(collection, rank)?;
                let key = match key {
                    _ if !wants_key => Slot::Undefined,
                    Some(key) => Slot::Borrowed(key),
                    None => Slot::Owned(index(rank)),
                };
                Some((key, Slot::Borrowed(element)))
            }
            Slot::Owned(collection) => {
                let (key, element) = entry(collection, rank)?;
                let key = match key {
                    _ if !wants_key => Slot::Undefined,
                    Some(key) => Slot::Owned(key.clone()),
                    None => Slot::Owned(index(rank)),
                };
                Some((key, Slot::Owned(element.clone())))
            }
        }
    }
}

/// The key, unless it is the rank itself, and the element at a rank.
fn entry(collection: &Value, rank: usize) -> Option<(Option<&Value>, &Value)> {
    match collection {
        Value::Array(array) => Some((None, array.get(rank)?)),
        Value::Object(object) => object.nth(rank).map(|(key, value)| (Some(key), value)),
        Value::Set(set) => set.nth(rank).map(|member| (Some(member), member)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn index(rank: usize) -> Value {
    Value::from(u64::try_from(rank).unwrap_or(u64::MAX))
}
