//! An object: pairs in the order of their keys, shared between clones.

use std::sync::Arc;

use super::extent::Extent;
use super::tree::{self, Change, Entry, Tree};
use super::{Value, order};

/// An object, its members in OPA's order of keys. A clone shares everything; a change copies only the path to what
/// changes, so that replacing one member of a large document costs next to nothing.
#[derive(Clone, Default)]
pub struct Object {
    shared: Arc<Members>,
}

#[derive(Clone, Default)]
struct Members {
    tree: Tree<(Value, Value)>,
    /// Of keys and values.
    inner: Extent,
}

impl Entry for (Value, Value) {
    fn key(&self) -> &Value {
        &self.0
    }

    fn replace(&mut self, later: Self) -> u64 {
        // What goes is the value that was here, and the key that came.
        let gone = self.1.weight().saturating_add(later.0.weight());
        self.1 = later.1;
        gone
    }
}

impl Object {
    /// How many members.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.tree.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value under `key`.
    #[must_use]
    pub fn get(&self, key: &Value) -> Option<&Value> {
        match key {
            Value::String(text) => self.get_shared(text),
            _ => self
                .shared
                .tree
                .find(|name| name.cmp(key))
                .map(|(_, value)| value),
        }
    }

    /// The value under a string key.
    #[must_use]
    pub fn get_str(&self, key: &str) -> Option<&Value> {
        let tree = &self.shared.tree;
        let found = match tree.few() {
            // Most names differ in length, which is known without a look at their text.
            Some(members) => members.iter().find(|(name, _)| name.as_str() == Some(key)),
            None => tree.find(|name| order::with_str(name, key)),
        };
        found.map(|(_, value)| value)
    }

    /// As [`Object::get_str`], without a look at the text of the name where it is the very text that is asked for.
    pub(crate) fn get_shared(&self, key: &Arc<str>) -> Option<&Value> {
        let Some(members) = self.shared.tree.few() else {
            return self.get_str(key);
        };
        let is_key = |name: &Value| match name {
            // Most names differ in length, which is known without a look at their text.
            Value::String(own) => own.len() == key.len() && (Arc::ptr_eq(own, key) || **own == **key),
            _ => false,
        };
        members
            .iter()
            .find(|(name, _)| is_key(name))
            .map(|(_, value)| value)
    }

    /// Whether there is a value under `key`.
    #[must_use]
    pub fn contains_key(&self, key: &Value) -> bool {
        self.get(key).is_some()
    }

    /// The key and value at `rank` in the order of keys, from 0.
    #[must_use]
    pub fn nth(&self, rank: usize) -> Option<(&Value, &Value)> {
        self.shared.tree.nth(rank).map(|(key, value)| (key, value))
    }

    /// The members in the order of keys.
    #[must_use]
    pub fn iter(&self) -> ObjectIter<'_> {
        ObjectIter(self.shared.tree.iter())
    }

    /// The keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &Value> {
        self.iter().map(|(key, _)| key)
    }

    /// The values in the order of their keys.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.iter().map(|(_, value)| value)
    }

    /// Puts `value` under `key`, replacing what was there (the key that was there first stays); says whether the key
    /// was new.
    pub fn insert(&mut self, key: Value, value: Value) -> bool {
        self.put(key, value).is_new
    }

    /// As [`Object::insert`], and says what it took.
    pub(crate) fn put(&mut self, key: Value, value: Value) -> Change {
        let copied = self.shared.tree.copied(&self.shared);
        let members = Arc::make_mut(&mut self.shared);
        members.inner.add(&key);
        members.inner.add(&value);
        let inserted = members.tree.insert((key, value), copied);
        members.inner.remove(inserted.replaced.unwrap_or(0));
        inserted.change()
    }

    /// Takes the member under `key` out, and gives its value. What it nests stays counted.
    pub fn remove(&mut self, key: &Value) -> Option<Value> {
        if !self.contains_key(key) {
            return None;
        }
        let members = Arc::make_mut(&mut self.shared);
        let (name, value) = members.tree.remove(key)?;
        members.inner.remove(name.weight().saturating_add(value.weight()));
        Some(value)
    }

    /// How deep it nests: 1 for `{}`.
    #[must_use]
    pub fn nesting(&self) -> usize {
        self.shared.inner.nesting.saturating_add(1)
    }

    pub(crate) fn weight(&self) -> u64 {
        self.shared.inner.weight.saturating_add(1)
    }

    pub(super) fn same(&self, other: &Object) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

/// Where a key comes twice, the last value stands. Pairs that are in the order of their keys needn't be sorted.
impl From<Vec<(Value, Value)>> for Object {
    fn from(pairs: Vec<(Value, Value)>) -> Self {
        let tree = Tree::from_entries(pairs);
        let mut inner = Extent::default();
        tree.for_each(|(key, value)| {
            inner.add(key);
            inner.add(value);
        });
        Object {
            shared: Arc::new(Members { tree, inner }),
        }
    }
}

/// As from a vector.
impl FromIterator<(Value, Value)> for Object {
    fn from_iter<I: IntoIterator<Item = (Value, Value)>>(iter: I) -> Self {
        Object::from(iter.into_iter().collect::<Vec<_>>())
    }
}

/// The members of an [`Object`], in the order of keys.
pub struct ObjectIter<'a>(tree::Iter<'a, (Value, Value)>);

impl<'a> Iterator for ObjectIter<'a> {
    type Item = (&'a Value, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| (key, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for ObjectIter<'_> {}

impl<'a> IntoIterator for &'a Object {
    type Item = (&'a Value, &'a Value);
    type IntoIter = ObjectIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
