//! A set: values in order, each once, shared between clones.

use std::sync::Arc;

use super::Value;
use super::extent::Extent;
use super::tree::{self, Change, Entry, Tree};

/// A set of values, kept in OPA's order. A clone shares everything; a change copies only the path to what changes.
#[derive(Clone, Default)]
pub struct Set {
    shared: Arc<Members>,
}

#[derive(Clone, Default)]
struct Members {
    tree: Tree<Value>,
    inner: Extent,
}

impl Entry for Value {
    fn key(&self) -> &Value {
        self
    }

    /// Equal members may be written differently (`1`, `1.0`): the one that came first stays, as in OPA.
    fn replace(&mut self, _later: Self) -> u64 {
        0
    }
}

impl Set {
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

    /// Whether `value` is a member.
    #[must_use]
    pub fn contains(&self, value: &Value) -> bool {
        self.get(value).is_some()
    }

    /// The member that equals `value`.
    #[must_use]
    pub fn get(&self, value: &Value) -> Option<&Value> {
        self.shared.tree.find(|member| member.cmp(value))
    }

    /// The member at `rank` in order, from 0.
    #[must_use]
    pub fn nth(&self, rank: usize) -> Option<&Value> {
        self.shared.tree.nth(rank)
    }

    /// The members in order.
    #[must_use]
    pub fn iter(&self) -> SetIter<'_> {
        SetIter(self.shared.tree.iter())
    }

    /// Adds `value`; says whether it was new.
    pub fn insert(&mut self, value: Value) -> bool {
        self.put(value).is_new
    }

    /// As [`Set::insert`], and says what it took.
    pub(crate) fn put(&mut self, value: Value) -> Change {
        let copied = self.shared.tree.copied(&self.shared);
        let members = Arc::make_mut(&mut self.shared);
        let mut inner = members.inner;
        inner.add(&value);
        let inserted = members.tree.insert(value, copied);
        if inserted.replaced.is_none() {
            members.inner = inner;
        }
        inserted.change()
    }

    /// How deep it nests: 1 for `set()`.
    #[must_use]
    pub fn nesting(&self) -> usize {
        self.shared.inner.nesting.saturating_add(1)
    }

    pub(crate) fn weight(&self) -> u64 {
        self.shared.inner.weight.saturating_add(1)
    }

    pub(super) fn same(&self, other: &Set) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl FromIterator<Value> for Set {
    fn from_iter<I: IntoIterator<Item = Value>>(iter: I) -> Self {
        let members: Vec<Value> = iter.into_iter().collect();
        let tree = Tree::from_entries(members);
        let inner = Extent::of(tree.iter());
        Set {
            shared: Arc::new(Members { tree, inner }),
        }
    }
}

/// The members of a [`Set`], in order.
pub struct SetIter<'a>(tree::Iter<'a, Value>);

impl<'a> Iterator for SetIter<'a> {
    type Item = &'a Value;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for SetIter<'_> {}

impl<'a> IntoIterator for &'a Set {
    type Item = &'a Value;
    type IntoIter = SetIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
