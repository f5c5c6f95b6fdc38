//! Taking an entry out. Nodes that become small stay so, since those that become empty go; what is asked of a tree doesn't
//! depend on how full its nodes are.

use std::sync::Arc;

use super::{Branch, Entry, Node, Tree};
use crate::value::Value;

impl<E: Entry> Tree<E> {
    /// Takes the entry with that key out. Copies the nodes on its path where others share them, and nothing where there is no
    /// such entry.
    pub(in crate::value) fn remove(&mut self, key: &Value) -> Option<E> {
        self.find(|other| other.cmp(key))?;
        let removed = self.root.remove(key);
        while let Node::Branch(branch) = &mut self.root {
            self.root = match branch.children.as_mut_slice() {
                [] => Node::Leaf(Vec::new()),
                [only] => Arc::unwrap_or_clone(Arc::clone(&only.node)),
                _ => break,
            };
        }
        removed
    }
}

impl<E: Entry> Node<E> {
    fn remove(&mut self, key: &Value) -> Option<E> {
        match self {
            Node::Leaf(entries) => {
                let at = entries.binary_search_by(|entry| entry.key().cmp(key)).ok()?;
                Some(entries.remove(at))
            }
            Node::Branch(branch) => branch.remove(key),
        }
    }
}

impl<E: Entry> Branch<E> {
    fn remove(&mut self, key: &Value) -> Option<E> {
        let after = self.children.partition_point(|child| child.lowest <= *key);
        let at = after.checked_sub(1)?;
        let child = self.children.get_mut(at)?;
        let removed = Arc::make_mut(&mut child.node).remove(key)?;
        self.len = self.len.saturating_sub(1);
        child.len = child.node.len();
        match child.node.first().map(|first| first.key().clone()) {
            Some(lowest) => child.lowest = lowest,
            None => drop(self.children.remove(at)),
        }
        Some(removed)
    }
}
